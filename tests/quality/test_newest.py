"""Of the versions of a key in a day the last one counts, however many rows there are and wherever they stand."""

import ibis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.table import Column, Table
from audience.quality.newest import mark_newest, of_several

GAUGE = Table("gauge", "one reading", (Column("name", "text", "whose", required=True),), key=("name",))

ROW = st.fixed_dictionaries(
    {
        "_day": st.sampled_from(["2026-11-19", "2026-11-20"]),
        "_stream": st.sampled_from(["a", "b"]),
        "_reason": st.sampled_from([None, None, "name: missing"]),
        "name": st.sampled_from(["g", "h", "🦉"]),
    }
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=30))
def test_the_newest_are_those_that_plain_python_finds(duck: Backend, rows: list[dict[str, str | None]]) -> None:
    placed = [row | {"_position": str(n)} for n, row in enumerate(rows)]
    last: dict[tuple[str | None, str | None], tuple[str | None, int]] = {}
    for row in placed:
        if row["_reason"] is None:
            key, place = (row["_day"], row["name"]), (row["_stream"], int(str(row["_position"])))
            last[key] = max(last.get(key, place), place)  # type: ignore[type-var]
    expected = {
        row["_position"]
        for row in placed
        if row["_reason"] or last[row["_day"], row["name"]] == (row["_stream"], int(str(row["_position"])))
    }
    names = ("_day", "_stream", "_position", "_reason", "name")
    told = ibis.memtable([tuple(r[n] for n in names) for r in placed], schema=dict.fromkeys(names, "string"))
    marked = duck.to_pyarrow(mark_newest(duck, keep(duck, told), GAUGE)).to_pylist()
    assert len(marked) == len(rows)
    assert {row["_position"] for row in marked if row["_is_newest"]} == expected


def test_rows_of_a_key_that_comes_twice_are_found_among_a_million(duck: Backend) -> None:
    duck.raw_sql("CREATE VIEW many AS SELECT (n % 999999)::VARCHAR AS key FROM range(1000000) AS r (n)")
    assert duck.to_pyarrow(of_several(duck, duck.table("many"), ("key",))).to_pylist() == [{"key": "0"}] * 2
