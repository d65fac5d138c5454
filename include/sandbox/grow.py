"""Grows the same shape to any size, as Parquet for benchmarks: `python -m sandbox.grow --people 1000000 --events
50000000 --out DIR`.

Households are drawn with replacement; each copy gets a fresh identity, days moved by up to 10, amounts around the real
ones, and the same duplicates and typing differences as the server's world. Everything streams through DuckDB: memory
does not grow with the events.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from sandbox.world import consents, engine, mails, orders, people, real, records
from sandbox.world.options import yesterday

CONTACTS = """
select 'crm' as source, 'C-' || n as source_id, person, email, phone, first_name, last_name, birth_date, gender,
       city, postal_code, country, customer_ref, created_at, updated_at from contact
union all by name
select 'shop' as source, 'S-' || n as source_id, person, email, phone, first_name, last_name,
       city, postal_code, country, customer_ref, created_at, updated_at from account
union all by name
select 'newsletter' as source, 'N-' || n as source_id, person, email, phone, first_name, last_name, country,
       confirmed_at as created_at, confirmed_at as updated_at from signup
"""

CONSENTS = """
select 'crm' as source, 'C-' || contact_n as source_id, purpose, status, captured_at, method from consent
union all
select 'newsletter', 'N-' || n, unnest(['email_marketing', if(allows_tracking, 'open_tracking', null),
       if(allows_profiling, 'profiling', null)]) as purpose, 'granted', confirmed_at, 'double_opt_in' from signup
"""

FOLDED = """
create table folded as
select basket_id, list(product_id order by line) as products, list(quantity order by line) as quantities,
       list(amount_eur order by line) as amounts, list(discount_eur order by line) as discounts
from (select basket_id, least(line, {most}) as line, min(product_id) as product_id, sum(quantity)::bigint as quantity,
             sum(amount_eur)::decimal(12, 2) as amount_eur, sum(discount_eur)::decimal(12, 2) as discount_eur
      from line group by all)
group by basket_id
"""

ORDERS = """
select order_id, person, 'S-' || account_n as customer_id, email, status, 'EUR' as currency,
       list_sum(list_transform(amounts, lambda a: (a * factor)::decimal(12, 2)))::decimal(12, 2) as total_eur,
       list_sum(list_transform(discounts, lambda d: (d * factor)::decimal(12, 2)))::decimal(12, 2) as discount_eur,
       coupon_used, created_at, updated_at, basket_id as grown_from_basket, factor as amount_factor
from shop_order join folded using (basket_id)
"""

ORDER_LINES = """
select order_id, generate_subscripts(products, 1)::int as line, unnest(products) as product_id,
    unnest(quantities) as quantity,
       (unnest(amounts) * amount_factor)::decimal(12, 2) as amount_eur,
           (unnest(discounts) * amount_factor)::decimal(12, 2) as discount_eur, updated_at
from {orders} join folded on basket_id = grown_from_basket
"""

EVENTS = """
select 'E-' || printf('%016x', k) as event_id, kind as event, person, email, occurred_at, received_at, campaign_id,
    user_agent,
       is_machine, null::varchar as order_id, null::decimal(12, 2) as amount_eur from mail_event
union all
select 'E-' || order_id, 'order', person, email, created_at, updated_at, null, null, false, order_id, total_eur
    from {orders}
"""


@dataclass(frozen=True)
class Size:
    """How much to grow.

    people           buyers; 15 % prospects come on top
    events           orders and mail events together; None: as many as the real shape gives
    lines_per_order  at most; what is beyond is folded into the last line, so that totals stay
    """

    people: int
    events: int | None = None
    lines_per_order: int = 3


def grow(size: Size, *, out: Path, until: date, seed: int = 7, memory: str = "1500MB") -> dict[str, int]:
    """Writes contacts, consents, orders, order_lines and events as `<name>.parquet` into `out`; returns their numbers
    of rows.

    `person` is the truth: the same number wherever it is the same person; an order also names the real basket it grew
    from and the factor on its amounts. Rows are in no particular order. Raises ValueError when
    `events` is below what the campaigns alone give.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="grow-", dir=out) as scratch:
        place = Path(scratch)
        con = engine.connect(seed, place / "spill", memory=memory, database=str(place / "grow.duckdb"))
        real.read_real(con, until=until)
        people.make_people(con, buyers=size.people)
        records.make_contacts(con)
        records.make_accounts(con)
        records.make_signups(con)
        consents.make_consents(con)
        mails.make_sends(con)
        mails.make_mail_events(con)
        orders.make_visits(con, grown=True, copies=_copies(con, size.events))
        orders.make_orders(con, kept=False)
        con.execute(FOLDED.replace("{most}", str(size.lines_per_order)))
        done = f"read_parquet('{out / 'orders.parquet'}')"
        queries = {
            "contacts": CONTACTS,
            "consents": f"select * from ({CONSENTS}) where purpose is not null",
            "orders": ORDERS,
            "order_lines": ORDER_LINES.replace("{orders}", done),
            "events": EVENTS.replace("{orders}", done),
        }
        written = {}
        for name, query in queries.items():
            copied = con.execute(
                f"copy ({query}) to '{out / name}.parquet' (format parquet, compression zstd)"
            ).fetchall()
            written[name] = int(copied[0][0])
        con.close()
    return written


def _copies(con: duckdb.DuckDBPyConnection, events: int | None) -> float:
    if events is None:
        return 1.0
    from_mails = _count(con, "select count(*) from mail_event")
    if events < from_mails:
        raise ValueError(f"events: the campaigns of this many people alone give {from_mails}, found {events}")
    baskets = (
        "select sum(n) from person join (select household_id, count(*) n from basket group by all) using (household_id)"
    )
    return (events - from_mails) / _count(con, f"{baskets} where is_buyer")


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.grow", description=__doc__)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--events", type=int)
    parser.add_argument("--lines-per-order", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--until", type=date.fromisoformat, default=yesterday())
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory", default="1500MB", help="DuckDB's limit; the rest spills to disk")
    chosen = parser.parse_args()
    began = time.monotonic()
    size = Size(chosen.people, chosen.events, chosen.lines_per_order)
    try:
        written = grow(size, out=chosen.out, until=chosen.until, seed=chosen.seed, memory=chosen.memory)
    except ValueError as problem:
        print(f"grow: {problem}", file=sys.stderr)
        return 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for name, rows in written.items():
        print(
            f"{name:12} {rows:>12,} rows {(chosen.out / name).with_suffix('.parquet').stat().st_size / 1e6:>10,.1f} MB"
        )
    print(f"{time.monotonic() - began:.1f} s, {peak} MB at most")
    return 0


if __name__ == "__main__":
    sys.exit(main())
