"""What people buy: categories, from order lines and products."""

from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _


def tastes(orders: ir.Table, lines: ir.Table, products: ir.Table, *, as_of: datetime) -> ir.Table:
    """Categories each person bought in the 90 days before `as_of`.

    Takes  orders by person (`person_id`, `source`, `order_id`, `ordered_at`, `status`), lines (`source`, `order_id`,
           `product_id`, `amount_eur`), products (`source`, `product_id`, `category`).
    Gives  one row per person who bought something with a category: `favourite_category` (most spend, then the name
           that sorts first), `categories_90d`.
    """
    start = ibis.literal(as_of - timedelta(days=90))
    recent = orders.filter((_.ordered_at >= start) & (_.ordered_at < as_of) & (_.status == "paid"))
    bought = recent.select("person_id", "source", "order_id").join(lines, ["source", "order_id"])
    # Summed by product before products are joined: with one join of three tables DuckDB may join orders and products
    # first, on `source` alone, which is each order with each product.
    by_product = bought.group_by("person_id", "source", "product_id").agg(spend_eur=_.amount_eur.sum())
    known = products.filter(_.category.notnull()).select("source", "product_id", "category")
    spend = (
        by_product.join(known, ["source", "product_id"])
        .group_by("person_id", "category")
        .agg(spend_eur=_.spend_eur.sum())
    )
    return spend.group_by("person_id").agg(
        favourite_category=spend.category.first(order_by=[ibis.desc(spend.spend_eur), spend.category]),
        categories_90d=spend.count(),
    )
