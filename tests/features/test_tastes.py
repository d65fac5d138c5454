"""What people buy: the query that works it out never pairs each order with each product."""

import json
from typing import Any

import ibis
from ibis.backends.duckdb import Backend
from known import AS_OF

from audience.features.tastes import tastes

SHOP = {
    "orders": """
        SELECT 'P-' || i AS person_id, 'shop' AS source, 'O-' || i AS order_id,
               TIMESTAMPTZ '2026-11-20 12:00:00+00' AS ordered_at, 'paid' AS status FROM range(1000) t(i)
        """,
    "lines": """
        SELECT 'shop' AS source, 'O-' || i % 1000 AS order_id, 'T-' || i % 5 AS product_id,
               1::DECIMAL(18, 2) AS amount_eur FROM range(50000) t(i)
        """,
    "products": "SELECT 'shop' AS source, 'T-' || i AS product_id, 'tea' AS category FROM range(5) t(i)",
}
"""Many lines and few products: DuckDB 2 takes pairing orders with products for the smaller work."""


def test_stored_tables_of_one_source_are_never_joined_on_it_alone(duck: Backend) -> None:
    for name, rows in SHOP.items():
        duck.raw_sql(f"CREATE TEMP TABLE {name} AS {rows}")
    orders, lines, products = (duck.table(name) for name in SHOP)
    query = ibis.to_sql(tastes(orders, lines, products, as_of=AS_OF), dialect="duckdb")
    ((_, plan),) = duck.raw_sql(f"EXPLAIN (FORMAT json) {query}").fetchall()
    joins = [one["extra_info"]["Conditions"] for one in operators(json.loads(plan)) if "JOIN" in one["name"]]
    assert joins == [["source = source", "product_id = product_id"], ["source = source", "order_id = order_id"]]


def operators(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each operator of a plan."""
    return [one for node in nodes for one in (node, *operators(node.get("children", [])))]
