"""Takes rows out of published files: the one exception to files that never change, for what nobody may keep any more.

A file stays under its name, whose hash tells what was published, and holds the same rows without those. So no computed day
becomes stale by an erasure: computing a year anew because one person left would bring nothing back, and take days.
"""

from collections.abc import Callable

import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake

Whose = Callable[[ir.Table], ir.BooleanValue | None]
"""Which of a table's rows are meant, by the columns that it has; None: it has no column that could tell."""

FILE = "filename"
"""The column of `every_row` that names the file."""


def every_row(lake: Lake, session: Backend, table: str) -> ir.Table | None:
    """The rows of all files of a table, superseded ones too, each with its FILE; None when there is no file."""
    urls = [lake._url(file.path) for file in lake._published(table)]
    if not urls:
        return None
    lake.attach(session)
    return session.read_parquet(urls, filename=True, union_by_name=True, hive_partitioning=False)


def take_out(lake: Lake, session: Backend, table: str, whose: Whose) -> int:
    """Rewrites each file of a table that holds such rows, each whole or not at all. Returns how many rows are gone.

    Doing it again finds nothing. A reader that has opened a file goes on with what it opened.
    """
    rows = every_row(lake, session, table)
    meant = None if rows is None else whose(rows)
    if rows is None or meant is None:
        return 0
    paths = {lake._url(file.path): file.path for file in lake._published(table)}
    hit = session.to_pyarrow(rows.filter(meant.fill_null(False)).group_by(FILE).agg(rows=_.count()))
    for found in hit.to_pylist():
        _rewrite(lake, session, found[FILE], paths[found[FILE]], whose)
    return sum(hit["rows"].to_pylist())


def _rewrite(lake: Lake, session: Backend, url: str, path: str, whose: Whose) -> None:
    rows = session.read_parquet(url, hive_partitioning=False)
    meant = whose(rows)
    if meant is None:
        return
    aside = lake._aside()
    try:
        session.to_parquet(rows.filter(~meant.fill_null(False)), aside, compression="zstd")
        lake._appear(aside, path)
    finally:
        aside.unlink(missing_ok=True)
