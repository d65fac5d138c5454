"""One query counts what plain Python counts, whatever the rows are."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.core.errors import AudienceError
from audience.core.table import Column, Table
from audience.quality.expectation import (
    Between,
    Expectation,
    Fresh,
    Keeps,
    Matches,
    NotInFuture,
    NotNull,
    OneOf,
    Refers,
    Stable,
    SumsTo,
    Usable,
)
from audience.quality.one_pass import UNKNOWN, Group, Related, one_pass
from audience.quality.suites import of_columns
from rows import FRIDAY

SALE = Table(
    name="sale",
    grain="one sale",
    key=("name",),
    columns=(
        Column("name", "text", "whose", required=True),
        Column("buyer", "text", "who"),
        Column("pieces", "integer", "pieces"),
        Column("price_eur", "decimal", "price, EUR"),
        Column("kind", "text", "kind"),
        Column("is_new", "boolean", "new"),
        Column("sold_at", "instant", "when"),
        Column("made_on", "day", "made"),
    ),
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KNOWN_BUYERS = {"ana", "bo"}
GIVEN_TWICE = {"b", "🦉"}
SUMS = {("2026-11-20", "a"): Decimal("10.00"), ("2026-11-19", "b"): Decimal("-3.00")}

ROW = st.fixed_dictionaries(
    {
        "_day": st.sampled_from(["2026-11-19", "2026-11-20"]),
        "_reason": st.sampled_from([None, None, "pieces: missing", "kind: not of type text"]),
        "_is_newest": st.booleans(),
        "name": st.sampled_from(["a", "b", "c", "🦉", "ليلى"]),
        "buyer": st.sampled_from([None, "ana", "bo", "cy", "dé", "'; drop table"]),
        "pieces": st.one_of(st.none(), st.integers(-(2**40), 2**40), st.integers(-2, 12)),
        "price_eur": st.one_of(st.none(), st.decimals("-20", "20", places=2)),
        "kind": st.sampled_from([None, "x", "y", "z", "", "X9"]),
        "is_new": st.sampled_from([None, True, False]),
        "sold_at": st.one_of(
            st.none(), st.integers(-2_208_988_800, 4_102_444_800).map(lambda s: datetime.fromtimestamp(s, UTC))
        ),
        "made_on": st.one_of(st.none(), st.dates(date(1900, 1, 1), date(2100, 12, 31))),
        "_unusable_kind": st.booleans(),
    }
)

KEEPS = Keeps("pieces", by="name")
USABLE = Usable("kind")
REFERS = Refers("buyer", to="person", key="name")
HALF = Refers("buyer", to="person", key="name", severity="block", mostly=0.5)
SUMS_TO = SumsTo("price_eur", part="part", amount="amount_eur", by="name", within=0.5, within_share=0.1)
PIECES = Stable("pieces", edges=(-1, 0, 3, 10))
KIND = Stable("kind", values=("x", "y", "z", "", "X9"))
FORM = Stable("kind")
IS_NEW = Stable("is_new", values=("false", "true"))
FRESH = Fresh("sold_at", hours=24)


def off(row: Mapping[str, Any]) -> bool:
    total, price = SUMS.get((row["_day"], row["name"])), row["price_eur"]
    return total is not None and price is not None and abs(price - total) > max(Decimal("0.5"), abs(total) / 10)


BROKEN: dict[Expectation, Any] = {
    NotNull("pieces"): lambda r: r["pieces"] is None,
    Between("pieces", low=0, high=10): lambda r: r["pieces"] is not None and not 0 <= r["pieces"] <= 10,
    Between("price_eur", low=-1.5): lambda r: r["price_eur"] is not None and r["price_eur"] < Decimal("-1.5"),
    Between("made_on", low=date(1950, 1, 1)): lambda r: r["made_on"] is not None and r["made_on"] < date(1950, 1, 1),
    OneOf("kind", ("x", "y")): lambda r: r["kind"] is not None and r["kind"] not in ("x", "y"),
    Matches("kind", "^[a-z]$"): lambda r: r["kind"] is not None and (len(r["kind"]) != 1 or r["kind"] not in "xyz"),
    NotInFuture("sold_at"): lambda r: r["sold_at"] is not None and r["sold_at"] > FRIDAY.as_of,
    NotInFuture("made_on"): lambda r: r["made_on"] is not None and r["made_on"] > FRIDAY.as_of.date(),
    REFERS: lambda r: r["buyer"] is not None and r["buyer"] not in KNOWN_BUYERS,
    HALF: lambda r: r["buyer"] is not None and r["buyer"] not in KNOWN_BUYERS,
    SUMS_TO: off,
    USABLE: lambda r: r["_unusable_kind"],
    KEEPS: lambda r: r["name"] in GIVEN_TWICE,
}
"""What breaks each, said again in plain Python."""


def bucket(pieces: int | None) -> str:
    if pieces is None:
        return UNKNOWN
    return next((f"below {edge}" for edge in (-1, 0, 3, 10) if pieces < edge), "from 10")


def judged(rows: list[dict[str, Any]], table: Table = SALE) -> ibis.Table:
    marks = ibis.schema({"_day": "string", "_reason": "string", "_is_newest": "boolean", "_unusable_kind": "boolean"})
    schema = ibis.schema({**dict(marks.items()), **dict(table.schema.items())})
    return ibis.memtable(pa.Table.from_pylist(rows, schema=schema.to_pyarrow()))


def related(rows: list[dict[str, Any]]) -> Related:
    strangers = sorted({r["buyer"] for r in rows if r["buyer"] is not None} - KNOWN_BUYERS)
    orphans = ibis.memtable(pa.table({"value": pa.array(strangers, pa.string())}))
    sums = [{"_day": day, "name": name, "total": total} for (day, name), total in SUMS.items()]
    reused = ibis.memtable(pa.table({"value": sorted(GIVEN_TWICE)}))
    return Related(
        {("buyer", "person"): orphans}, {SUMS_TO: ibis.memtable(pa.Table.from_pylist(sums))}, {KEEPS: reused}
    )


def by_end(groups: list[Group]) -> dict[tuple[Any, ...], Group]:
    return {(g.day, g.reason, g.is_newest): g for g in groups}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(ROW, max_size=30))
def test_the_counts_of_one_pass_are_those_of_plain_python(rows: list[dict[str, Any]]) -> None:
    suite = [*BROKEN, PIECES, KIND, FORM, IS_NEW, FRESH]
    with engine(memory_limit="1GB") as duck:
        found = by_end(one_pass(duck, judged(rows), suite, related(rows), last=FRIDAY))
    assert found.keys() == {(r["_day"], r["_reason"], r["_is_newest"]) for r in rows}
    for end, group in found.items():
        of = [r for r in rows if (r["_day"], r["_reason"], r["_is_newest"]) == end]
        assert group.rows == len(of)
        assert group.broken == {e: sum(breaks(r) for r in of) for e, breaks in BROKEN.items()}
        assert group.histograms == {
            PIECES: Counter(bucket(r["pieces"]) for r in of),
            KIND: Counter(UNKNOWN if r["kind"] is None else r["kind"] for r in of),
            FORM: Counter(UNKNOWN if r["kind"] is None else r["kind"] for r in of),
            IS_NEW: Counter({None: UNKNOWN, True: "true", False: "false"}[r["is_new"]] for r in of),
        }
        times = [r["sold_at"] for r in of if r["sold_at"] is not None]
        assert group.newest == ({FRESH: max(times)} if times else {})


def test_no_rows_are_no_groups(duck: Backend) -> None:
    assert one_pass(duck, judged([]), [*BROKEN], related([]), last=FRIDAY) == []


def test_what_the_source_has_no_rows_of_is_not_asked(duck: Backend) -> None:
    row = {"_day": FRIDAY.key, "_reason": None, "_is_newest": True, "name": "a"}
    (group,) = one_pass(duck, judged([row]), [REFERS, SUMS_TO], Related(), last=FRIDAY)
    assert group.broken == {}


def test_a_value_that_a_parent_lacks_twice_is_two_rows_and_no_more(duck: Backend) -> None:
    row = {"_day": FRIDAY.key, "_reason": None, "_is_newest": True, "name": "a", "buyer": "cy"}
    (group,) = one_pass(duck, judged([row, row]), [REFERS], related([row]), last=FRIDAY)
    assert (group.rows, group.broken) == (2, {REFERS: 2})


def test_three_hundred_columns_are_one_pass(duck: Backend) -> None:
    columns = [Column("name", "text", "whose", required=True)]
    columns += [Column(f"c{n}", "integer", "pieces", at_least=0, at_most=10) for n in range(299)]
    wide = Table(name="wide", grain="one row", key=("name",), columns=tuple(columns))
    row = {"_day": FRIDAY.key, "_reason": None, "_is_newest": True, "name": "a"} | {f"c{n}": n for n in range(299)}
    (group,) = one_pass(duck, judged([row], wide), of_columns(wide), Related(), last=FRIDAY)
    assert sum(group.broken.values()) == 299 - 11


def test_ten_million_rows_are_counted_in_a_quarter_of_a_gigabyte() -> None:
    with engine(memory_limit="256MB") as duck:
        duck.raw_sql(
            f"CREATE VIEW many AS SELECT '{FRIDAY}' AS _day, NULL::VARCHAR AS _reason, TRUE AS _is_newest, n % 12 AS pieces"
            " FROM range(10000000) AS r (n)"
        )
        (group,) = one_pass(duck, duck.table("many"), [Between("pieces", high=10), PIECES], Related(), last=FRIDAY)
    assert (group.rows, group.broken) == (10_000_000, {Between("pieces", high=10): 833_333})


def test_an_expectation_that_cannot_be_evaluated_is_an_error_of_ours_that_names_it_and_no_value(duck: Backend) -> None:
    row = {"_day": FRIDAY.key, "_reason": None, "_is_newest": True, "name": "ana@secret.example"}
    with pytest.raises(AudienceError) as error:
        one_pass(duck, judged([row]), [NotNull("name"), Matches("name", "(")], Related(), last=FRIDAY)
    assert str(error.value).startswith("name matches (: could not be evaluated (")
    assert "secret" not in str(error.value) and error.value.__cause__ is None


def test_an_instant_at_the_end_of_the_partition_is_not_the_future(duck: Backend) -> None:
    row = {"_day": FRIDAY.key, "_reason": None, "_is_newest": True, "name": "a"}
    rows = [row | {"sold_at": FRIDAY.as_of}, row | {"sold_at": FRIDAY.as_of + timedelta(seconds=1)}]
    (group,) = one_pass(duck, judged(rows), [NotInFuture("sold_at")], Related(), last=FRIDAY)
    assert group.broken == {NotInFuture("sold_at"): 1}
