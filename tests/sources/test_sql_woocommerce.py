"""A WooCommerce shop's database (High-Performance Order Storage), read by a source that an engineer wrote for it."""

from collections.abc import Iterator
from typing import Any

import pytest
from databases import Database, database
from staging import staged
from typing_extensions import TypedDict

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.sources.contract import Columns, Extraction, Field, Source, Sql, Stream, Window, extract, sql

FRIDAY = Partition.parse("2026-11-20")

# WooCommerce, `OrdersTableDataStore::get_database_schema`: what is read of its tables, and what lies near.
SCHEMA = (
    """
    CREATE TABLE wp7_wc_orders (
        id bigint unsigned NOT NULL PRIMARY KEY, status varchar(20), currency varchar(10), type varchar(20),
        tax_amount decimal(26, 8), total_amount decimal(26, 8), customer_id bigint unsigned, billing_email varchar(320),
        date_created_gmt datetime, date_updated_gmt datetime, parent_order_id bigint unsigned, customer_note text,
        KEY date_updated (date_updated_gmt)) DEFAULT CHARSET utf8mb4
    """,
    """
    CREATE TABLE wp7_wc_order_operational_data (
        order_id bigint unsigned, date_paid_gmt datetime, discount_total_amount decimal(26, 8),
        discount_tax_amount decimal(26, 8))
    """,
    """
    CREATE TABLE wp7_wc_order_product_lookup (
        order_item_id bigint unsigned NOT NULL PRIMARY KEY, order_id bigint unsigned NOT NULL, product_id bigint unsigned NOT NULL,
        variation_id bigint unsigned NOT NULL, product_qty int NOT NULL, product_gross_revenue double NOT NULL,
        coupon_amount double NOT NULL)
    """,
)


class Order(TypedDict):
    order_id: int
    record_id: int | None
    email: str | None
    ordered_at: str
    status: str
    total_eur: str | None
    discount_eur: str
    has_coupon: int
    updated_at: str


class Line(TypedDict):
    order_id: int
    line: int
    product_id: int
    quantity: int
    amount_eur: str | None
    discount_eur: str
    changed_at: str


ORDERS = """
SELECT o.id AS order_id, NULLIF(o.customer_id, 0) AS record_id, NULLIF(o.billing_email, '') AS email,
       o.date_created_gmt AS ordered_at,
       CASE WHEN o.status IN ('wc-processing', 'wc-completed') THEN 'paid' WHEN o.status = 'wc-refunded' THEN 'refunded'
            ELSE 'cancelled' END AS status,
       IF(o.currency = 'EUR', o.total_amount + COALESCE((SELECT SUM(r.total_amount) FROM {0}wc_orders r
          WHERE r.parent_order_id = o.id AND r.type = 'shop_order_refund'), 0), NULL) AS total_eur,
       d.discount_total_amount + d.discount_tax_amount AS discount_eur, d.discount_total_amount > 0 AS has_coupon,
       o.date_updated_gmt AS updated_at
FROM {0}wc_orders o JOIN {0}wc_order_operational_data d ON d.order_id = o.id
WHERE o.type = 'shop_order' AND (d.date_paid_gmt IS NOT NULL OR o.status IN ('wc-cancelled', 'wc-failed', 'trash'))
      AND o.date_updated_gmt >= :local_start AND o.date_updated_gmt < :local_end
ORDER BY o.id
"""

LINES = """
SELECT l.order_id, ROW_NUMBER() OVER (PARTITION BY l.order_id ORDER BY l.order_item_id) AS line, l.product_id,
       l.product_qty AS quantity, IF(o.currency = 'EUR', CAST(l.product_gross_revenue AS decimal(18, 2)), NULL) AS amount_eur,
       CAST(l.coupon_amount AS decimal(18, 2)) AS discount_eur, o.date_updated_gmt AS changed_at
FROM {0}wc_orders o JOIN {0}wc_order_product_lookup l ON l.order_id = o.id
WHERE o.type = 'shop_order' AND o.date_updated_gmt >= :local_start AND o.date_updated_gmt < :local_end
ORDER BY l.order_id, l.order_item_id
"""


def fetch_orders(db: Sql, window: Window) -> Iterator[Any]:
    return db.batches(ORDERS.format(db.identifier("prefix", "wp_")), window)


def fetch_lines(db: Sql, window: Window) -> Iterator[Any]:
    return db.batches(LINES.format(db.identifier("prefix", "wp_")), window)


SOURCE = Source(
    name="woo_db",
    title="WooCommerce's database",
    system=sql("woo_db", "WooCommerce's database", fields=(Field("prefix", "Table prefix", "wp_"),)),
    streams=(
        Stream(
            "orders", fetch_orders, Columns("order", Order), entities=("order",), cursor="updated_at", personal=("email",)
        ),
        Stream("lines", fetch_lines, Columns("order_line", Line), entities=("order_line",), cursor="changed_at"),
    ),
)  # fmt: skip


@pytest.fixture
def shop() -> Iterator[Database]:
    with database("mariadb") as found:
        found.run(*SCHEMA)
        yield found


def order(shop: Database, number: int, **said: Any) -> None:
    """A paid order of a guest on Friday morning; `said` differs."""
    values = {
        "status": "wc-completed", "currency": "EUR", "type": "shop_order", "total_amount": "31.50000000", "customer_id": 0,
        "billing_email": "guest@mailbox.example", "date_created_gmt": "2026-11-20 08:00:00",
        "date_updated_gmt": "2026-11-20 09:00:00", "date_paid_gmt": "2026-11-20 08:01:00", "discount_total_amount": 0,
        "discount_tax_amount": 0, "parent_order_id": None,
    } | said  # fmt: skip
    ops = {name: values.pop(name) for name in ("date_paid_gmt", "discount_total_amount", "discount_tax_amount")}
    shop.run(
        f"INSERT INTO wp7_wc_orders SET id = {number}, {_set(values)}",
        f"INSERT INTO wp7_wc_order_operational_data SET order_id = {number}, {_set(ops)}",
    )


def _set(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {'NULL' if value is None else repr(value)}" for name, value in values.items())


def extracted(lake: Lake, shop: Database, day: Partition = FRIDAY) -> Extraction:
    connection = shop.connection("woo_db", prefix="wp7_", time_zone="UTC")
    return extract(SOURCE, connection, lake, first=day, last=day)


def orders(lake: Lake, shop: Database, day: Partition = FRIDAY) -> list[dict[str, Any]]:
    rows = staged(lake, extracted(lake, shop, day), "order")
    return [{k: v for k, v in row.items() if v is not None and not k.startswith("_")} for row in rows]


def test_an_order_is_read_as_the_shop_keeps_it(lake: Lake, shop: Database) -> None:
    order(shop, 71, customer_id=5, discount_total_amount="3.00000000", discount_tax_amount="0.50000000")
    assert orders(lake, shop) == [{
        "order_id": 71, "record_id": 5, "email": "guest@mailbox.example", "ordered_at": "2026-11-20 08:00:00Z",
        "status": "paid", "total_eur": "31.50000000", "discount_eur": "3.50000000", "has_coupon": 1,
        "updated_at": "2026-11-20 09:00:00Z",
    }]  # fmt: skip


def test_a_refund_is_taken_off_its_order_and_is_no_order_itself(lake: Lake, shop: Database) -> None:
    order(shop, 71)
    order(shop, 72, type="shop_order_refund", parent_order_id=71, total_amount="-11.50000000")
    assert [(r["order_id"], r["total_eur"]) for r in orders(lake, shop)] == [(71, "20.00000000")]


def test_an_order_that_nobody_paid_comes_once_it_is_paid_or_cancelled(lake: Lake, shop: Database) -> None:
    order(shop, 71, status="wc-pending", date_paid_gmt=None)
    order(shop, 72, status="wc-cancelled", date_paid_gmt=None)
    assert [(r["order_id"], r["status"]) for r in orders(lake, shop)] == [(72, "cancelled")]


def test_an_order_in_another_currency_has_no_total_and_so_goes_to_quarantine(lake: Lake, shop: Database) -> None:
    order(shop, 71, currency="CHF")
    assert "total_eur" not in orders(lake, shop)[0]


def test_an_order_is_of_the_day_of_its_last_change_in_utc(lake: Lake, shop: Database) -> None:
    order(shop, 70, date_updated_gmt="2026-11-19 23:59:59")
    order(shop, 71, date_updated_gmt="2026-11-20 00:00:00")
    order(shop, 72, date_updated_gmt="2026-11-20 23:59:59")
    order(shop, 73, date_updated_gmt="2026-11-21 00:00:00")
    found = [[r["order_id"] for r in orders(lake, shop, day)] for day in (FRIDAY.previous, FRIDAY, FRIDAY.next)]
    assert found == [[70], [71, 72], [73]]


def test_lines_come_with_their_order_numbered_from_one(lake: Lake, shop: Database) -> None:
    order(shop, 71)
    shop.run(
        "INSERT INTO wp7_wc_order_product_lookup VALUES (900, 71, 7, 0, 2, 21.5, 3.5), (905, 71, 8, 81, 1, 10, 0),"
        " (906, 70, 8, 0, 1, 10, 0)"
    )
    rows = staged(lake, extracted(lake, shop), "order_line")
    assert [
        (r["order_id"], r["line"], r["product_id"], r["quantity"], r["amount_eur"], r["discount_eur"]) for r in rows
    ] == [
        (71, 1, 7, 2, "21.50", "3.50"),
        (71, 2, 8, 1, "10.00", "0.00"),
    ]
