"""A statement that is written once is run with the values it leaves open, and with no others."""

import pytest
import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Lease
from audience.core.warehouse.statement import Statement, given

EPOCH = Statement.of(
    sa.select(Lease.epoch, Lease.holder)
    .where(Lease.destination == given("asked"), Lease.holder.in_(["run-1", "run-%"]))
    .order_by(Lease.destination)
    .limit(given("most", sa.Integer))
)


@pytest.fixture(autouse=True)
def leases(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        for destination, holder in (("brevo", "run-1"), ("hubspot", "run-%"), ("mailchimp", "somebody")):
            row = {"destination": destination, "holder": holder, "epoch": len(destination), "expires_at": sa.func.now()}
            connection.execute(sa.insert(Lease).values(row))


@pytest.mark.parametrize(
    ("asked", "found"), [("brevo", [(5, "run-1")]), ("hubspot", [(7, "run-%")]), ("mailchimp", [])]
)
def test_it_finds_what_its_values_ask_for(warehouse: Warehouse, asked: str, found: list[tuple[int, str]]) -> None:
    with warehouse.begin() as connection:
        rows = EPOCH.run(connection, asked=asked, most=1).all()
    assert [(row.epoch, row.holder) for row in rows] == found


def test_a_text_is_a_value_and_never_sql(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert EPOCH.run(connection, asked="' OR true --", most=9).all() == []


@pytest.mark.parametrize("values", [{"asked": "brevo"}, {"asked": "brevo", "most": 1, "epoch": 3}, {}])
def test_values_that_are_missing_or_not_asked_for_are_refused(warehouse: Warehouse, values: dict[str, object]) -> None:
    with warehouse.begin() as connection, pytest.raises(TypeError, match=r"expected \['asked', 'most'\]"):
        EPOCH.run(connection, **values)
