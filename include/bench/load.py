"""Segment tables: our load of a day's members, COPY of the same rows, and SQLAlchemy's executemany."""

from typing import TYPE_CHECKING, Any

from bench.measure import AnswersDiffer, Step, Stopwatch, Usual, run
from bench.place import DAY, Place
from bench.rule_book import fifty_rules
from bench.town import fresh_warehouse, one, tidy

if TYPE_CHECKING:
    import pyarrow as pa

    from audience.segments.segment import Segment

SAMPLE = 20_000
COLUMNS = "segment text, person_id text, entered_on date, left_on date"


def measure_load(place: Place) -> list[Step]:
    """From members in Arrow to the segment tables: a first load, and the next day when 1 % changed."""
    first, keyed = run(ours_first, place), run(with_keys, place)
    daily, bare = run(ours_daily, place), run(without_keys, place)
    many = run(usual, place)
    rows = _rows(place)
    if not first.answer == keyed.answer == bare.answer == [rows] or daily.answer != [rows, 2 * (rows // 200)]:
        raise AnswersDiffer(f"load: {rows} rows; {first.answer}, {daily.answer}, {keyed.answer}, {bare.answer}")
    usual_way = Usual.of("executemany", many, min(1.0, SAMPLE / rows))
    size = f"{rows:,} memberships of 50 segments"
    return [
        Step("load, first", size, first, keyed, "COPY, same table and keys", usual_way),
        Step("load, 1 % changed", size, daily, bare, "COPY, table without keys", usual_way),
    ]


def ours_first(place: Place, watch: Stopwatch) -> object:
    import sqlalchemy as sa

    from audience.segments.membership import load

    members, segments = _members(place), _segments()
    with fresh_warehouse(place, "load") as warehouse:
        while watch.again():
            with warehouse.begin() as connection:
                connection.execute(sa.text("TRUNCATE segments.membership, segments.evaluation"))
            tidy(warehouse)
            with watch.lap():
                load(warehouse, DAY, members, segments, place.people)
        with warehouse.begin() as connection:
            return one(connection, "SELECT count(*) FROM segments.membership WHERE left_on IS NULL")


def ours_daily(place: Place, watch: Stopwatch) -> object:
    """One day after the other, each with another half percent of the members gone and as many new."""
    from audience.segments.membership import load

    members, segments = _members(place), _segments()
    with fresh_warehouse(place, "load") as warehouse:
        load(warehouse, DAY, members, segments, place.people)
        day, moved = DAY, 0
        while watch.again():
            day = day.next
            members = _a_day_later(members, day.key)
            tidy(warehouse)
            with watch.lap():
                movements = load(warehouse, day, members, segments, place.people)
            moved = sum(m.entered + m.left for m in movements.values())
        with warehouse.begin() as connection:
            return [*one(connection, "SELECT count(*) FROM segments.membership WHERE left_on IS NULL"), moved]


def with_keys(place: Place, watch: Stopwatch) -> object:
    return _copied(place, watch, "segments.membership", "TRUNCATE segments.membership")


def without_keys(place: Place, watch: Stopwatch) -> object:
    bare = "segments.bare"
    return _copied(place, watch, bare, f"DROP TABLE IF EXISTS {bare}; CREATE TABLE {bare} ({COLUMNS})")


def _copied(place: Place, watch: Stopwatch, table: str, emptying: str) -> object:
    """COPY of CSV that Arrow writes, into an empty table."""
    import io

    import pyarrow as pa
    import pyarrow.csv
    import sqlalchemy as sa

    members = _members(place)
    rows = members.append_column("entered_on", pa.repeat(pa.scalar(DAY.day), members.num_rows))
    with fresh_warehouse(place, "load") as warehouse:
        while watch.again():
            with warehouse.begin() as connection:
                connection.execute(sa.text(emptying))
            with watch.lap():
                with warehouse.begin() as connection:
                    cursor: Any = connection.connection.cursor()
                    with cursor.copy(f"COPY {table} (segment, person_id, entered_on) FROM STDIN (FORMAT csv)") as copy:
                        text = io.BytesIO()
                        pyarrow.csv.write_csv(rows, text, pyarrow.csv.WriteOptions(include_header=False))
                        copy.write(text.getbuffer())
        with warehouse.begin() as connection:
            return one(connection, f"SELECT count(*) FROM {table}")


def usual(place: Place, watch: Stopwatch) -> object:
    """The same table with its keys, filled with INSERTs as most ORMs do it."""
    import sqlalchemy as sa

    from audience.core.warehouse.models import Membership

    sample = _members(place).slice(0, SAMPLE).to_pylist()
    rows = [row | {"entered_on": DAY.day} for row in sample]
    with fresh_warehouse(place, "load") as warehouse:
        while watch.again():
            with warehouse.begin() as connection:
                connection.execute(sa.text("TRUNCATE segments.membership"))
            with watch.lap():
                with warehouse.begin() as connection:
                    connection.execute(sa.insert(Membership), rows)
    return len(rows)


def _members(place: Place) -> "pa.Table":
    """Who satisfies which of the fifty rules."""
    import duckdb

    union = " union all ".join(
        f"select '{r.name}' as segment, person_id from people where {r.sql}" for r in fifty_rules()
    )
    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    con.execute(f"create view people as from read_parquet('{place.file('people')}')")
    return con.sql(f"select * from ({union}) order by all").to_arrow_table()


def _rows(place: Place) -> int:
    return int(_members(place).num_rows)


def _a_day_later(members: "pa.Table", day: str) -> "pa.Table":
    """Every 200th row is somebody else."""
    import duckdb

    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    con.register("members", members)
    return con.sql(
        f"""
        with numbered as (select *, row_number() over (order by segment, md5(person_id || '{day}')) as n from members)
        select segment, if(n % 200 = 0, md5(person_id || segment || '{day}'), person_id) as person_id from numbered
        """
    ).to_arrow_table()


def _segments() -> "list[Segment]":
    from audience.segments.segment import Expect, Segment

    return [
        Segment(
            r.name, "A segment", "", "email_marketing", r.rule, Expect((0, 10**9), 1.0), "click", "daily", ("brevo",)
        )
        for r in fifty_rules()
    ]
