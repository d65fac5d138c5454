"""What a simulated platform remembers: one SQLite file. Every accepted request is one committed transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Memory:
    """Opens the file, or makes it with these tables, all empty."""

    def __init__(self, path: Path, schema: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.executescript("pragma journal_mode = wal; pragma synchronous = normal;")
        self.db.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All the writes of one request, or none."""
        self.db.execute("begin immediate")
        try:
            yield self.db
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        return self.db.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        found = self.db.execute(query, values).fetchone()
        assert found is None or isinstance(found, sqlite3.Row)
        return found

    def one(self, query: str, *values: object) -> int:
        return int(self.db.execute(query, values).fetchone()[0])

    def forget(self) -> None:
        """Empties every table; numbers start again from 1."""
        names = [row["name"] for row in self.rows("select name from sqlite_master where type = 'table'")]
        with self.transaction() as db:
            for name in names:
                db.execute(f"delete from {name}")

    def many(self, query: str, rows: Iterable[tuple[object, ...]]) -> None:
        self.db.executemany(query, rows)
