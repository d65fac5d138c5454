"""DuckDB behind Ibis: the one-machine engine. The same Ibis expressions run on Spark."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from tempfile import gettempdir
from typing import Any, cast

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

MOST_QUERIES = 1_000
"""Queries that are remembered, at most: about 40 MB."""

_QUERIES: dict[ops.Node, str] = {}
"""Expressions over named tables alone, and how they are written."""

_HOLDERS = (ops.InMemoryTable, ops.DatabaseTable, ops.SQLQueryResult)
"""What holds rows or a session: nothing that is remembered has any of it."""


class Session(Backend):  # type: ignore[misc]  # ibis loads its backends untyped
    """Writes equal expressions once: for a small day, writing takes longer than running what is written.

    Its own tables are named in the order in which they are made, so what is computed again the same way is equal.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers = count()

    def compile(
        self, expr: ir.Expr, /, *, limit: int | None = None, params: Mapping[ir.Expr, Any] | None = None, pretty: bool = False
    ) -> str:  # fmt: skip
        asked, is_plain = expr.op(), limit is None and not params and not pretty
        if is_plain and (known := _QUERIES.get(asked)) is not None:
            return known
        query = str(super().compile(expr, limit=limit, params=params, pretty=pretty))
        if is_plain and not asked.find(_HOLDERS):
            if len(_QUERIES) >= MOST_QUERIES:
                _QUERIES.clear()
            _QUERIES[asked] = query
        return query


@contextmanager
def engine(*, memory_limit: str = "2GB") -> Iterator[Backend]:
    """An empty in-memory DuckDB session in UTC; temporary data beyond `memory_limit` goes to disk."""
    session = Session(memory_limit=memory_limit, temp_directory=f"{gettempdir()}/audience-{os.getpid()}")
    session.reconnect()
    # Not a connect option: DuckDB loads its time zone data only after the session exists.
    session.raw_sql("SET TimeZone = 'UTC'")
    session.raw_sql("SET enable_progress_bar = false")
    try:
        yield session
    finally:
        session.disconnect()


def new_name(session: Backend, kind: str) -> str:
    """A name that no table of a session of `engine` has yet."""
    return f"{kind}_{next(cast(Session, session).numbers)}"


def keep(session: Backend, rows: ir.Table) -> ir.Table:
    """Computes rows once and keeps them in a temporary table of the session, for expressions that read them often."""
    name, schema = new_name(session, "kept"), rows.schema()
    columns = ", ".join(f'"{column}" {session.compiler.type_mapper.to_string(kind)}' for column, kind in schema.items())
    session.raw_sql(f"CREATE TEMPORARY TABLE {name} ({columns})")
    # What ibis 12's create_table does; it copies the tree of a query before it writes it, and asks the engine what it made.
    session._run_pre_execute_hooks(rows)
    session.raw_sql(f"INSERT INTO {name} {session.compile(rows)}")
    return ibis.table(schema, name=name)


def batches(session: Backend, rows: ir.Table, *, size: int = 200_000) -> pa.RecordBatchReader:
    """Rows in parts of at most `size`, so that a caller needs the memory of one part.

    ibis 12's own `to_pyarrow_batches` calls a method that DuckDB 2 no longer has.
    """
    found: pa.RecordBatchReader = session.con.sql(session.compile(rows)).to_arrow_reader(size)
    return found
