"""The gate of one table: admission and audit, then the audit alone; the same checks hand-written, and GX for everything."""

from typing import TYPE_CHECKING, Any

from bench.measure import Step, Stopwatch, Usual, equal, run
from bench.place import DAY, KEY, Place

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

_PAD = KEY.reveal().encode().ljust(64, b"\0")

HAND_WRITTEN = r"""
create or replace temp table judged as
with texts as (
    select _day, _stream, _position::bigint as _position, nullif(trim(order_id), '') as order_id,
           nullif(trim(record_id), '') as record_id, lower(trim(email)) as email, try_cast(ordered_at as timestamptz) as ordered_at,
           nullif(trim(status), '') as status, try_cast(total_eur as decimal(18, 2)) as total_eur, total_eur as total,
           try_cast(discount_eur as decimal(18, 2)) as discount_eur, try_cast(has_coupon as boolean) as has_coupon,
           has_coupon as coupon, try_cast(updated_at as timestamptz) as updated_at, nullif(trim(extra), '') as extra
    from read_parquet('{file}')
), reasoned as (
    select *, case
        when order_id is null then 'order_id: missing'
        when ordered_at is null then 'ordered_at: not of type instant'
        when ordered_at <= timestamptz '1970-01-02 00:00:00Z' then 'ordered_at: before 1970-01-02'
        when ordered_at >= _day::date + interval 2 days then 'ordered_at: in the future'
        when status is null then 'status: missing'
        when status not in ('paid', 'cancelled', 'refunded') then 'status: not one of paid, cancelled, refunded'
        when total is null then 'total_eur: missing'
        when total_eur is null then 'total_eur: not of type decimal'
        when total_eur < -10000 then 'total_eur: below -10000'
        when total_eur > 100000 then 'total_eur: above 100000'
        when discount_eur is null then 'discount_eur: not of type decimal'
        when discount_eur < 0 then 'discount_eur: below 0'
        when coupon is null then 'has_coupon: missing'
        when has_coupon is null then 'has_coupon: not of type boolean'
        when updated_at is null then 'updated_at: not of type instant'
        when updated_at <= timestamptz '1970-01-02 00:00:00Z' then 'updated_at: before 1970-01-02'
        when updated_at >= _day::date + interval 2 days then 'updated_at: in the future'
        end as reason
    from texts
)
select order_id, record_id, left(sha256('{outer}'::blob || unhex(sha256('{inner}'::blob || encode(email)))), 32) as email_key,
       email is not null and not regexp_matches(email, '^[^@\s]+@[^@\s]+$') as _unusable_email_key,
       ordered_at, status, total_eur, discount_eur, has_coupon, updated_at, extra, reason,
       if(reason is null, null, to_json(struct_pack(order_id, record_id, email, ordered_at, status, total, discount_eur,
                                                    coupon, extra))) as row,
       row_number() over (partition by _day, reason is null, order_id order by _stream desc, _position desc) = 1 as is_newest
from reasoned
"""


CHECKED = """
select {groups}, count(*),
       sum((order_id is null)::int), sum((ordered_at is null)::int), sum((status is null)::int),
       sum((status not in ('paid', 'cancelled', 'refunded'))::int), sum((total_eur is null)::int),
       sum((total_eur < -10000 or total_eur > 100000)::int), sum((discount_eur is null)::int),
       sum((discount_eur < 0)::int), sum((has_coupon is null)::int), sum((updated_at is null)::int),
       sum((ordered_at > timestamptz '{as_of}')::int), sum((total_eur < 0)::int), sum(_unusable_email_key::int), max(updated_at),
       sum((status = 'paid')::int), sum((status = 'cancelled')::int), sum((status = 'refunded')::int),
       sum((not has_coupon)::int), sum(has_coupon::int), sum((total_eur < 0)::int), sum((total_eur < 5)::int),
       sum((total_eur < 10)::int), sum((total_eur < 20)::int), sum((total_eur < 30)::int), sum((total_eur < 50)::int),
       sum((total_eur < 75)::int), sum((total_eur < 100)::int), sum((total_eur < 150)::int), sum((total_eur < 250)::int),
       sum((total_eur < 500)::int), count(total_eur)
from {rows} group by all
"""
"""The suite of orders, as one writes it by hand; the columns' rules again, as the audit asks them again."""


def measure_gate(place: Place) -> list[Step]:
    """From staged texts to typed rows, refused rows with reasons, and a verdict. Importing Great Expectations is not counted."""
    mine, hand, everything = run(ours, place), run(limit, place), run(usual, place)
    equal("gate", mine, hand)
    rows = sum(n for _, _, n in mine.answer)
    steps = [
        Step("gate", f"{rows:,} orders", mine, hand, "one DuckDB query", Usual.of("pandas and GX alone", everything))
    ]
    run(make_judged, place)
    for audit_alone, checks_alone in ((audit_many, check_many), (audit_most, check_most)):
        audit, query = run(audit_alone, place), run(checks_alone, place)
        equal("gate, audit", audit, query)
        rows = sum(n for _, _, n, _ in audit.answer)
        steps.append(Step("gate, audit", f"{rows:,} judged orders", audit, query, "one DuckDB query"))
    return steps


def ours(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine, keep
    from audience.core.tables import ENTITIES
    from audience.quality.admission import judge
    from audience.quality.validation import suite_of

    suite_of("orders", [])  # Great Expectations is imported
    counts: Any = None
    with engine() as session:
        while watch.again():
            with watch.lap():
                judged = keep(session, judge(session.read_parquet(place.file("staged_orders")), ENTITIES["order"], KEY))
                session.create_view("judged", judged)
                _audited(session, judged)
                counts = _counts(session, "judged", "_reason", "_is_newest")
            session.raw_sql("drop view judged")
    return counts


def limit(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine

    inner, outer = ("".join(f"\\x{b ^ pad:02X}" for b in _PAD) for pad in (0x36, 0x5C))
    query = HAND_WRITTEN.format(file=place.file("staged_orders"), inner=inner, outer=outer)
    checks = CHECKED.format(groups="reason, is_newest", as_of=_AS_OF, rows="judged")
    with engine() as session:
        counts: Any = None
        while watch.again():
            with watch.lap():
                session.raw_sql(query)
                session.raw_sql(checks).fetchall()
                counts = _counts(session, "judged", "reason", "is_newest")
    return counts


MANY, MOST = 10, 100
"""Judged orders for each buyer: a million and ten million for 100,000."""


def make_judged(place: Place, _watch: Stopwatch) -> None:
    """Judged orders as Parquet, MANY and MOST for each buyer: those of the day, again and again under other keys."""
    from audience.core.engine import engine, keep
    from audience.core.tables import ENTITIES
    from audience.quality.admission import judge

    with engine() as session:
        judged = keep(session, judge(session.read_parquet(place.file("staged_orders")), ENTITIES["order"], KEY))
        session.create_view("judged", judged)
        for times in (MANY, MOST):
            session.raw_sql(
                f"copy (select * replace (order_id || '-' || copy as order_id) from judged, range({times}) as t (copy)"
                f" limit {times * place.people}) to '{_judged(place, times)}' (format parquet)"
            )


def _judged(place: Place, times: int) -> str:
    return place.file(f"judged_{times}_orders")


def audit_many(place: Place, watch: Stopwatch) -> object:
    return _audit_alone(place, watch, MANY)


def audit_most(place: Place, watch: Stopwatch) -> object:
    return _audit_alone(place, watch, MOST)


def check_many(place: Place, watch: Stopwatch) -> object:
    return _checks_alone(place, watch, MANY)


def check_most(place: Place, watch: Stopwatch) -> object:
    return _checks_alone(place, watch, MOST)


def _audit_alone(place: Place, watch: Stopwatch, times: int) -> object:
    """One pass over judged rows, the verdict, and the result as Great Expectations holds it."""
    from audience.core.engine import engine
    from audience.quality.validation import suite_of

    suite_of("orders", [])  # Great Expectations is imported
    groups: Any = None
    with engine() as session:
        while watch.again():
            with watch.lap():
                groups = _audited(session, session.read_parquet(_judged(place, times)))
    return sorted((g.reason or "", g.is_newest, g.rows, sum(g.broken.values())) for g in groups)


def _checks_alone(place: Place, watch: Stopwatch, times: int) -> object:
    """The same checks of the same rows in one query."""
    from audience.core.engine import engine

    rows = f"read_parquet('{_judged(place, times)}')"
    query = CHECKED.format(groups="_day, _reason, _is_newest", as_of=_AS_OF, rows=rows)
    found: Any = None
    with engine() as session:
        while watch.again():
            with watch.lap():
                found = session.raw_sql(query).fetchall()
    # The thirteen numbers after the rows are the checks of single rows.
    return sorted((r or "", bool(new), rows, int(sum(n or 0 for n in more[:13]))) for _, r, new, rows, *more in found)


_AS_OF = DAY.as_of


def _audited(session: "Backend", judged: "ir.Table") -> object:
    from audience.core.tables import ENTITIES
    from audience.quality.audit import audit
    from audience.quality.one_pass import Related, one_pass
    from audience.quality.past import Past
    from audience.quality.suites import suite
    from audience.quality.validation import result_of

    table, last = ENTITIES["order"], DAY
    groups = one_pass(session, judged, suite(table), Related(), last=last)
    found = audit("raw_shop__order", table.names, suite(table), groups, past=Past(), last=last, broken={})
    assert found.passed, found.blocking
    assert result_of(found).success
    return groups


def usual(place: Place, watch: Stopwatch) -> object:
    """One frame, typed by pandas, and every check an expectation whose failing rows are collected."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations import ExpectColumnValuesToBeUnique

    from audience.core.tables import ENTITIES
    from audience.quality.expectation import Between, Matches, NotNull, OneOf
    from audience.quality.suites import of_columns
    from audience.quality.validation import gx_expectation

    table = ENTITIES["order"]
    staged_names = set(table.names) & set(table.staged_names)
    kinds = NotNull | OneOf | Between | Matches
    rules = [gx_expectation(e) for e in of_columns(table) if isinstance(e, kinds) and e.column in staged_names]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset(name="orders")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name="orders", expectations=[*rules, ExpectColumnValuesToBeUnique(column="order_id")])
    found: Any = None
    while watch.again():
        with watch.lap():
            frame = pd.read_parquet(place.file("staged_orders"))
            for column in ("total_eur", "discount_eur"):
                frame[column] = pd.to_numeric(frame[column], errors="coerce")
            for column in ("ordered_at", "updated_at"):
                frame[column] = pd.to_datetime(frame[column], errors="coerce", utc=True)
            found = batch.get_batch({"dataframe": frame}).validate(suite, result_format="COMPLETE")
    return len(found.results)


def _counts(session: "Backend", table: str, reason: str, is_newest: str) -> list[tuple[str, bool, int]]:
    """Rows by reason (empty: admitted) and, for admitted ones, whether they are the newest of their key."""
    counted = session.raw_sql(
        f"select coalesce({reason}, ''), {reason} is null and {is_newest}, count(*) from {table} group by all order by all"
    )
    return [(str(r), bool(newest), int(n)) for r, newest, n in counted.fetchall()]
