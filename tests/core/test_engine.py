"""Sessions of the engine: equal queries are written once, and what is remembered of them holds nobody's rows."""

import ibis
import ibis.expr.operations as ops
import pytest
from ibis.backends.duckdb import Backend

from audience.core import engine as of_engine
from audience.core.engine import engine, keep
from audience.core.reading import view


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_engine, "_QUERIES", {})


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that ibis was asked to write."""
    queries: list[str] = []
    compile_ = Backend.compile

    def noted(self: Backend, expr: ibis.Expr, /, **more: object) -> str:
        queries.append(compile_(self, expr, **more))
        return queries[-1]

    monkeypatch.setattr(Backend, "compile", noted)
    return queries


def people(session: Backend, *ages: int) -> ibis.Table:
    values = ", ".join(f"({age})" for age in ages)
    return view(session, f"SELECT * FROM (VALUES {values}) AS t (age)", ibis.schema({"age": "int32"}))


def older(session: Backend, rows: ibis.Table, than: int) -> list[int]:
    found: list[int] = session.to_pyarrow(keep(session, rows.filter(rows.age > than)).order_by("age"))[
        "age"
    ].to_pylist()
    return found


def test_an_equal_query_is_written_once_and_gives_each_session_its_own_rows(written: list[str]) -> None:
    with engine() as first:
        assert older(first, people(first, 20, 30, 40), 25) == [30, 40]
    once = len(written)
    with engine() as second:
        assert older(second, people(second, 10, 50), 25) == [50]
    assert len(written) == once


def test_another_value_is_another_query() -> None:
    for than, expected in ((25, [30, 40]), (35, [40]), (-1, [20, 30, 40]), (-2, [20, 30, 40])):
        with engine() as session:
            assert older(session, people(session, 20, 30, 40), than) == expected


def test_tables_of_one_session_have_names_of_their_own() -> None:
    with engine() as session:
        tables = [keep(session, people(session, age)) for age in (1, 2, 3)]
        assert [session.to_pyarrow(one)["age"].to_pylist() for one in tables] == [[1], [2], [3]]


def test_no_query_is_remembered_that_holds_rows() -> None:
    with engine() as session:
        rows = ibis.memtable({"age": [33]})
        assert session.to_pyarrow(people(session, 33, 34).semi_join(rows, "age"))["age"].to_pylist() == [33]
        keep(session, rows)
    assert not any(asked.find(ops.InMemoryTable) for asked in of_engine._QUERIES)


def test_so_many_queries_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_engine, "MOST_QUERIES", 5)
    with engine() as session:
        rows = people(session, 20)
        for than in range(20):
            session.to_pyarrow(rows.filter(rows.age > than))
    assert 0 < len(of_engine._QUERIES) <= 5
