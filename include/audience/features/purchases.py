"""Recency, frequency, monetary value and rolling windows over paid orders."""

from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

DAY_S = 86_400


def purchases(orders: ir.Table, *, as_of: datetime) -> ir.Table:
    """What each person bought before `as_of`.

    Takes  one row per order: `person_id`, `ordered_at` (UTC), `status`, `total_eur`, `discount_eur`, `has_coupon`.
    Gives  one row per person with a paid order: counts and sums of rolling windows `[as_of - n days, as_of)`, ages in
           whole elapsed days and hours (not midnights passed), and quintile scores among these people, 5 = best.
           Equal values are ranked by person, so that scores do not depend on the order of rows.
    """
    paid = orders.filter((_.ordered_at < as_of) & (_.status == "paid"))

    def within(days: int) -> ir.BooleanValue:
        return paid.ordered_at >= ibis.literal(as_of - timedelta(days=days))

    zero = ibis.literal(0).cast(paid.total_eur.type())
    summed = paid.group_by("person_id").agg(
        last_ordered_at=paid.ordered_at.max(),
        first_ordered_at=paid.ordered_at.min(),
        orders_7d=within(7).sum(),
        orders_30d=within(30).sum(),
        orders_90d=within(90).sum(),
        orders_365d=within(365).sum(),
        spend_30d_eur=paid.total_eur.sum(where=within(30)).fill_null(zero),
        spend_90d_eur=paid.total_eur.sum(where=within(90)).fill_null(zero),
        spend_365d_eur=paid.total_eur.sum(where=within(365)).fill_null(zero),
        discount_90d_eur=paid.discount_eur.sum(where=within(90)).fill_null(zero),
        coupon_orders_365d=(within(365) & paid.has_coupon).sum(),
    )
    measured = summed.mutate(
        recency_days=elapsed(_.last_ordered_at, as_of, DAY_S),
        recency_hours=elapsed(_.last_ordered_at, as_of, 3600),
        first_order_days=elapsed(_.first_ordered_at, as_of, DAY_S),
        basket_365d_eur=(_.spend_365d_eur.cast("float64") / _.orders_365d.nullif(0)).round(2),
        discount_share_90d=(
            _.discount_90d_eur.cast("float64") / (_.spend_90d_eur + _.discount_90d_eur).cast("float64").nullif(0)
        ).round(4),
    )
    return measured.mutate(
        recency_score=_quintile(measured, measured.last_ordered_at),
        frequency_score=_quintile(measured, measured.orders_365d),
        monetary_score=_quintile(measured, measured.spend_365d_eur),
    ).drop("last_ordered_at", "first_ordered_at", "discount_90d_eur")


def elapsed(moment: ir.TimestampValue, as_of: datetime, unit_s: int) -> ir.IntegerValue:
    """Whole units of `unit_s` seconds between a moment and `as_of`, rounded down: 47 h 59 min is 1 day."""
    seconds = moment.epoch_seconds() * -1 + int(as_of.timestamp())
    return (seconds / unit_s).floor().cast("int64")


def _quintile(people: ir.Table, value: ir.Value) -> ir.IntegerValue:
    return ibis.ntile(5).over(ibis.window(order_by=[value, people.person_id])) + 1
