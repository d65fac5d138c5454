"""What audits found is in the warehouse by table and day, and replaced when the day is published again."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.quality.audit import Audit
from audience.quality.results import record_histograms
from rows import FRIDAY

THURSDAY = FRIDAY.previous.key

Histograms = Mapping[tuple[str, str, str], int]


def found(histograms: Histograms) -> Audit:
    return Audit("raw_kiosk__order", FRIDAY, 10, (), histograms)


def kept(warehouse: Warehouse) -> dict[tuple[str, str, str], int]:
    query = sa.text("SELECT partition, column_name, bucket, rows FROM ops.histogram")
    with warehouse.begin() as connection:
        return {(str(day), column, bucket): rows for day, column, bucket, rows in connection.execute(query)}


def record(warehouse: Warehouse, histograms: Histograms) -> None:
    with warehouse.begin() as connection:
        record_histograms(connection, [found(histograms)])


def test_a_day_that_is_published_again_forgets_its_buckets_and_other_days_keep_theirs(warehouse: Warehouse) -> None:
    record(warehouse, {(THURSDAY, "status", "paid"): 5, (FRIDAY.key, "status", "paid"): 7, (FRIDAY.key, "n", "1"): 7})
    record(warehouse, {(FRIDAY.key, "status", "refunded"): 2})
    assert kept(warehouse) == {(THURSDAY, "status", "paid"): 5, (FRIDAY.key, "status", "refunded"): 2}


def test_nothing_published_forgets_nothing(warehouse: Warehouse) -> None:
    record(warehouse, {(FRIDAY.key, "status", "paid"): 7})
    record(warehouse, {})
    assert kept(warehouse) == {(FRIDAY.key, "status", "paid"): 7}


def test_a_first_load_of_years_takes_as_many_statements_as_a_day(warehouse: Warehouse) -> None:
    sent: list[Any] = []
    days = [Partition(date(2020, 1, 1) + timedelta(days=n)).key for n in range(1_000)]
    with warehouse.begin() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *told: sent.append(told))
        record_histograms(connection, [found({(day, "status", "paid"): 1 for day in days})])
    assert len(sent) == 2
    assert len(kept(warehouse)) == 1_000
