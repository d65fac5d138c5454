"""Orders of one extraction with lines, contacts and earlier versions, made by one query each and kept as Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Stopwatch
from bench.place import DAY, KEY, Place

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

    from audience.core.lake import Lake

MANY, MOST = 10, 100
"""Orders for each buyer: a million and ten million for 100,000."""

_STAGED = """
select '{day}' as _day, 'orders' as _stream, (n + 1000000000 * twice)::varchar as _position, 'O-' || n as order_id,
       'C-' || if(n % 701 = 0, -n, n % {contacts}) as record_id, 'Reader' || n % {contacts} || '@mailbox.example' as email,
       strftime(timestamp '{day}' + to_seconds(n % 86400), '%Y-%m-%dT%H:%M:%SZ') as ordered_at,
       if(n % 3001 = 0, 'lost', (['paid', 'paid', 'cancelled', 'refunded'])[1 + n % 4]) as status,
       null::varchar as currency, if(n % 2003 = 0, 'n/a', (n % 30000 / 100)::decimal(12, 2)::varchar) as total_eur,
       '0.50' as discount_eur, if(n % 4001 = 0, null, (n % 7 = 0)::varchar) as has_coupon,
       strftime(timestamp '{day}' + to_seconds(n % 86400), '%Y-%m-%dT%H:%M:%SZ') as updated_at, null::varchar as extra
from range({orders}) orders (n), unnest(if(n % 500 = 0, [0, 1], [0])) as copies (twice)
"""
"""A little of everything: 0.1 % of the rows are refused, 0.2 % come twice, 0.14 % are of nobody."""

_LINES = """
select '{day}' as _day, null::varchar as _reason, true as _is_newest, 'O-' || n as order_id, line::bigint as line,
       'P-' || n % 5000 as product_id, 1::bigint as quantity,
       ((n % 30000 + if(n % 301 = 0, 9999, 0)) / 200)::decimal(18, 2) as amount_eur, 0::decimal(18, 2) as discount_eur
from range({orders}) orders (n), unnest([1, 2]) as lines (line)
"""

_CONTACTS = """
select '{day}' as _day, null::varchar as _reason, true as _is_newest, 'C-' || n as record_id from range({contacts}) c (n)
"""

_LANDED = """
select '{before}' as _day, 'O-' || n as order_id, 'C-' || n % {contacts} as record_id,
       timestamptz '{day} 00:00:00Z' + to_seconds(n % 86400 + if(n % 1010 = 0, 60, 0)) as ordered_at, 'paid' as status,
       1::decimal(18, 2) as total_eur, 0::decimal(18, 2) as discount_eur, false as has_coupon,
       timestamptz '{before} 12:00:00Z' as updated_at
from range(0, {orders}, 10) orders (n)
"""
"""A tenth of the orders were told the day before, and one in 101 of those was placed at another time then."""


def make_gates(place: Place, _watch: Stopwatch) -> None:
    """Makes what is not there yet: staged texts, judged rows, and a lake, of MANY and of MOST orders."""
    from audience.core.engine import engine, keep
    from audience.core.tables import ENTITIES, raw
    from audience.quality.admission import judge
    from audience.quality.newest import mark_newest

    place.data.mkdir(parents=True, exist_ok=True)
    for times in (MANY, MOST):
        values = {
            "day": DAY,
            "before": DAY.previous,
            "orders": times * place.people,
            "contacts": times * place.people // 3,
        }
        if Path(file_of(place, times, "judged")).exists():
            continue
        with engine() as session:
            for name, query in (("staged", _STAGED), ("lines", _LINES), ("contacts", _CONTACTS), ("landed", _LANDED)):
                session.raw_sql(
                    f"copy ({query.format(**values)}) to '{file_of(place, times, name)}' (format parquet, compression zstd)"
                )
            landed = _of_table(session.read_parquet(file_of(place, times, "landed")), "order")
            lake_of(place, times).write_days(session, raw("shop", "order"), landed)
            staged = session.read_parquet(file_of(place, times, "staged"))
            judged = mark_newest(session, keep(session, judge(staged, ENTITIES["order"], KEY)), ENTITIES["order"])
            session.to_parquet(judged, file_of(place, times, "judged"))


def beside(session: "Backend", place: Place, times: int) -> "dict[str, ir.Table]":
    """Lines and contacts of the extraction, judged."""
    tables = {"order_line": "lines", "contact": "contacts"}
    return {e: _of_table(session.read_parquet(file_of(place, times, name)), e) for e, name in tables.items()}


def lake_of(place: Place, times: int) -> "Lake":
    """A lake with the orders of the day before."""
    from audience.core.lake import Lake

    return Lake.at(place.data / f"gate_{times}")


def file_of(place: Place, times: int, name: str) -> str:
    return place.file(f"gate_{times}_{name}")


def _of_table(rows: "ir.Table", entity: str) -> "ir.Table":
    """The rows with every declared column; null where nothing was made."""
    import ibis

    from audience.core.tables import ENTITIES

    table = ENTITIES[entity]
    return rows.mutate(**{c.name: ibis.null(c.ibis_type) for c in table.columns if c.name not in rows.columns})
