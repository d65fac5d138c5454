"""A partner's or ERP's database: customers, orders, order lines. Copy this file for each database and mend its queries.

API     any database that SQLAlchemy has a driver for: PostgreSQL, MySQL and MariaDB are installed. Each query gives its
        columns the names of the entity's columns, and the TypedDict beside it says their types.
Grain   contact: one row of `customers`; order: one of `orders`; order_line: one of `order_lines`.
Units   amounts are in the currency of the order, with taxes; times are instants (timestamptz). Where they are wall
        clocks, give the connection a time zone and write `:local_start` and `:local_end`.
Limits  each stream is one query of one read-only transaction; `changed_at` should be indexed.
Quirks  lines have no time of their own and come with their order; rows that are deleted, not marked, are never told.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from audience.sources.contract import Columns, Source, Sql, Stream, Window, sql

if TYPE_CHECKING:
    from pyarrow import RecordBatch


class Contact(TypedDict):
    record_id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    postal_code: str | None
    country: str | None
    customer_ref: str | None
    created_at: str | None
    updated_at: str
    is_deleted: bool


class Order(TypedDict):
    order_id: int
    record_id: int | None
    email: str | None
    ordered_at: str
    status: str
    currency: str | None
    total_eur: str | None
    discount_eur: str | None
    has_coupon: bool
    updated_at: str


class Line(TypedDict):
    order_id: int
    line: int
    product_id: int
    quantity: int
    currency: str | None
    ordered_at: str | None
    amount_eur: str | None
    discount_eur: str | None
    changed_at: str


CONTACTS = """
SELECT id AS record_id, email, phone, first_name, last_name, postal_code, country, loyalty_card AS customer_ref,
       created_at, changed_at AS updated_at, is_deleted
FROM customers
WHERE changed_at >= :start AND changed_at < :end
"""

ORDERS = """
SELECT id AS order_id, customer_id AS record_id, email, placed_at AS ordered_at,
       CASE state WHEN 'invoiced' THEN 'paid' WHEN 'credited' THEN 'refunded' ELSE state END AS status,
       NULLIF(currency, 'EUR') AS currency, total AS total_eur, discount AS discount_eur,
       coupon IS NOT NULL AS has_coupon, changed_at AS updated_at
FROM orders
WHERE changed_at >= :start AND changed_at < :end
"""

LINES = """
SELECT l.order_id, l.position AS line, l.product_id, l.quantity,
       NULLIF(o.currency, 'EUR') AS currency, CASE WHEN o.currency <> 'EUR' THEN o.placed_at END AS ordered_at,
       l.amount AS amount_eur, l.discount AS discount_eur, o.changed_at
FROM order_lines l JOIN orders o ON o.id = l.order_id
WHERE o.changed_at >= :start AND o.changed_at < :end
"""


def fetch_contacts(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return db.batches(CONTACTS, window)


def fetch_orders(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return db.batches(ORDERS, window)


def fetch_lines(db: Sql, window: Window) -> "Iterator[RecordBatch]":
    return db.batches(LINES, window)


SOURCE = Source(
    name="partner_db",
    title="Partner's database",
    system=sql("sql", "SQL database"),
    streams=(
        Stream(
            "contacts", fetch_contacts, Columns("contact", Contact), entities=("contact",), cursor="updated_at",
            personal=("email", "phone", "first_name", "last_name", "postal_code"), deletions="in the record",
        ),
        Stream(
            "orders", fetch_orders, Columns("order", Order), entities=("order",), cursor="updated_at", personal=("email",)
        ),
        Stream("lines", fetch_lines, Columns("order_line", Line), entities=("order_line",), cursor="changed_at"),
    ),
)  # fmt: skip
