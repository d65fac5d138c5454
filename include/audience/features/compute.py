"""The feature table of one partition."""

from datetime import datetime

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core import history
from audience.core.lake import Lake, Written
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS, FEATURES
from audience.features.areas import areas, nowhere
from audience.features.engagement import engagement
from audience.features.purchases import DAY_S, elapsed, purchases
from audience.features.tastes import tastes

_COUNTS = ("orders_7d", "orders_30d", "orders_90d", "orders_365d", "coupon_orders_365d", "categories_90d",
           "sent_90d", "opens_90d", "clicks_90d")  # fmt: skip
_SUMS_EUR = ("spend_30d_eur", "spend_90d_eur", "spend_365d_eur")


def features(
    *, customers: ir.Table, orders: ir.Table, lines: ir.Table, products: ir.Table, events: ir.Table, around: ir.Table,
    as_of: datetime,
) -> ir.Table:  # fmt: skip
    """Everything known of each person before `as_of`.

    Takes  `customers` (one row per person), the inputs of `purchases`, `tastes` and `engagement`, and what `areas` gives;
           rows at or after `as_of` may be there and are not seen.
    Gives  one row per person, the columns of FEATURES: what never happened is 0 when counted, unknown when measured.
    """
    bought = purchases(orders, as_of=as_of)
    liked = tastes(orders, lines, products, as_of=as_of)
    answered = engagement(events, as_of=as_of)
    joined = (
        customers.left_join(bought, "person_id", rname="bought_{name}")
        .left_join(liked, "person_id", rname="liked_{name}")
        .left_join(answered, "person_id", rname="answered_{name}")
        .left_join(around, "person_id", rname="around_{name}")
    )
    zero = ibis.literal(0).cast(FEATURES.column("spend_30d_eur").ibis_type)
    known = joined.mutate(
        **{name: joined[name].fill_null(0) for name in _COUNTS},
        **{name: joined[name].fill_null(zero) for name in _SUMS_EUR},
        is_customer=joined.bought_person_id.notnull(),
        age_years=ibis.literal(as_of.year) - joined.birth_year,
        # A record that is made later than as_of (a backfilled day) is new, not negative.
        known_days=ibis.greatest(elapsed(joined.first_seen_at, as_of, DAY_S), 0),
    )
    return known.select(*FEATURES.names)


def compute(lake: Lake, session: Backend, partition: Partition) -> Written:
    """Publishes the features of a partition from its customers and everything known at its end."""
    return lake.write(session, FEATURES, partition, features_at(lake, session, partition, known=partition))


def features_at(lake: Lake, session: Backend, cutoff: Partition, *, known: Partition) -> ir.Table:
    """Features as of the end of `cutoff` for the people of partition `known`, from what was known then.

    Training asks for cut-offs before `known`: the same people, seen as they were earlier.
    """
    return features(
        customers=lake.read(session, CUSTOMERS, known).filter(_.first_seen_at < cutoff.as_of),
        orders=history.orders(lake, session, known),
        lines=lake.entity(session, "order_line", through=known),
        products=lake.entity(session, "product", through=known),
        events=history.email_events(lake, session, known),
        around=_around(lake, session, cutoff, known=known),
        as_of=cutoff.as_of,
    )


def _around(lake: Lake, session: Backend, cutoff: Partition, *, known: Partition) -> ir.Table:
    if not (lake.sources_of("place") and lake.sources_of("postal_place")):
        return nowhere()
    return areas(
        history.addresses(lake, session, known),
        lake.entity(session, "place", through=known),
        lake.entity(session, "postal_place", through=known),
        as_of=cutoff.as_of,
    )
