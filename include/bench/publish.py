"""A day's orders of a partner's PostgreSQL, published: judged, audited, landed; and one query that types and writes them."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, KEY, Place
from bench.sql import ORDERS_PER_BUYER, connection_to, filled, the_partner
from bench.town import fresh_warehouse

if TYPE_CHECKING:
    from audience.core.lake import Lake

MEMORY = "600MB"
"""What DuckDB may take, so that the process stays below 1 GB; the rest goes through the disk."""

STAGED = f"partner_db/{DAY}_{DAY}"

HAND_WRITTEN = """
copy (
    select _day, order_id, record_id, lower(trim(email)) as email, ordered_at::timestamptz as ordered_at, status, currency,
           total_eur::decimal(18, 2) as total_eur, discount_eur::decimal(18, 2) as discount_eur,
           has_coupon::boolean as has_coupon, updated_at::timestamptz as updated_at, extra
    from read_parquet('{staged}') order by _day, order_id
) to '{file}' (format parquet, compression zstd)
"""


def measure_publish(place: Place) -> Step:
    """From staged rows to raw tables, and their numbers in the warehouse. Extraction is the step `sql`."""
    try:
        with filled(place):
            staged = run(stage, place)
        mine, query = run(ours, place), run(limit, place)
    finally:
        shutil.rmtree(_folder(place), ignore_errors=True)
    equal("publish", mine, staged)
    equal("publish", mine, query)
    return Step("publish", f"{mine.answer:,} staged orders", mine, query, "one DuckDB query, typed and sorted")


def stage(place: Place, _watch: Stopwatch) -> object:
    from audience.sources.contract import extract

    extraction = extract(the_partner(), connection_to(place), _lake(place), first=DAY, last=DAY)
    shutil.move(_folder(place) / "lake/_staging" / STAGED, _folder(place) / "staged")
    return extraction.rows["order"]


def ours(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine
    from audience.quality.publication import publish
    from audience.quality.validation import keep_result

    lake, loaded = _lake(place), 0
    with fresh_warehouse(place, "publish") as warehouse:
        while watch.again():
            shutil.rmtree(lake.root, ignore_errors=True)
            shutil.copytree(_folder(place) / "staged", Path(lake.root) / "_staging" / STAGED)
            staged = {"order": place.people * ORDERS_PER_BUYER, "_broken": 0}
            with engine(memory_limit=MEMORY) as session, watch.lap():
                (published,) = publish(
                    lake,
                    session,
                    warehouse,
                    key=KEY,
                    source="partner_db",
                    folder=STAGED,
                    staged=staged,
                    last=DAY,
                    keep_result=lambda audit: keep_result(lake, audit),
                )
            loaded = published.counts.loaded
    return loaded


def limit(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine

    file = _folder(place) / "limit.parquet"
    query = HAND_WRITTEN.format(staged=f"{_folder(place)}/staged/order.orders.parquet", file=file)
    with engine(memory_limit=MEMORY) as session:
        while watch.again():
            with watch.lap():
                session.raw_sql(query)
        ((rows,),) = session.raw_sql(f"select count(*) from read_parquet('{file}')").fetchall()
    return rows


def _lake(place: Place) -> "Lake":
    from audience.core.lake import Lake

    return Lake.at(_folder(place) / "lake")


def _folder(place: Place) -> Path:
    return place.folder / "publish"
