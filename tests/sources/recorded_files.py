"""A folder as recorded: the `files` of a stream, written where the connection's folder is.

    files:
      orders-{day:%Y-%m-%d}.csv: "order_id,..."       # text as it stands; a name that ends in .gz is packed
      events_{day:%Y%m%d}.jsonl.gz: {lines: [{...}]}  # JSON objects, one per line
      contacts-{day:%Y-%m-%d}.parquet: {parquet: [{...}]}

`{day}` in a name is the last day of the window.
"""

import gzip
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from replay import Recording

from audience.core.connection import Connection
from audience.core.partition import Window


@dataclass(frozen=True)
class Folder:
    """What tests ask of a Replay; a folder answers everything, so nothing is unexpected."""

    path: Path
    recording: Recording
    window: Window
    asked: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def connection(self) -> Connection:
        return self.recording.connection(f"file://{self.path}")


@contextmanager
def replaying(recording: Recording, stream: str, window: Window, *, empty: bool = False) -> Iterator[Folder]:
    """The recorded files in a folder of their own; `empty`: the same files without records."""
    day = window.end - timedelta(days=1)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in recording.said["streams"][stream]["files"].items():
            file = Path(folder) / name.format(day=day)
            file.parent.mkdir(parents=True, exist_ok=True)
            said = written(file.name, content, empty)
            file.write_bytes(gzip.compress(said) if file.name.endswith(".gz") else said)
        yield Folder(Path(folder), recording, window)


def written(name: str, content: Any, empty: bool) -> bytes:
    if isinstance(content, str):
        header = content.splitlines(keepends=True)[:1] if ".csv" in name else []
        return "".join(header if empty else [content]).encode()
    ((form, records),) = content.items()
    if form == "lines":
        return b"" if empty else b"".join(json.dumps(record).encode() + b"\n" for record in records)
    assert form == "parquet", f"{name}: found {form!r}, expected text, lines or parquet"
    table = pa.Table.from_pylist(records)
    file = io.BytesIO()
    pq.write_table(table.slice(0, 0) if empty else table, file)
    return file.getvalue()
