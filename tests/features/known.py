"""What is known of people, written out: rows by person, and the features that follow from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import ibis
from ibis.backends.duckdb import Backend

from audience.core.table import Column, Table
from audience.core.tables import CUSTOMERS, EVENT, FEATURES, ORDER, ORDER_LINE, PRODUCT
from audience.features.areas import nowhere
from audience.features.compute import features
from rows import rows_of

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
PERSON = Column("person_id", "text", "person", required=True)
SOURCE = Column("source", "text", "source", required=True)

Row = Mapping[str, Any]


def a_table(*columns: Column) -> Table:
    return Table("rows", "a row of a test", columns=columns, key=(columns[0].name,))


CUSTOMER_ROWS = CUSTOMERS
ORDER_ROWS = a_table(
    PERSON, SOURCE, *(c for c in ORDER.columns if c.name not in ("record_id", "email_key", "updated_at"))
)
LINE_ROWS = a_table(SOURCE, *ORDER_LINE.columns)
PRODUCT_ROWS = a_table(SOURCE, *PRODUCT.columns)
EVENT_ROWS = a_table(
    PERSON, *(c for c in EVENT.columns if c.name in ("type", "campaign_id", "occurred_at", "is_machine"))
)


def an_order(person: str, at: datetime, total: float | str = 10, **more: Any) -> Row:
    return {"person_id": person, "source": "shop", "order_id": f"{person} {at}", "ordered_at": at, "status": "paid",
            "total_eur": total, "discount_eur": 0, "has_coupon": False, **more}  # fmt: skip


def an_event(person: str, kind: str, at: datetime, *, by_machine: bool = False) -> Row:
    return {"person_id": person, "type": kind, "occurred_at": at, "is_machine": by_machine}


def a_line(order: Row, product: str, amount: float, line: int = 1) -> Row:
    return {"source": "shop", "order_id": order["order_id"], "line": line, "product_id": product, "quantity": 1,
            "amount_eur": amount, "discount_eur": 0}  # fmt: skip


def table_of(
    orders: Sequence[Row] = (), events: Iterable[Row] = (), lines: Iterable[Row] = (), categories: Row | None = None,
    customers: Sequence[Row] = (), as_of: datetime = AS_OF,
) -> ibis.Table:  # fmt: skip
    events = list(events)
    named = {r["person_id"] for r in (*orders, *events)} - {c["person_id"] for c in customers}
    everybody = [*customers, *({"person_id": p} for p in sorted(named))]
    products = [
        {"source": "shop", "product_id": p, "category": c, "updated_at": as_of} for p, c in (categories or {}).items()
    ]
    return features(
        customers=rows_of(CUSTOMER_ROWS, [{"records": 1, "first_seen_at": as_of, **c} for c in everybody]),
        orders=rows_of(ORDER_ROWS, orders),
        lines=rows_of(LINE_ROWS, lines),
        products=rows_of(PRODUCT_ROWS, products),
        events=rows_of(EVENT_ROWS, events),
        around=nowhere(),
        as_of=as_of,
    )


def known(duck: Backend, **rows: Any) -> dict[str, dict[str, Any]]:
    """Features by person."""
    conformed = FEATURES.conform(table_of(**rows))
    return {r["person_id"]: r for r in duck.to_pyarrow(conformed).to_pylist()}
