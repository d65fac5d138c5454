"""Values that say nothing about who somebody is connect nobody, and are counted."""

import pytest
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.warehouse import Warehouse
from audience.identity.resolve import resolve
from identity.test_resolve import KEY, House, a_contact
from rows import FRIDAY


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    return House(lake, duck, warehouse)


def test_values_of_nobody_connect_nobody_and_are_counted(house: House) -> None:
    addresses = ["noreply@shop.example", "no-reply+7@shop.example", "ne-pas-repondre@shop.example", "unknown@x.example"]
    references = ["N/A", "n.a.", "0000", "-", "test", "Inconnu", "xxxx"]
    house.land(
        "contact",
        *(a_contact(f"E{n}{twice}", address) for n, address in enumerate(addresses) for twice in "ab"),
        *(a_contact(f"R{n}{twice}", customer_ref=ref) for n, ref in enumerate(references) for twice in "ab"),
        *(a_contact(f"I{n}", phone="+33639980123", first_name="J.") for n in "ab"),
        *(a_contact(f"C{n}", "shared@example.org") for n in range(51)),
    )
    found = resolve(house.lake, house.duck, house.warehouse, FRIDAY, KEY)
    assert found.counts.superseded == 0
    assert found.set_aside == {
        "email_key of nobody": 8,
        "customer_ref of nobody": 14,
        "email_key on more than 50 records": 51,
    }


def test_addresses_and_references_of_somebody_still_connect(house: House) -> None:
    house.land(
        "contact",
        *(a_contact(f"E{n}", "norbert.reply@example.org") for n in "ab"),
        *(a_contact(f"R{n}", customer_ref="LC-100") for n in "ab"),
        *(a_contact(f"S{n}", customer_ref="7") for n in "ab"),
    )
    people = house.people()
    assert len({people[f"crm:{who}{n}"] for who in "ERS" for n in "ab"}) == 3
