"""The feature table: ours, one hand-written DuckDB query of the same columns, and pandas."""

from datetime import timedelta
from typing import TYPE_CHECKING

from bench.measure import Step, Stopwatch, Usual, equal, run
from bench.place import DAY, Place

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

INPUTS = ("customers", "shop_orders", "lines", "products", "mail_events")

HAND_WRITTEN = """
create or replace temp table features as
with bought as (
    select person_id, max(ordered_at) as last_at, min(ordered_at) as first_at,
           count(*) filter (ordered_at >= '{d7}') as orders_7d, count(*) filter (ordered_at >= '{d30}') as orders_30d,
           count(*) filter (ordered_at >= '{d90}') as orders_90d,
           count(*) filter (ordered_at >= '{d365}') as orders_365d,
           coalesce(sum(total_eur) filter (ordered_at >= '{d30}'), 0) as spend_30d_eur,
           coalesce(sum(total_eur) filter (ordered_at >= '{d90}'), 0) as spend_90d_eur,
           coalesce(sum(total_eur) filter (ordered_at >= '{d365}'), 0) as spend_365d_eur,
           coalesce(sum(discount_eur) filter (ordered_at >= '{d90}'), 0) as discount_90d_eur,
           count(*) filter (ordered_at >= '{d365}' and has_coupon) as coupon_orders_365d
    from shop_orders where ordered_at < '{as_of}' and status = 'paid' group by person_id
), scored as (
    select *, ntile(5) over (order by last_at, person_id) as recency_score,
           ntile(5) over (order by orders_365d, person_id) as frequency_score,
           ntile(5) over (order by spend_365d_eur, person_id) as monetary_score
    from bought
), spent as (
    select person_id, category, sum(amount_eur) as spend_eur
    from shop_orders join lines using (source, order_id) join products using (source, product_id)
    where ordered_at >= '{d90}' and ordered_at < '{as_of}' and status = 'paid' and category is not null
    group by person_id, category
), liked as (
    select person_id, first(category order by spend_eur desc, category) as favourite_category,
           count(*) as categories_90d
    from spent group by person_id
), answered as (
    select person_id, count(*) filter (type = 'sent' and occurred_at >= '{d90}') as sent_90d,
           count(*) filter (type = 'open' and not is_machine and occurred_at >= '{d90}') as opens_90d,
           count(*) filter (type = 'click' and not is_machine and occurred_at >= '{d90}') as clicks_90d,
           max(occurred_at) filter (type = 'open' and not is_machine) as opened_at,
           max(occurred_at) filter (type = 'click' and not is_machine) as clicked_at
    from mail_events where occurred_at < '{as_of}' group by person_id
)
select person_id, {year} - birth_year as age_years, gender, country, region, income_band, kids, nps,
       null as area_median_income_eur, null as area_poverty_percent,
       greatest(floor(({now} - epoch(first_seen_at)) / 86400), 0) as known_days, last_at is not null as is_customer,
       floor(({now} - epoch(last_at)) / 86400) as recency_days, floor(({now} - epoch(last_at)) / 3600) as recency_hours,
       floor(({now} - epoch(first_at)) / 86400) as first_order_days,
       coalesce(orders_7d, 0) as orders_7d, coalesce(orders_30d, 0) as orders_30d,
       coalesce(orders_90d, 0) as orders_90d, coalesce(orders_365d, 0) as orders_365d,
       coalesce(spend_30d_eur, 0) as spend_30d_eur, coalesce(spend_90d_eur, 0) as spend_90d_eur,
       coalesce(spend_365d_eur, 0) as spend_365d_eur,
       round(spend_365d_eur::double / nullif(orders_365d, 0), 2) as basket_365d_eur,
       round(discount_90d_eur::double / nullif((spend_90d_eur + discount_90d_eur)::double, 0), 4) as discount_share_90d,
       coalesce(coupon_orders_365d, 0) as coupon_orders_365d,
       favourite_category, coalesce(categories_90d, 0) as categories_90d,
       recency_score, frequency_score, monetary_score,
       coalesce(sent_90d, 0) as sent_90d, coalesce(opens_90d, 0) as opens_90d, coalesce(clicks_90d, 0) as clicks_90d,
       floor(({now} - epoch(opened_at)) / 86400) as last_open_days,
       floor(({now} - epoch(clicked_at)) / 86400) as last_click_days
from customers
left join scored using (person_id) left join liked using (person_id) left join answered using (person_id)
"""


def measure_features(place: Place) -> Step:
    """Reads Parquet, leaves the feature table in memory."""
    mine, hand, pandas = run(ours, place), run(limit, place), run(usual, place)
    equal("features", mine, hand)
    equal("features in pandas", mine, pandas)
    return Step("features", _size(place), mine, hand, "one DuckDB query", Usual.of("pandas", pandas))


def features_of(session: "Backend", place: Place) -> "ir.Table":
    import ibis

    from audience.features.areas import nowhere
    from audience.features.compute import features

    # The source of an entity is a constant, as `Lake.entity` gives it.
    tables = {name: session.read_parquet(place.file(name)).mutate(source=ibis.literal("shop")) for name in INPUTS}
    return features(
        customers=tables["customers"].drop("source"),
        orders=tables["shop_orders"],
        lines=tables["lines"],
        products=tables["products"],
        events=tables["mail_events"],
        around=nowhere(),
        as_of=DAY.as_of,
    )


def ours(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine, keep

    with engine() as session:
        while watch.again():
            session.raw_sql("drop view if exists features")
            with watch.lap():
                found = keep(session, features_of(session, place))
            session.create_view("features", found)
        return _digest(session)


def limit(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine

    days = {f"d{n}": (DAY.as_of - timedelta(days=n)).isoformat() for n in (7, 30, 90, 365)}
    query = HAND_WRITTEN.format(
        **days, as_of=DAY.as_of.isoformat(), now=int(DAY.as_of.timestamp()), year=DAY.as_of.year
    )
    with engine() as session:
        for name in INPUTS:
            session.raw_sql(f"create view {name} as select *, 'shop' as source from read_parquet('{place.file(name)}')")
        while watch.again():
            with watch.lap():
                session.raw_sql(query)
        return _digest(session)


def usual(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine
    from bench.features_pandas import features_in_pandas

    while watch.again():
        with watch.lap():
            found = features_in_pandas({name: place.file(name) for name in INPUTS}, DAY.as_of)
    with engine() as session:
        session.con.register("features", found)
        return _digest(session)


def _digest(session: "Backend") -> object:
    """Rows and an order-independent hash of all of them, in the declared types."""
    import ibis

    from audience.core.tables import FEATURES

    conformed = ibis.to_sql(FEATURES.conform(session.table("features")), dialect="duckdb")
    return session.raw_sql(f"select count(*), bit_xor(hash(t)) from ({conformed}) t").fetchall()


def _size(place: Place) -> str:
    import pyarrow.parquet as pq

    rows = {name: pq.ParquetFile(place.file(name)).metadata.num_rows for name in INPUTS}
    events = rows["shop_orders"] + rows["lines"] + rows["mail_events"]
    return f"{rows['customers']:,} people, {events / 1e6:.1f} M orders, lines, events"
