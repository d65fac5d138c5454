"""From a partner's database to raw tables: whole batches are published as single records are."""

from collections.abc import Iterator

import pytest
from databases import Database, database
from replay import Recording

from audience import steps
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.settings import Settings
from audience.core.tables import ENTITIES, raw
from audience.core.warehouse import Warehouse
from audience.house import House

FRIDAY = Partition.parse("2026-11-20")


@pytest.fixture
def partner() -> Iterator[Database]:
    recording = Recording.of("partner_db")
    with database("postgresql") as found:
        for stream in ("contacts", "orders"):
            found.run(*recording.said["streams"][stream]["sql"])
        yield found


@pytest.fixture
def house(settings: Settings, lake: Lake, warehouse: Warehouse, partner: Database) -> House:
    return House(settings, lake, warehouse, partner.connection)


def publish(house: House) -> steps.Facts:
    return steps.publish(house, steps.extract(house, "partner_db", FRIDAY.key))


def test_rows_of_a_database_become_its_raw_tables(house: House) -> None:
    published = publish(house)
    assert {entity: counts["loaded"] for entity, counts in published.items()} == {
        "contact": 2,
        "order": 2,
        "order_line": 3,
    }
    with house.engine() as session:
        table = raw("partner_db", "order")
        rows = session.to_pyarrow(house.lake.state(session, table, through=FRIDAY)).to_pylist()
    shown = sorted((r["order_id"], r["record_id"], r["status"], str(r["total_eur"]), r["has_coupon"]) for r in rows)
    assert shown == [("10", "1", "paid", "31.50", True), ("11", None, "cancelled", "12.00", False)]
    assert all(r["email_key"] and r["updated_at"].isoformat().startswith("2026-11-20T0") for r in rows)


def test_a_second_run_over_the_same_rows_changes_nothing(house: House) -> None:
    publish(house)
    files = {entity: house.lake.files(raw("partner_db", entity).name, FRIDAY) for entity in ENTITIES}
    assert [facts["changed_days"] for facts in publish(house).values()] == [0, 0, 0]
    assert {entity: house.lake.files(raw("partner_db", entity).name, FRIDAY) for entity in ENTITIES} == files


def test_an_order_in_another_currency_is_quarantined_and_counted(house: House, partner: Database) -> None:
    partner.run("UPDATE orders SET currency = 'CHF' WHERE id = 11")
    facts = publish(house)["order"]
    assert (facts["taken"], facts["loaded"], facts["quarantined"]) == (2, 1, 1)
    assert facts["reasons"] == {"currency: no rate for CHF on the day or 7 days before": 1}
