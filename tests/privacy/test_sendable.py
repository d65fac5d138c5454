"""Unknown is no, a withdrawal is never lost, and merging people never lets anybody write to more of them."""

from itertools import combinations

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Consent, ContactPoint, Suppression
from audience.privacy.sendable import sendable
from privacy.people import MARKETING, answer, empty, point, store, suppressed


def allowed(warehouse: Warehouse, purpose: str = MARKETING) -> set[str]:
    with warehouse.vault.begin() as connection:
        return set(connection.execute(sendable(purpose)).scalars())


def test_who_granted_may_be_written_to(warehouse: Warehouse) -> None:
    store(warehouse, point("ana"), answer("ana", "granted"))
    assert allowed(warehouse) == {"ana"}


def test_who_never_answered_may_not(warehouse: Warehouse) -> None:
    store(warehouse, point("ana"))
    assert allowed(warehouse) == set()


def test_a_grant_for_one_purpose_or_channel_is_none_for_another(warehouse: Warehouse) -> None:
    store(
        warehouse, point("ana"), answer("ana", "granted", purpose="profiling"), answer("ana", "granted", channel="sms")
    )
    assert allowed(warehouse) == set()
    assert allowed(warehouse, "profiling") == {"ana"}


def test_the_newest_answer_counts(warehouse: Warehouse) -> None:
    store(warehouse, point("ana"), answer("ana", "withdrawn", 8), answer("ana", "granted", 9))
    store(warehouse, point("bob"), answer("bob", "granted", 8), answer("bob", "withdrawn", 9))
    assert allowed(warehouse) == {"ana"}


def test_of_two_answers_at_the_same_instant_the_withdrawal_counts(warehouse: Warehouse) -> None:
    no = answer("ana", "withdrawn", 8)
    no.consent_id = "another"
    store(warehouse, point("ana"), answer("ana", "granted", 8), no)
    assert allowed(warehouse) == set()


def test_a_withdrawal_by_one_address_forbids_every_address_of_the_person(warehouse: Warehouse) -> None:
    store(warehouse, point("ana", "person-1"), point("ana.work", "person-1", primary=False))
    store(warehouse, answer("ana", "granted", 9), answer("ana.work", "withdrawn", 8))
    assert allowed(warehouse) == set()


def test_a_grant_by_one_address_allows_no_other_address(warehouse: Warehouse) -> None:
    store(warehouse, point("ana", "person-1"), point("ana.work", "person-1", primary=False))
    store(warehouse, answer("ana.work", "granted"))
    assert allowed(warehouse) == {"ana.work"}


def test_a_suppressed_address_forbids_every_address_of_the_person(warehouse: Warehouse) -> None:
    store(warehouse, point("ana", "person-1"), point("ana.work", "person-1", primary=False))
    store(warehouse, answer("ana", "granted"), answer("ana.work", "granted"), suppressed("ana.work"))
    assert allowed(warehouse) == set()


def test_an_address_outside_the_vault_is_nobody_s(warehouse: Warehouse) -> None:
    store(warehouse, answer("ana", "granted"))
    assert allowed(warehouse) == set()


ADDRESSES = ["a", "b", "c", "d"]
ANSWERS = st.lists(
    st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(["granted", "withdrawn"]), st.integers(8, 10)),
    max_size=8,
    unique=True,
)
OWNERS = st.tuples(*[st.sampled_from(["p", "q"])] * len(ADDRESSES))
SUPPRESSED = st.sets(st.sampled_from(ADDRESSES), max_size=1)
Answers = list[tuple[str, str, int]]


def in_python(owners: tuple[str, ...], answers: Answers, no_contact: set[str]) -> set[str]:
    """The rule in ten lines: what the SQL must say."""
    person = dict(zip(ADDRESSES, owners, strict=True))
    last: dict[str, tuple[int, bool]] = {}
    for address, status, hour in answers:
        last[address] = max(last.get(address, (0, False)), (hour, status == "withdrawn"))
    refusing = {person[a] for a, (_, is_withdrawn) in last.items() if is_withdrawn} | {person[a] for a in no_contact}
    return {a for a, (_, is_withdrawn) in last.items() if not is_withdrawn and person[a] not in refusing}


def in_sql(warehouse: Warehouse, owners: tuple[str, ...], answers: Answers, no_contact: set[str]) -> set[str]:
    empty(warehouse, ContactPoint, Consent, Suppression)
    store(warehouse, *(point(a, p, primary=False) for a, p in zip(ADDRESSES, owners, strict=True)))
    for place, (address, status, hour) in enumerate(answers):
        row = answer(address, status, hour)
        row.consent_id = str(place)
        store(warehouse, row)
    store(warehouse, *(suppressed(a) for a in no_contact))
    return allowed(warehouse)


@given(owners=OWNERS, answers=ANSWERS, no_contact=SUPPRESSED)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sql_says_what_the_rule_says(
    warehouse: Warehouse, owners: tuple[str, ...], answers: Answers, no_contact: set[str]
) -> None:
    assert in_sql(warehouse, owners, answers, no_contact) == in_python(owners, answers, no_contact)


@given(answers=ANSWERS, no_contact=SUPPRESSED)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_merge_ever_grants(warehouse: Warehouse, answers: Answers, no_contact: set[str]) -> None:
    apart = in_sql(warehouse, ("a", "b", "c", "d"), answers, no_contact)
    for first, second in combinations(ADDRESSES, 2):
        owners = tuple("merged" if a in (first, second) else a for a in ADDRESSES)
        with warehouse.vault.begin() as connection:
            for address, person in zip(ADDRESSES, owners, strict=True):
                connection.execute(
                    sa.update(ContactPoint).where(ContactPoint.contact_key == address).values(person_id=person)
                )
        assert allowed(warehouse) <= apart


@pytest.mark.parametrize("purpose", ["email_marketing", "profiling", "open_tracking", "click_tracking"])
def test_every_purpose_is_asked_for_on_its_own(warehouse: Warehouse, purpose: str) -> None:
    store(warehouse, point("ana"), answer("ana", "granted", purpose=purpose))
    assert [p for p in (MARKETING, "profiling", "open_tracking", "click_tracking") if allowed(warehouse, p)] == [
        purpose
    ]
