"""The golden record: what each attribute is taken from, and who told it."""

from datetime import date, timedelta
from typing import Any

import pytest
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.tables import CUSTOMERS, GOLDEN_SOURCE
from audience.core.trust import Trust
from audience.core.warehouse import Warehouse
from audience.identity.resolve import resolve
from identity.test_resolve import KEY, House, a_contact
from rows import FRIDAY, NOON

TRUSTED = {"crm": Trust(rank=2, verifies=("birth_date",)), "shop": Trust(rank=1)}
YESTERDAY = NOON - timedelta(days=1)
IN_84, IN_91 = date(1984, 2, 29), date(1991, 7, 1)


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    return House(lake, duck, warehouse)


def ana(source: str, **told: Any) -> dict[str, Any]:
    return {"source": source} | a_contact(source, "ana@example.org", **told)


def resolved(house: House, *records: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The customer, and the record that told each attribute."""
    for record in records:
        house.land("contact", {k: v for k, v in record.items() if k != "source"}, source=record["source"])
    resolve(house.lake, house.duck, house.warehouse, FRIDAY, KEY, trusted=TRUSTED)
    (customer,) = house.duck.to_pyarrow(house.lake.read(house.duck, CUSTOMERS, FRIDAY)).to_pylist()
    told = house.duck.to_pyarrow(house.lake.read(house.duck, GOLDEN_SOURCE, FRIDAY)).to_pylist()
    return customer, {row["attribute"]: row["record_key"] for row in told}


def test_a_verified_birth_date_counts_before_a_newer_one(house: House) -> None:
    customer, told = resolved(house, ana("crm", birth_date=IN_84, updated_at=YESTERDAY), ana("shop", birth_date=IN_91))
    assert (customer["birth_year"], told["birth_date"]) == (1984, "crm:crm")


def test_where_nobody_verified_the_more_trusted_source_counts(house: House) -> None:
    older = ana("shop", birth_date=IN_84, updated_at=YESTERDAY)
    customer, told = resolved(house, older, ana("form", birth_date=IN_91))
    assert (customer["birth_year"], told["birth_date"]) == (1984, "shop:shop")


def test_an_address_is_one_records_and_the_more_complete_one_counts(house: House) -> None:
    older = ana("crm", city="Lyon", postal_code="69001", updated_at=YESTERDAY)
    customer, told = resolved(house, older, ana("shop", postal_code="33000"))
    assert (customer["region"], told["postal_code"], told["city"]) == ("69", "crm:crm", "crm:crm")
    point = house.vault()["ana@example.org"]
    assert (point["city"], point["postal_code"]) == ("Lyon", "69001")


def test_the_newest_value_counts_where_nothing_else_is_declared_and_says_who_told_it(house: House) -> None:
    older = ana("crm", gender="f", nps=3, updated_at=YESTERDAY)
    customer, told = resolved(house, older, ana("shop", nps=9))
    assert (customer["gender"], customer["nps"]) == ("f", 9)
    assert (told["gender"], told["nps"], told["email_key"]) == ("crm:crm", "shop:shop", "shop:shop")
    assert "kids" not in told


def test_a_person_of_one_record_needs_no_list_of_who_told_what(house: House) -> None:
    assert resolved(house, ana("crm", gender="f"))[1] == {}
