"""What the steps read, made once from the grown data by plain SQL and kept as Parquet."""

from collections.abc import Callable
from pathlib import Path

from bench.grown import GROWN
from bench.measure import Stopwatch
from bench.place import Place

CUSTOMERS = """
select md5(person::varchar) as person_id, md5(lower(trim(min(email)))) as email_key,
       min(created_at)::timestamptz as first_seen_at, count(*) as records,
       max(year(birth_date)) as birth_year, max(gender) as gender, max(country) as country,
       left(max(postal_code), 2) as region, null::varchar as household_size,
       (['0', '1', '2', '3+'])[1 + person % 4] as kids, (['Under 15K', '50-74K', null])[1 + person % 3] as income_band,
       if(person % 5 = 0, person % 11, null) as nps
from contacts group by person
"""

ORDERS = """
select md5(person::varchar) as person_id, order_id, created_at::timestamptz as ordered_at, status,
       total_eur::decimal(18, 2) as total_eur, discount_eur::decimal(18, 2) as discount_eur, coupon_used as has_coupon
from orders
"""

LINES = """
select order_id, product_id::varchar as product_id, amount_eur::decimal(18, 2) as amount_eur
from order_lines
"""

PRODUCTS = """
select product_id::varchar as product_id, department as category from read_parquet('{products}')
"""

EVENTS = """
select md5(person::varchar) as person_id,
       case event when 'opened' then 'open' when 'spam' then 'complaint' when 'unsubscribed' then 'unsubscribe'
                  else event end as type,
       occurred_at::timestamptz as occurred_at, is_machine
from events where event <> 'order'
"""

RECORDS = r"""
select source || ':' || source_id as record_key, strftime(created_at, '%Y-%m-%d') as known_since,
       created_at::timestamptz as seen_at, md5(lower(trim(email))) as email_key,
       md5(right(regexp_replace(phone, '[^0-9]', '', 'g'), 9)) as phone_key, customer_ref,
       nullif(regexp_replace(strip_accents(lower(first_name)), '[^\p{L}]', '', 'g'), '') as called
from contacts
"""

PEOPLE = """
select *, if(hash(person_id) % 10 = 0, null, (hash(person_id) % 1000) / 1000) as p_buy_30d,
       ([null, 'regular', 'occasional', 'bargain'])[1 + (hash(person_id) % 4)::int] as cluster,
       'p_buy_30d 1' as p_buy_30d_model, 'cluster 1' as cluster_model
from features
"""


def make_inputs(place: Place, _watch: Stopwatch) -> None:
    """Makes every input that is not there yet."""
    import duckdb

    from sandbox.world.real import data_folder

    con = duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(place.data / "spill")})
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_progress_bar = false")
    for name in GROWN:
        con.execute(f"create view {name} as from read_parquet('{place.data}/grown/{name}.parquet')")
    queries = {
        "customers": CUSTOMERS,
        "shop_orders": ORDERS,
        "lines": LINES,
        "products": PRODUCTS.format(products=data_folder() / "products.parquet"),
        "mail_events": EVENTS,
        "records": RECORDS,
    }
    for name, query in queries.items():
        _write(con.execute, query, place, name)
    con.close()


def make_people(place: Place, _watch: Stopwatch) -> None:
    """The people that rules are asked about: their features, and scores that are made up."""
    from audience.core.engine import engine
    from bench.features import features_of

    if Path(place.file("people")).exists():
        return
    with engine() as session:
        session.create_view("features", features_of(session, place))
        _write(session.raw_sql, PEOPLE, place, "people")


def _write(execute: Callable[[str], object], query: str, place: Place, name: str) -> None:
    done = Path(place.file(name))
    if done.exists():
        return
    aside = done.with_suffix(".aside")
    execute(f"copy ({query}) to '{aside}' (format parquet, compression zstd)")
    aside.rename(done)
