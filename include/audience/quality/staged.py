"""Staged files as tables of texts."""

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

BROKEN = "_broken"
"""Staged records that their source could not tidy."""


def texts(session: Backend, file: str, columns: tuple[str, ...]) -> ir.Table:
    """A staged file as texts, whether its rows were written as lines of JSON or as whole batches."""
    if file.endswith(".ndjson"):
        return session.read_json(file, columns=dict.fromkeys(columns, "VARCHAR"), format="newline_delimited")
    rows = session.read_parquet(file)
    none = ibis.null("string")
    return rows.select(**{c: rows[c].cast("string") if c in rows.columns else none for c in columns})


def together(tables: list[ir.Table]) -> ir.Table:
    """Tables of the same columns as one."""
    return tables[0] if len(tables) == 1 else ibis.union(*tables)
