"""A shop whose 150 people can be counted by hand, and a registry of a test's own.

regular-00..39   order every 20 days for 30 EUR
seldom-00..39    order every 70 days for 30 EUR, the last time 20 to 50 days before the DAY
grand-00..19     order every 70 days for 400 EUR, the last time 20 to 50 days before the DAY
gone-00..19      ordered twice for 30 EUR, more than 300 days before the DAY
nobody-00..29    never ordered
"""

import functools
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from audience.core.partition import Partition
from audience.core.tables import FEATURES
from audience.models.registry import Registry

DAY = Partition.parse("2026-11-20")
OPENED = DAY.as_of - timedelta(days=400)
REQUIRED = {c.name: 0 for c in FEATURES.columns if c.required and c.type in ("integer", "decimal")}

Order = tuple[str, datetime, int]


def orders_of_the_shop(*, until: datetime = DAY.as_of) -> list[Order]:
    """(person, when, EUR), from OPENED on, strictly before `until`."""
    found: list[Order] = []

    def every(person: str, days: int, *, first: int, eur: int, times: int) -> None:
        found.extend((person, OPENED + timedelta(days=first + days * n, hours=first % 24), eur) for n in range(times))

    for i in range(40):
        every(f"regular-{i:02}", 20, first=i % 20, eur=30, times=40)
        every(f"seldom-{i:02}", 70, first=i * 7 % 31, eur=30, times=12)
    for i in range(20):
        every(f"grand-{i:02}", 70, first=i * 7 % 31, eur=400, times=12)
        every(f"gone-{i:02}", 40, first=i, eur=30, times=2)
    return [o for o in found if o[1] < until]


def orders_table(orders: list[Order], *, status: str = "paid") -> ibis.Table:
    schema = pa.schema(
        [
            ("person_id", pa.string()),
            ("ordered_at", pa.timestamp("us", tz="UTC")),
            ("total_eur", pa.decimal128(18, 2)),
            ("status", pa.string()),
        ]
    )
    rows = [{"person_id": p, "ordered_at": t, "total_eur": Decimal(e), "status": status} for p, t, e in orders]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema))


def features_table(*rows: dict[str, Any]) -> ibis.Table:
    """FEATURES with these rows; what a row does not say is zero where it is required and null elsewhere."""
    schema = FEATURES.schema.to_pyarrow()
    full = [{**REQUIRED, "is_customer": "recency_days" in row, **row} for row in rows]
    exact = [{k: Decimal(v) if k.startswith("spend_") else v for k, v in row.items()} for row in full]
    return ibis.memtable(pa.Table.from_pylist(exact, schema=schema))


def features_of(orders: list[Order]) -> Callable[[Partition], ibis.Table]:
    """What the features room would compute: the state of each person at the end of a partition, in short."""
    by_person: dict[str, list[Order]] = {f"nobody-{i:02}": [] for i in range(30)}
    for order in orders:
        by_person.setdefault(order[0], []).append(order)

    def at(partition: Partition) -> ibis.Table:
        rows = []
        for person, theirs in sorted(by_person.items()):
            past = [o for o in theirs if o[1] < partition.as_of]
            days = sorted((partition.as_of - when).days for _, when, _ in past)
            row: dict[str, Any] = {"person_id": person, "country": "FR"}
            if past:
                year = [o for o in past if o[1] >= partition.as_of - timedelta(days=365)]
                row |= {"recency_days": days[0], "first_order_days": days[-1], "favourite_category": "tea"}
                row |= {f"orders_{n}d": sum(d < n for d in days) for n in (7, 30, 90, 365)}
                row |= {"spend_365d_eur": sum(e for _, _, e in year), "basket_365d_eur": float(past[-1][2])}
            rows.append(row)
        return features_table(*rows)

    return at


def blind(features_at: Callable[[Partition], ibis.Table]) -> Callable[[Partition], ibis.Table]:
    """The same people, of whom nothing is known."""

    def at(partition: Partition) -> ibis.Table:
        people = ibis.memtable(features_at(partition).person_id.name("person_id").as_table().to_pyarrow())
        columns = {c.name: ibis.null(c.ibis_type) for c in FEATURES.columns if c.name != "person_id"}
        return people.mutate(columns | dict.fromkeys(REQUIRED, ibis.literal(0)) | {"is_customer": ibis.literal(True)})

    return at


@functools.cache
def _empty_tracking_tables() -> Path:
    """Making MLflow's tables takes a second, copying them nothing."""
    folder = Path(tempfile.mkdtemp(prefix="audience-mlflow-"))
    Registry(f"sqlite:///{folder}/empty.db", str(folder))
    return folder / "empty.db"


def registry_in(folder: Path) -> Registry:
    """An empty registry below a folder."""
    shutil.copy(_empty_tracking_tables(), folder / "mlflow.db")
    return Registry(f"sqlite:///{folder}/mlflow.db", str(folder / "models"))


def utc(text: str) -> datetime:
    """`2026-11-20` or `2026-11-20 14:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str) -> Partition:
    return Partition(date.fromisoformat(text))
