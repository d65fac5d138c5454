"""The gate of one table: admission and audit, then the audit alone; the same checks hand-written, and GX for everything."""

from typing import TYPE_CHECKING, Any

from bench.gate_inputs import MANY, MOST, beside, file_of, lake_of, make_gates
from bench.measure import Step, Stopwatch, Usual, equal, run
from bench.place import DAY, KEY, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir
    from ibis.backends.duckdb import Backend

    from audience.quality.one_pass import Group

MEMORY = "1GB"
"""What DuckDB may take in either way; the rest goes through the disk."""

_PAD = KEY.reveal().encode().ljust(64, b"\0")

JUDGED = r"""
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
        end as _reason
    from texts
)
select _day, order_id, record_id,
       left(sha256('{outer}'::blob || unhex(sha256('{inner}'::blob || encode(email)))), 32) as email_key,
       email is not null and not regexp_matches(email, '^[^@\s]+@[^@\s]+$') as _unusable_email_key,
       ordered_at, status, total_eur, discount_eur, has_coupon, updated_at, extra, _reason,
       if(_reason is null, null, to_json(struct_pack(order_id, record_id, email, ordered_at, status, total, discount_eur,
                                                     coupon, extra))) as row,
       _reason is not null
       or row_number() over (partition by _day, _reason is null, order_id order by _stream desc, _position desc) = 1
       as _is_newest
from reasoned
"""

CHECKED = """
with sums as (
    select _day, order_id, sum(amount_eur)::double as lines_eur from read_parquet('{lines}') group by all
), told as (
    select order_id, min(ordered_at) as low, max(ordered_at) as high from (
        select order_id, ordered_at from {rows} where _reason is null
        union all
        select order_id, ordered_at from read_parquet('{landed}') semi join (from {rows} where _reason is null) using (order_id)
    ) group by all having low <> high
), beside as (
    select judged.*, lines_eur, told.order_id is not null as is_reused,
           judged._reason is null and record_id is not null and contacts.record_id is null as is_orphan
    from {rows} judged left join sums using (_day, order_id) left join told using (order_id)
         left join read_parquet('{contacts}') contacts using (record_id)
)
select _reason, _is_newest, count(*),
       sum((order_id is null)::int), sum((ordered_at is null)::int), sum((status is null)::int),
       sum((status not in ('paid', 'cancelled', 'refunded'))::int), sum((total_eur is null)::int),
       sum((total_eur < -10000 or total_eur > 100000)::int), sum((discount_eur is null)::int),
       sum((discount_eur < 0)::int), sum((has_coupon is null)::int), sum((updated_at is null)::int),
       sum((ordered_at > timestamptz '{as_of}')::int), sum((total_eur < 0)::int), sum(_unusable_email_key::int),
       sum(is_reused::int), sum(is_orphan::int),
       sum((abs(total_eur::double - lines_eur) > greatest(0.05, 0.25 * abs(lines_eur)))::int),
       max(updated_at),
       sum((status = 'paid')::int), sum((status = 'cancelled')::int), sum((status = 'refunded')::int),
       sum((not has_coupon)::int), sum(has_coupon::int), sum((total_eur < 0)::int), sum((total_eur < 5)::int),
       sum((total_eur < 10)::int), sum((total_eur < 20)::int), sum((total_eur < 30)::int), sum((total_eur < 50)::int),
       sum((total_eur < 75)::int), sum((total_eur < 100)::int), sum((total_eur < 150)::int), sum((total_eur < 250)::int),
       sum((total_eur < 500)::int), count(total_eur)
from beside group by all
"""
"""The suite of orders, as one writes it by hand: the columns' rules again, as the audit asks them again, and what lines,
contacts and earlier versions say."""

_OF_ROWS = 16
"""The first sums: rows that break something."""


def measure_gate(place: Place) -> list[Step]:
    """From staged texts to typed rows, refused rows with reasons, and a verdict; and the audit alone, of judged rows."""
    run(make_gates, place)
    everything = run(usual, place)
    steps = []
    for name, ways in (
        ("gate", ((ours_many, limit_many), (ours_most, limit_most))),
        ("gate, audit", ((audit_many, check_many), (audit_most, check_most))),
    ):
        for mine, hand in ways:
            found, query = run(mine, place), run(hand, place)
            equal(name, found, query)
            alternative = Usual.of("pandas and GX alone", everything) if mine is ours_many else None
            rows = sum(n for _, _, n, _ in found.answer)
            steps.append(Step(name, f"{rows:,} orders", found, query, "the same in two DuckDB queries", alternative))
    return steps


def ours_many(place: Place, watch: Stopwatch) -> object:
    return _gate(place, watch, MANY)


def ours_most(place: Place, watch: Stopwatch) -> object:
    return _gate(place, watch, MOST)


def limit_many(place: Place, watch: Stopwatch) -> object:
    return _by_hand(place, watch, MANY)


def limit_most(place: Place, watch: Stopwatch) -> object:
    return _by_hand(place, watch, MOST)


def audit_many(place: Place, watch: Stopwatch) -> object:
    return _audit_alone(place, watch, MANY)


def audit_most(place: Place, watch: Stopwatch) -> object:
    return _audit_alone(place, watch, MOST)


def check_many(place: Place, watch: Stopwatch) -> object:
    return _checks_alone(place, watch, MANY)


def check_most(place: Place, watch: Stopwatch) -> object:
    return _checks_alone(place, watch, MOST)


def _gate(place: Place, watch: Stopwatch, times: int) -> object:
    from audience.core.engine import engine, keep
    from audience.core.tables import ENTITIES
    from audience.quality.admission import judge
    from audience.quality.newest import mark_newest

    groups: Sequence[Group] = ()
    while watch.again():
        with engine(memory_limit=MEMORY) as session, watch.lap():
            staged = session.read_parquet(file_of(place, times, "staged"))
            judged = mark_newest(session, keep(session, judge(staged, ENTITIES["order"], KEY)), ENTITIES["order"])
            groups = _audited(session, judged, place, times)
    return _counted(groups)


def _by_hand(place: Place, watch: Stopwatch, times: int) -> object:
    from audience.core.engine import engine

    inner, outer = ("".join(f"\\x{b ^ pad:02X}" for b in _PAD) for pad in (0x36, 0x5C))
    query = JUDGED.format(file=file_of(place, times, "staged"), inner=inner, outer=outer)
    found: list[Any] = []
    while watch.again():
        with engine(memory_limit=MEMORY) as session, watch.lap():
            session.raw_sql(query).fetchall()
            found = session.raw_sql(_checks(place, times, "judged")).fetchall()
    return _summed(found)


def _audit_alone(place: Place, watch: Stopwatch, times: int) -> object:
    """Counting of judged rows, the verdict, and the result as Great Expectations holds it."""
    from audience.core.engine import engine

    groups: Sequence[Group] = ()
    while watch.again():
        with engine(memory_limit=MEMORY) as session, watch.lap():
            groups = _audited(session, session.read_parquet(file_of(place, times, "judged")), place, times)
    return _counted(groups)


def _checks_alone(place: Place, watch: Stopwatch, times: int) -> object:
    """The same checks of the same rows in one query."""
    from audience.core.engine import engine

    found: list[Any] = []
    while watch.again():
        with engine(memory_limit=MEMORY) as session, watch.lap():
            rows = f"read_parquet('{file_of(place, times, 'judged')}')"
            found = session.raw_sql(_checks(place, times, rows)).fetchall()
    return _summed(found)


def _checks(place: Place, times: int, rows: str) -> str:
    others = {name: file_of(place, times, name) for name in ("lines", "contacts", "landed")}
    return CHECKED.format(rows=rows, as_of=DAY.as_of, **others)


def _audited(session: "Backend", judged: "ir.Table", place: Place, times: int) -> "Sequence[Group]":
    from audience.core.tables import ENTITIES
    from audience.quality.audit import audit
    from audience.quality.one_pass import one_pass
    from audience.quality.past import Past
    from audience.quality.related import related
    from audience.quality.suites import suite
    from audience.quality.validation import result_of

    table, last = ENTITIES["order"], DAY
    expected = suite(table)
    extraction = {"order": judged, **beside(session, place, times)}
    others = related(lake_of(place, times), session, extraction, "order", expected, source="shop", last=last)
    groups = one_pass(session, judged, expected, others, last=last)
    found = audit("raw_shop__order", table.names, expected, groups, past=Past(), last=last, broken={})
    assert found.passed, found.blocking
    assert len(found.findings) == len(expected), "every expectation was asked"
    assert result_of(found)["success"]
    return groups


def _counted(groups: "Sequence[Group]") -> list[tuple[str, bool, int, int]]:
    """By reason and whether a row is the newest of its key: rows, and how often one of them breaks something."""
    return sorted((g.reason or "", g.is_newest, g.rows, sum(g.broken.values())) for g in groups)


def _summed(found: list[Any]) -> list[tuple[str, bool, int, int]]:
    return sorted(
        (r or "", bool(new), rows, int(sum(n or 0 for n in more[:_OF_ROWS]))) for r, new, rows, *more in found
    )


def usual(place: Place, watch: Stopwatch) -> object:
    """One frame, typed by pandas, and every check an expectation whose failing rows are collected."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations import ExpectColumnValuesToBeUnique

    from audience.core.tables import ENTITIES
    from audience.quality.expectation import Between, Matches, NotNull, OneOf
    from audience.quality.gx_objects import suite_object
    from audience.quality.suites import of_columns

    table = ENTITIES["order"]
    staged_names = set(table.names) & set(table.staged_names)
    kinds = NotNull | OneOf | Between | Matches
    declared = [e for e in of_columns(table) if isinstance(e, kinds) and e.column in staged_names]
    rules = suite_object("columns", declared).expectations
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset(name="orders")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name="orders", expectations=[*rules, ExpectColumnValuesToBeUnique(column="order_id")])
    found: Any = None
    while watch.again():
        with watch.lap():
            frame = pd.read_parquet(file_of(place, MANY, "staged"))
            for column in ("total_eur", "discount_eur"):
                frame[column] = pd.to_numeric(frame[column], errors="coerce")
            for column in ("ordered_at", "updated_at"):
                frame[column] = pd.to_datetime(frame[column], errors="coerce", utc=True)
            found = batch.get_batch({"dataframe": frame}).validate(suite, result_format="COMPLETE")
    return len(found.results)
