"""A day's orders of a partner's PostgreSQL, published: judged, audited, landed; one query that types and writes them; and
the same with what is hashed of each row, which no publication can do without."""

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
    select _day, order_id::varchar as order_id, record_id::varchar as record_id, {email}, ordered_at::timestamptz as ordered_at,
           status, currency, total_eur::decimal(18, 2) as total_eur, discount_eur::decimal(18, 2) as discount_eur,
           has_coupon::boolean as has_coupon, updated_at::timestamptz as updated_at, extra
    from read_parquet('{staged}') order by _day, order_id
) to '{file}' (format parquet, compression zstd)
"""

IN_CLEAR = "lower(trim(email)) as email"
KEYED = "left(sha256('{outer}'::blob || unhex(sha256('{inner}'::blob || encode(lower(trim(email)))))), 32) as email_key"
"""HMAC-SHA-256 (RFC 2104) of the address: in the lake no order has one in clear."""

CONTENT = """
select _day, count(*), count(distinct hash(order_id)), bit_xor(md5_number(cast(struct_pack(
    order_id := order_id, record_id := record_id, email_key := email_key, ordered_at := ordered_at, status := status,
    currency := currency, total_eur := total_eur, discount_eur := discount_eur, has_coupon := has_coupon,
    updated_at := updated_at, extra := extra) as varchar)))
from read_parquet('{file}', hive_partitioning = false) group by _day
"""
"""The content of a day, by which a rerun is known to change nothing, and a key that stands in two rows."""


def measure_publish(place: Place) -> list[Step]:
    """From staged rows to raw tables, and their numbers in the warehouse. Extraction is the step `sql`."""
    try:
        with filled(place):
            staged = run(stage, place)
        mine, query, hashed = run(ours, place), run(limit, place), run(limit_hashed, place)
    finally:
        shutil.rmtree(_folder(place), ignore_errors=True)
    for other in (staged, query, hashed):
        equal("publish", mine, other)
    size = f"{mine.answer:,} staged orders"
    return [
        Step("publish", size, mine, query, "one DuckDB query, typed and sorted"),
        Step("publish", size, mine, hashed, "the same, addresses and rows hashed"),
    ]


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
    return _by_hand(place, watch, IN_CLEAR)


def limit_hashed(place: Place, watch: Stopwatch) -> object:
    pad = KEY.reveal().encode().ljust(64, b"\0")
    inner, outer = ("".join(f"\\x{b ^ with_:02X}" for b in pad) for with_ in (0x36, 0x5C))
    return _by_hand(place, watch, KEYED.format(inner=inner, outer=outer), CONTENT)


def _by_hand(place: Place, watch: Stopwatch, email: str, content: str = "") -> object:
    from audience.core.engine import engine
    from audience.core.publication import DAY as DAY_COLUMN
    from audience.core.publication import contents
    from audience.core.tables import raw

    file = _folder(place) / "limit.parquet"
    query = HAND_WRITTEN.format(staged=f"{_folder(place)}/staged/order.orders.parquet", email=email, file=file)
    with engine(memory_limit=MEMORY) as session:
        while watch.again():
            with watch.lap():
                session.raw_sql(query)
                if content:
                    session.raw_sql(content.format(file=file)).fetchall()
        if content:
            table = raw("partner_db", "order")
            by_hand = contents(session, table, str(file), by=DAY_COLUMN)[DAY.key].hash
            assert by_hand == _lake(place).files(table.name, DAY)[-1].content_hash, "it is the file that we publish"
        ((rows,),) = session.raw_sql(f"select count(*) from read_parquet('{file}')").fetchall()
    return rows


def _lake(place: Place) -> "Lake":
    from audience.core.lake import Lake

    return Lake.at(_folder(place) / "lake")


def _folder(place: Place) -> Path:
    return place.folder / "publish"
