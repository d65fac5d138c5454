"""Identity of a day: person keys, golden records and the vault."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.normal.phone import e164_of
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS, PERSON_KEY
from audience.core.warehouse import Warehouse
from audience.identity.resolve import resolve
from audience.privacy.pseudonym import pseudonym
from rows import FRIDAY, NOON, land

KEY = Secret("a-pseudonym-key-for-tests-only-0123456789")
THURSDAY, SATURDAY, SUNDAY = FRIDAY.previous, FRIDAY.next, FRIDAY.plus(2)


def at(day: Partition) -> datetime:
    return day.window.start + timedelta(hours=12)


def a_contact(record_id: str, email: str | None = None, **more: Any) -> dict[str, Any]:
    key = pseudonym(email.lower(), KEY) if email else None
    number = e164_of(more["phone"], more.get("country") or "") if more.get("phone") else None
    own = {"record_id": record_id, "email": email, "email_key": key, "phone_e164": number, "first_name": "Ana"}
    return own | more


class House:
    """A lake and a warehouse, and the people in them."""

    def __init__(self, lake: Lake, duck: Backend, warehouse: Warehouse) -> None:
        self.lake, self.duck, self.warehouse = lake, duck, warehouse

    def land(self, entity: str, *rows: dict[str, Any], day: Partition = FRIDAY, source: str = "crm") -> None:
        land(self.lake, self.duck, entity, *rows, day=day, source=source)

    def people(self, day: Partition = FRIDAY) -> dict[str, str]:
        """Person by identifier: records as `crm:C-1`, addresses as their keyed hash."""
        resolve(self.lake, self.duck, self.warehouse, day, KEY)
        keys = self.duck.to_pyarrow(self.lake.read(self.duck, PERSON_KEY, day)).to_pylist()
        return {k["key"]: k["person_id"] for k in keys}

    def customer(self, day: Partition = FRIDAY) -> dict[str, Any]:
        """The only customer there is."""
        resolve(self.lake, self.duck, self.warehouse, day, KEY)
        (row,) = self.duck.to_pyarrow(self.lake.read(self.duck, CUSTOMERS, day)).to_pylist()
        return row  # type: ignore[no-any-return]

    def vault(self) -> dict[str, Any]:
        with self.warehouse.vault.begin() as connection:
            rows = connection.execute(sa.text("SELECT * FROM vault.contact_point")).mappings().all()
        return {r["email"]: dict(r) for r in rows}


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    return House(lake, duck, warehouse)


def key_of(email: str) -> str:
    return pseudonym(email, KEY)


# -- who is one person -------------------------------------------------------------------------------------------------


def test_the_same_address_in_other_case_is_the_same_person(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"))
    house.land("contact", a_contact("S-1", "Ana@Example.ORG"), source="shop")
    people = house.people()
    assert people["crm:C-1"] == people["shop:S-1"] == people[key_of("ana@example.org")]


def test_a_telephone_is_the_same_however_it_is_written(house: House) -> None:
    written = {
        "fr": [
            ("06 39 98 01 23", "FR"),
            ("+33639980123", None),
            ("0033639980123", "FR"),
            ("+33 (0)6 39 98 01 23", "DE"),
        ],
        "de": [("0151-5000 1234", "DE"), ("+4915150001234", None)],
    }
    house.land(
        "contact",
        *(a_contact(f"{who}{n}", phone=p, country=c) for who, ways in written.items() for n, (p, c) in enumerate(ways)),
    )
    people = house.people()
    assert len({people[f"crm:fr{n}"] for n in range(4)}) == len({people[f"crm:de{n}"] for n in range(2)}) == 1
    assert people["crm:fr0"] != people["crm:de0"]


def test_a_telephone_that_cannot_be_read_matches_nobody(house: House) -> None:
    unreadable = ["n/a", "unknown", "12", "0", "+", "06 39 98 01 23", "١٢"]  # the sixth has no country
    house.land("contact", *(a_contact(f"{n}{copy}", phone=p) for n, p in enumerate(unreadable) for copy in "ab"))
    assert len(set(house.people().values())) == 2 * len(unreadable)


def test_a_given_name_beside_a_telephone_is_the_same_however_it_is_typed(house: House) -> None:
    names = {"t0": "Thérèse", "t1": "THERESE", "t2": " therese ", "o": "Olivier", "n0": None, "n1": None}
    house.land("contact", *(a_contact(k, phone="+33639980123", first_name=n) for k, n in names.items()))
    people = house.people()
    assert len({people[f"crm:t{n}"] for n in range(3)}) == 1
    assert len(set(people.values())) == 4


def test_a_telephone_on_seven_records_is_not_one_persons(house: House) -> None:
    house.land("contact", *(a_contact(f"C-{n}", phone="+33639980123") for n in range(7)))
    assert len(set(house.people().values())) == 7


def test_a_deleted_record_is_nobody(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org", is_deleted=True))
    assert house.people() == {}


def test_nobody_at_all_is_an_empty_day(house: House) -> None:
    house.land("contact")
    counts = resolve(house.lake, house.duck, house.warehouse, FRIDAY, KEY).counts
    assert (counts.taken, counts.loaded, counts.superseded) == (0, 0, 0)


def test_records_in_are_people_out_and_records_that_joined_anothers(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), a_contact("C-2", "ana@example.org"), a_contact("C-3"))
    counts = resolve(house.lake, house.duck, house.warehouse, FRIDAY, KEY).counts
    assert (counts.taken, counts.loaded, counts.superseded) == (3, 2, 1)


def test_an_address_that_only_orders_consents_or_events_know_is_a_person(house: House) -> None:
    moments = {"order": "ordered_at", "consent": "captured_at", "event": "occurred_at"}
    for entity, moment in moments.items():
        house.land(entity, {"email_key": key_of(f"{entity}@example.org"), moment: NOON - timedelta(days=3)})
    people = house.people()
    customers = house.duck.to_pyarrow(house.lake.read(house.duck, CUSTOMERS, FRIDAY)).to_pylist()
    assert {c["person_id"] for c in customers} == {people[key_of(f"{entity}@example.org")] for entity in moments}
    assert {(c["records"], c["first_seen_at"]) for c in customers} == {(1, NOON - timedelta(days=3))}


# -- the same for ever -------------------------------------------------------------------------------------------------


def test_a_person_stays_the_same_when_an_older_record_becomes_known_later(house: House) -> None:
    house.land("contact", a_contact("S-1", "ana@example.org", created_at=at(THURSDAY)), source="shop", day=THURSDAY)
    before = house.people(THURSDAY)["shop:S-1"]
    years_ago = NOON - timedelta(days=900)
    house.land("contact", a_contact("C-1", "ana@example.org", created_at=years_ago))
    after = house.people(FRIDAY)
    assert after["shop:S-1"] == after["crm:C-1"] == before
    assert house.customer()["first_seen_at"] == years_ago


def test_a_guest_stays_the_same_person_after_opening_an_account(house: House) -> None:
    address = key_of("bo@example.org")
    house.land("order", {"email_key": address}, source="shop", day=THURSDAY)
    guest = house.people(THURSDAY)[address]
    house.land("contact", a_contact("S-9", "bo@example.org"), source="shop")
    after = house.people(FRIDAY)
    assert after["shop:S-9"] == after[address] == guest
    assert house.customer()["records"] == 1


def test_a_changed_record_is_the_same_person(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), day=THURSDAY)
    before = house.people(THURSDAY)["crm:C-1"]
    house.land("contact", a_contact("C-1", "ana@new.example", updated_at=at(FRIDAY)))
    assert house.people(FRIDAY)["crm:C-1"] == before


def test_two_people_who_turn_out_to_be_one_keep_the_earlier_name(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), day=THURSDAY)
    house.land("contact", a_contact("C-2", "ana@work.example"), day=FRIDAY)
    before = house.people(FRIDAY)
    assert before["crm:C-1"] != before["crm:C-2"]
    house.land(
        "contact", a_contact("C-1", "ana@example.org", customer_ref="LC-1"),
        a_contact("C-2", "ana@work.example", customer_ref="LC-1"), day=SATURDAY,
    )  # fmt: skip
    after = house.people(SATURDAY)
    assert after["crm:C-1"] == after["crm:C-2"] == before["crm:C-1"]


def hashes(lake: Lake) -> dict[str, list[str]]:
    return {t.name: [f.content_hash for f in lake.publications(t, through=SUNDAY)] for t in (PERSON_KEY, CUSTOMERS)}


def test_resolving_again_changes_nothing(house: House) -> None:
    house.land(
        "contact", a_contact("C-1", "ana@example.org"), a_contact("C-2", "ana@example.org", phone="+33639980123")
    )
    house.people()
    first, vault = hashes(house.lake), house.vault()
    house.people()
    assert hashes(house.lake) == first and house.vault() == vault


def test_days_resolved_in_any_order_have_the_same_content(tmp_path: Path, duck: Backend, warehouse: Warehouse) -> None:
    days = [THURSDAY, FRIDAY, SATURDAY]

    def in_order(name: str, order: Iterable[Partition]) -> dict[str, list[str]]:
        house = House(Lake.at(tmp_path / name), duck, warehouse)
        for n, day in enumerate(days):
            house.land(
                "contact", a_contact("C-1", f"ana{n}@example.org", updated_at=at(day)), a_contact(f"C-{n + 5}"), day=day
            )
            house.land("order", {"email_key": key_of("ana2@example.org")}, source="shop", day=day)
        for day in order:
            house.people(day)
        return hashes(house.lake)

    assert in_order("forward", days) == in_order("backward", reversed(days))


def test_the_past_of_a_day_is_not_changed_by_later_days(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), day=THURSDAY)
    before = house.people(THURSDAY)
    house.land("contact", a_contact("C-1", is_deleted=True), a_contact("C-2", "ana@example.org"), day=FRIDAY)
    assert house.people(THURSDAY) == before


# -- the golden record -------------------------------------------------------------------------------------------------


def test_the_newest_known_value_of_any_record_counts(house: House) -> None:
    older = {"updated_at": NOON - timedelta(days=1), "country": "DE", "gender": "f", "nps": 3, "postal_code": "10115"}
    house.land(
        "contact", a_contact("C-1", "ana@example.org", **older), a_contact("C-2", "ana@example.org", country="FR")
    )
    row = house.customer()
    assert (row["country"], row["gender"], row["nps"], row["region"], row["records"]) == ("FR", "f", 3, "10", 2)


def test_of_equally_new_values_that_of_the_lower_record_key_counts(house: House) -> None:
    for order in (("C-2", "C-1"), ("C-1", "C-2")):
        house.land("contact", *(a_contact(r, "ana@example.org", country={"C-1": "FR", "C-2": "DE"}[r]) for r in order))
        assert house.customer()["country"] == "FR"


def test_a_year_of_birth_that_no_person_has_is_unknown(house: House) -> None:
    births = [date(1984, 2, 29), date(1, 1, 1), date(9999, 1, 1)]
    house.land("contact", *(a_contact(f"C-{n}", birth_date=birth) for n, birth in enumerate(births)))
    house.people()
    customers = house.duck.to_pyarrow(house.lake.read(house.duck, CUSTOMERS, FRIDAY)).to_pylist()
    assert sorted(c["birth_year"] or 0 for c in customers) == [0, 0, 1984]


def a_consent(email: str, status: str, days_ago: int, **more: Any) -> dict[str, Any]:
    captured = NOON - timedelta(days=days_ago)
    answer = {"consent_id": f"{email}{days_ago}{status}", "email_key": key_of(email), "status": status}
    return answer | {"captured_at": captured} | more


def test_the_address_to_write_to_is_one_that_was_agreed_to_then_the_newest(house: House) -> None:
    answers = {
        "new": {
            "without an answer": [],
            "withdrawn later": [("granted", 5, {}), ("withdrawn", 2, {})],
            "withdrawn at the same time": [("granted", 5, {}), ("withdrawn", 5, {})],
            "agreed to something else": [("granted", 5, {"purpose": "profiling"})],
            "agreed to messages by telephone": [("granted", 5, {"channel": "sms"})],
            "agreed after the day": [("granted", -1, {})],
        },
        "old": {"agreed": [("granted", 5, {})], "agreed again": [("withdrawn", 5, {}), ("granted", 2, {})]},
    }
    contacts, consents, expected = [], [], {}
    for age, cases in answers.items():
        for name, given in cases.items():
            old, new = (f"{a}@{name.replace(' ', '-')}.example" for a in ("old", "new"))
            old_day = NOON - timedelta(days=30)
            contacts += [
                a_contact(old, old, customer_ref=name, updated_at=old_day), a_contact(new, new, customer_ref=name)
            ]  # fmt: skip
            consents += [a_consent(old, status, days, **more) for status, days, more in given]
            expected[name] = old if age == "old" else new
    house.land("contact", *contacts)
    house.land("consent", *consents)
    people = house.people()
    rows = house.duck.to_pyarrow(house.lake.read(house.duck, CUSTOMERS, FRIDAY)).to_pylist()
    primary = {r["person_id"]: r["email_key"] for r in rows}
    assert {n: primary[people[f"crm:{e}"]] for n, e in expected.items()} == {n: key_of(e) for n, e in expected.items()}
    assert {e for e, point in house.vault().items() if point["is_primary"]} == set(expected.values())


# -- the vault ---------------------------------------------------------------------------------------------------------


def test_the_vault_holds_each_address_in_its_canonical_form_with_the_golden_record(house: House) -> None:
    house.land(
        "contact", a_contact("C-1", "Ana@Example.org", first_name="Ana", phone="06 39 98 01 23", country="FR"),
    )  # fmt: skip
    person = house.people()["crm:C-1"]
    point = house.vault()["ana@example.org"]
    assert (point["contact_key"], point["person_id"]) == (key_of("ana@example.org"), person)
    assert (point["first_name"], point["phone"], point["as_of"]) == ("Ana", "+33639980123", FRIDAY.day)


def test_an_address_that_is_not_known_in_clear_is_not_in_the_vault(house: House) -> None:
    house.land("order", {"email_key": key_of("bo@example.org")}, source="shop")
    house.people()
    assert house.vault() == {}


def test_the_vault_moves_forward_in_time_only(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org", first_name="Ana"), day=THURSDAY)
    house.land("contact", a_contact("C-1", "ana@example.org", first_name="Anna"), day=FRIDAY)
    house.people(FRIDAY)
    house.people(THURSDAY)
    assert house.vault()["ana@example.org"]["first_name"] == "Anna"
    house.people(SATURDAY)
    assert house.vault()["ana@example.org"]["as_of"] == SATURDAY.day


def test_a_person_who_changed_the_address_has_one_address_to_write_to(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), day=THURSDAY)
    house.people(THURSDAY)
    house.land("contact", a_contact("C-1", "ana@new.example"), day=FRIDAY)
    house.people(FRIDAY)
    assert {e: p["is_primary"] for e, p in house.vault().items()} == {"ana@example.org": False, "ana@new.example": True}
    house.people(THURSDAY)
    assert house.vault()["ana@example.org"]["is_primary"] is False


def test_an_address_of_a_deleted_record_is_not_written_to(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), day=THURSDAY)
    house.people(THURSDAY)
    house.land("contact", a_contact("C-1", "ana@example.org", is_deleted=True), day=FRIDAY)
    house.people(FRIDAY)
    assert house.vault()["ana@example.org"]["is_primary"] is False


def test_no_address_in_clear_leaves_the_raw_tables(house: House) -> None:
    canary = "ana.canary@example.org"
    house.land("contact", a_contact("C-1", canary, first_name="Canary", phone="+33639980123", city="Canary"))
    house.people()
    for table in (PERSON_KEY, CUSTOMERS):
        rows = house.duck.to_pyarrow(house.lake.read(house.duck, table, FRIDAY)).to_pylist()
        assert rows and "canary" not in str(rows).lower() and "639980123" not in str(rows)
