"""DuckDB behind Ibis: the one-machine engine. The same Ibis expressions run on Spark."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import gettempdir

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend


@contextmanager
def engine(*, memory_limit: str = "2GB") -> Iterator[Backend]:
    """An empty in-memory DuckDB session in UTC; temporary data beyond `memory_limit` goes to disk."""
    session = ibis.duckdb.connect(memory_limit=memory_limit, temp_directory=f"{gettempdir()}/audience-{os.getpid()}")
    # Not a connect option: DuckDB loads its time zone data only after the session exists.
    session.raw_sql("SET TimeZone = 'UTC'")
    session.raw_sql("SET enable_progress_bar = false")
    try:
        yield session
    finally:
        session.disconnect()


def keep(session: Backend, rows: ir.Table) -> ir.Table:
    """Computes rows once and keeps them in a temporary table of the session, for expressions that read them often."""
    name, schema = ibis.util.gen_name("kept"), rows.schema()
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
    found: pa.RecordBatchReader = session.con.sql(ibis.to_sql(rows, dialect="duckdb")).to_arrow_reader(size)
    return found
