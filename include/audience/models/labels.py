"""Who bought after a cut-off."""

from datetime import timedelta

import ibis
from ibis import _

from audience.core.partition import Partition


def paid_before(orders: ibis.Table, as_of: Partition) -> ibis.Table:
    """Paid orders placed before the end of a day; whatever is at or after it is the future."""
    return orders.filter(_.status == "paid", _.ordered_at < ibis.literal(as_of.as_of))


def buyers(orders: ibis.Table, *, cutoff: Partition, horizon_days: int) -> ibis.Table:
    """People with an order in the half-open span that begins at the end of the cut-off's day.

    Takes  one row per paid order: `person_id`, `ordered_at` (UTC).
    Gives  one row per person: `person_id`, with at least one order in `[cutoff.as_of, cutoff.as_of + horizon)`.
    """
    start, end = cutoff.as_of, cutoff.as_of + timedelta(days=horizon_days)
    within = orders.filter(_.ordered_at >= ibis.literal(start), _.ordered_at < ibis.literal(end))
    return within.filter(_.person_id.notnull()).select("person_id").distinct()
