"""Merges and splits are told with their evidence, and the same whatever day was computed first."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import IDENTITY_CHANGE
from audience.core.trust import Trust
from audience.core.warehouse import Warehouse
from audience.identity.decisions import Decision, remember
from audience.identity.resolve import resolve
from identity.test_resolve import KEY, SATURDAY, THURSDAY, House, a_contact
from rows import FRIDAY

IN_84, IN_91 = date(1984, 2, 29), date(1991, 7, 1)


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    return House(lake, duck, warehouse)


def log(house: House, day: Partition) -> list[dict[str, Any]]:
    return house.duck.to_pyarrow(house.lake.read(house.duck, IDENTITY_CHANGE, day)).to_pylist()


def decide(house: House, one: str, other: str, decision: str, since: Partition) -> None:
    with house.warehouse.begin() as connection:
        remember(connection, [Decision(one, other, decision, since.day, "seen at the till")], by="rita")


def test_a_merge_is_told_with_the_value_that_connects(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), a_contact("C-2", "ana@work.example"), day=THURSDAY)
    before = house.people(THURSDAY)
    assert log(house, THURSDAY) == []
    house.land("contact", a_contact("C-2", "ana@example.org"), day=FRIDAY)
    house.people(FRIDAY)
    (told,) = log(house, FRIDAY)
    assert (told["person_before"], told["person_after"]) == (before["crm:C-2"], before["crm:C-1"])
    assert (told["what"], told["records"], told["evidence"]) == ("merged", 1, "email_key")
    assert (told["left_key"], told["right_key"]) == ("crm:C-1", "crm:C-2")


def test_a_record_that_leaves_is_a_split_and_gets_a_name_of_its_own(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), a_contact("C-2", "ana@example.org"), day=THURSDAY)
    before = house.people(THURSDAY)["crm:C-2"]
    house.land("contact", a_contact("C-2", "bo@example.org"), day=FRIDAY)
    after = house.people(FRIDAY)["crm:C-2"]
    (told,) = log(house, FRIDAY)
    assert (told["person_before"], told["person_after"], told["what"]) == (before, after, "split")
    assert told["evidence"] == "nothing connects them any more"


def test_a_reviewer_unmerges_from_a_day_on_and_takes_it_back(house: House) -> None:
    house.land("contact", a_contact("C-1", "ana@example.org"), a_contact("C-2", "ana@example.org"), day=THURSDAY)
    together = house.people(THURSDAY)
    decide(house, "crm:C-2", "crm:C-1", "different", since=FRIDAY)
    apart = house.people(FRIDAY)
    assert apart["crm:C-1"] == together["crm:C-1"] != apart["crm:C-2"]
    (told,) = log(house, FRIDAY)
    assert (told["what"], told["evidence"]) == ("split", "email_key given up: decided")
    assert house.people(THURSDAY) == together
    decide(house, "crm:C-1", "crm:C-2", "undecided", since=SATURDAY)
    assert house.people(SATURDAY) == together
    assert log(house, SATURDAY)[0]["what"] == "merged"


def test_birth_dates_that_a_source_verified_part_and_others_do_not(house: House) -> None:
    house.land(
        "contact",
        a_contact("C-1", "ana@example.org", birth_date=IN_84),
        a_contact("C-2", "ana@example.org", birth_date=IN_91),
    )
    apart = resolve(
        house.lake, house.duck, house.warehouse, FRIDAY, KEY, trusted={"crm": Trust(verifies=("birth_date",))}
    )
    assert (apart.counts.loaded, apart.given_up) == (2, 1)
    assert len(set(house.people().values())) == 1


def test_the_log_of_a_day_is_the_same_whatever_was_computed_first(
    tmp_path: Path, duck: Backend, warehouse: Warehouse
) -> None:
    def in_order(name: str, days: Iterable[Partition]) -> list[dict[str, Any]]:
        house = House(Lake.at(tmp_path / name), duck, warehouse)
        house.land("contact", a_contact("C-1", "ana@example.org"), a_contact("C-2", "bo@example.org"), day=THURSDAY)
        house.land("contact", a_contact("C-2", "ana@example.org"), day=FRIDAY)
        for day in days:
            house.people(day)
        return log(house, FRIDAY)

    assert in_order("forwards", [THURSDAY, FRIDAY]) == in_order("backwards", [FRIDAY, THURSDAY])
