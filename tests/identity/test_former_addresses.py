"""Who once said no at an address of theirs is not written to at another one, whichever days were ever computed."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import FormerAddress
from audience.identity.decisions import Decision, remember
from audience.privacy.ledger import record_consents
from audience.privacy.sendable import sendable
from audience.privacy.suppression import record_suppressions
from identity.test_resolve import SATURDAY, SUNDAY, THURSDAY, House, a_contact, at, key_of
from key import KEY
from rows import FRIDAY


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    return House(lake, duck, warehouse)


OLD, NEW = "old@example.org", "new@example.org"


def answer(email: str, status: str, day: Partition) -> dict[str, object]:
    return {"consent_id": f"{email}-{status}", "email_key": key_of(email), "status": status, "captured_at": at(day)}


def moved(house: House) -> None:
    """Thursday: a record with the old address; Friday: with the new one, agreed to."""
    house.land("contact", a_contact("C-1", OLD, updated_at=at(THURSDAY)), day=THURSDAY)
    house.land("contact", a_contact("C-1", NEW, updated_at=at(FRIDAY)), day=FRIDAY)
    house.land("consent", answer(NEW, "granted", FRIDAY), day=FRIDAY)


def may_write_to(house: House, days: Sequence[Partition]) -> set[str]:
    """The addresses that may be written to once these days were computed, in this order."""
    for day in days:
        house.people(day)
        record_consents(house.lake, house.duck, house.warehouse, day, KEY)
        record_suppressions(house.lake, house.duck, house.warehouse, day, KEY)
    with house.warehouse.vault.begin() as connection:
        keys = set(connection.execute(sendable("email_marketing")).scalars())
    return {one for one in (OLD, NEW, "bea@example.org", "shared@example.org") if key_of(one) in keys}


ORDERS = [(SATURDAY,), (FRIDAY, SATURDAY), (SATURDAY, FRIDAY, THURSDAY)]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: " ".join(f"{day.day:%a}" for day in order))
def test_a_no_at_a_former_address_reaches_the_newer_one_whatever_was_computed(
    house: House, order: Sequence[Partition]
) -> None:
    moved(house)
    house.land("consent", answer(OLD, "withdrawn", SATURDAY), day=SATURDAY)
    assert may_write_to(house, order) == set()


def test_a_former_address_that_is_suppressed_forbids_the_newer_one(house: House) -> None:
    moved(house)
    assert may_write_to(house, [FRIDAY]) == {NEW}
    event = {"type": "unsubscribe", "email_key": key_of(OLD), "occurred_at": at(SATURDAY)}
    house.land("event", event, day=SATURDAY, source="newsletter")
    assert may_write_to(house, [SATURDAY]) == set()


def test_a_no_before_the_address_changed_counts_as_well(house: House) -> None:
    moved(house)
    house.land("consent", answer(OLD, "withdrawn", THURSDAY), day=THURSDAY)
    assert may_write_to(house, [FRIDAY]) == set()


def test_a_yes_at_a_former_address_is_none_at_the_newer_one(house: House) -> None:
    house.land("contact", a_contact("C-1", OLD, updated_at=at(THURSDAY)), day=THURSDAY)
    house.land("contact", a_contact("C-1", NEW, updated_at=at(FRIDAY)), day=FRIDAY)
    house.land("consent", answer(OLD, "granted", THURSDAY), day=THURSDAY)
    assert NEW not in may_write_to(house, [FRIDAY])


def test_an_address_that_somebody_else_has_now_still_speaks_for_who_had_it(house: House) -> None:
    shared = "shared@example.org"
    house.land("contact", a_contact("C-1", shared, updated_at=at(THURSDAY)), day=THURSDAY)
    house.land(
        "contact",
        a_contact("C-1", NEW, updated_at=at(FRIDAY)),
        a_contact("C-2", shared, first_name="Bea", updated_at=at(FRIDAY)),
        day=FRIDAY,
    )
    house.land("consent", answer(NEW, "granted", FRIDAY), answer(shared, "withdrawn", FRIDAY), day=FRIDAY)
    assert may_write_to(house, [FRIDAY]) == set()


def test_who_took_an_address_over_is_not_allowed_by_who_had_it(house: House) -> None:
    """The address itself was granted; the one who has it now has refused at another one."""
    shared = "shared@example.org"
    house.land("contact", a_contact("C-1", shared, updated_at=at(THURSDAY)), day=THURSDAY)
    house.land(
        "contact",
        a_contact("C-1", NEW, updated_at=at(FRIDAY)),
        a_contact("C-2", shared, first_name="Bea", customer_ref="B", updated_at=at(FRIDAY)),
        a_contact("C-3", "bea@example.org", first_name="Bea", customer_ref="B", updated_at=at(FRIDAY)),
        day=FRIDAY,
    )
    said = [answer(shared, "granted", FRIDAY), answer("bea@example.org", "withdrawn", FRIDAY)]
    house.land("consent", *said, day=FRIDAY)
    assert may_write_to(house, [FRIDAY]) == set()


def test_a_past_day_that_is_computed_again_leaves_what_is_known_now(house: House) -> None:
    moved(house)
    house.people(FRIDAY)
    known, before = house.vault(), formers(house)
    assert (known[OLD]["is_primary"], known[NEW]["is_primary"]) == (False, True) and len(before) == 1
    house.people(THURSDAY)
    assert formers(house) == before


def test_people_who_are_told_apart_do_not_keep_each_other_s_former_addresses(house: House) -> None:
    moved(house)
    bea = a_contact("C-2", "bea@example.org", first_name="Bea", last_name="Bo", updated_at=at(FRIDAY))
    said = [answer("bea@example.org", "granted", FRIDAY), answer(OLD, "withdrawn", THURSDAY)]
    house.land("contact", bea, source="shop", day=FRIDAY)
    house.land("consent", *said, day=FRIDAY, source="shop")
    for decision, day in (("same", SATURDAY), ("different", SUNDAY)):
        with house.warehouse.begin() as connection:
            remember(connection, [Decision("crm:C-1", "shop:C-2", decision, day.day)], by="rita")
    assert may_write_to(house, [SATURDAY]) == set()
    assert may_write_to(house, [SUNDAY]) == {"bea@example.org"}


def test_a_former_address_is_that_of_as_of_not_of_later(house: House) -> None:
    moved(house)
    house.land("contact", a_contact("C-1", "bea@example.org", updated_at=at(FRIDAY) + timedelta(days=1)), day=SATURDAY)
    house.people(FRIDAY)
    assert set(house.vault()) == {OLD, NEW}


def formers(house: House) -> set[tuple[str, str]]:
    with house.warehouse.vault.begin() as connection:
        rows = connection.execute(sa.select(FormerAddress.person_id, FormerAddress.contact_key))
        return {(r.person_id, r.contact_key) for r in rows}
