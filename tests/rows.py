"""Rows written out in a test, as a table of a declaration: what a row leaves out takes its place from a whole example."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import ENTITIES, raw

FRIDAY = Partition.parse("2026-11-20")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

WHOLE: Mapping[str, dict[str, Any]] = {
    "contact": {"record_id": "C-1", "created_at": NOON, "updated_at": NOON, "is_deleted": False},
    "consent": {"consent_id": "K-1", "email_key": "key", "channel": "email", "purpose": "email_marketing",
                "status": "granted", "captured_at": NOON, "proof": "p"},
    "order": {"order_id": "O-1", "ordered_at": NOON, "status": "paid", "total_eur": 10, "discount_eur": 0,
              "has_coupon": False, "updated_at": NOON},
    "order_line": {"order_id": "O-1", "line": 1, "product_id": "P-1", "quantity": 1, "amount_eur": 10,
                   "discount_eur": 0},
    "product": {"product_id": "P-1", "updated_at": NOON},
    "place": {},
    "postal_place": {},
    "exchange_rate": {"currency": "USD", "day": NOON.date(), "per_eur": 1.0},
    "event": {"event_id": "E-1", "type": "open", "email_key": "key", "occurred_at": NOON, "received_at": NOON,
              "is_machine": False},
}  # fmt: skip


def rows_of(table: Table, rows: Iterable[Mapping[str, Any]]) -> ibis.Table:
    """The rows in the declared types; a column that a row leaves out is unknown."""
    decimals = {c.name for c in table.columns if c.type == "decimal"}

    def value(name: str, given: Any) -> Any:
        return Decimal(str(given)) if name in decimals and given is not None else given

    whole = [{name: value(name, row.get(name)) for name in table.names} for row in rows]
    return ibis.memtable(pa.Table.from_pylist(whole, schema=table.schema.to_pyarrow()))


def land(
    lake: Lake, duck: Backend, entity: str, *rows: Mapping[str, Any], day: Partition = FRIDAY, source: str = "shop"
) -> None:
    """Publishes rows of an entity as the raw rows of a source and day."""
    table = ENTITIES[entity]
    lake.write(duck, raw(source, entity), day, rows_of(table, [{**WHOLE[entity], **row} for row in rows]))
