"""A database as recorded: the `sql` of a stream, run in a database of its own on a real server.

connection: {server: mariadb, extra: {...}}     # or postgresql
streams:
  orders:
    sql: [CREATE TABLE ..., INSERT INTO ...]
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from databases import Database, database
from replay import Recording

from audience.core.connection import Connection
from audience.core.partition import Window


@dataclass(frozen=True)
class Replayed:
    """What tests ask of a Replay; a database refuses itself what it has no answer to, so nothing is unexpected."""

    database: Database
    recording: Recording
    window: Window
    asked: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def connection(self) -> Connection:
        return self.database.connection(self.recording.source, **self.recording.connection("").extra)


@contextmanager
def replaying(recording: Recording, stream: str, window: Window, *, empty: bool = False) -> Iterator[Replayed]:
    """The recorded tables with their rows; `empty`: without."""
    statements = recording.said["streams"][stream]["sql"]
    with database(recording.said["connection"]["server"]) as found:
        found.run(*(s for s in statements if not (empty and s.lstrip().upper().startswith("INSERT"))))
        yield Replayed(found, recording, window)
