"""A shelf: records already written as JSON, side by side in one file, sorted by (moment, id).

A window of time is then a range of positions, and any page of it is one slice of bytes: serving costs a copy, not a
serialisation.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_shelf(con: duckdb.DuckDBPyConnection, queries: list[str], *, folder: Path, name: str) -> int:
    """Writes a shelf and returns its number of records.

    queries   each gives `moment` (UTC timestamp), `id` (varchar, breaks ties) and `record` (one JSON document) in any
              order; no query gives a moment before one of the queries in front of it
    """
    moments: list[npt.NDArray[np.int64]] = []
    sizes: list[npt.NDArray[np.int64]] = []
    with (folder / f"{name}.records").open("wb") as file:
        for query in queries:
            rows = con.sql(
                f"select epoch_us(moment) as moment, record || ',' as record from ({query}) order by moment, id"
            )
            for batch in rows.to_arrow_reader(20_000):
                records = batch.column("record")
                _, offsets, data = records.buffers()
                wide = np.dtype(np.int64) if str(records.type).startswith("large") else np.dtype(np.int32)
                bounds = np.frombuffer(offsets, dtype=wide)[records.offset :][: len(records) + 1].astype(np.int64)
                file.write(memoryview(data)[bounds[0] : bounds[-1]])
                sizes.append(np.diff(bounds))
                moments.append(batch.column("moment").to_numpy().astype(np.int64))
    starts = np.concatenate([np.zeros(1, np.int64), *sizes]).cumsum()
    np.save(folder / f"{name}.starts.npy", starts)
    np.save(folder / f"{name}.moments.npy", np.concatenate([np.zeros(0, np.int64), *moments]))
    return len(starts) - 1


@dataclass(frozen=True)
class Shelf:
    """Read side. Positions run from 0 to `len(shelf)`; the file stays on disk and is mapped, not loaded."""

    moments: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    bytes_: mmap.mmap | bytes

    @classmethod
    def open(cls, folder: Path, name: str) -> Shelf:
        path = folder / f"{name}.records"
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
        moments = np.load(folder / f"{name}.moments.npy", mmap_mode="r")
        starts = np.load(folder / f"{name}.starts.npy", mmap_mode="r")
        return cls(moments, starts, content)

    def __len__(self) -> int:
        return len(self.moments)

    def window(self, start: datetime, end: datetime) -> tuple[int, int]:
        """First position, and first position after, of the records in the half-open window [start, end)."""
        low, high = np.searchsorted(self.moments, [_microseconds(start), _microseconds(end)], side="left")
        return int(low), max(int(low), int(high))

    def page(self, low: int, high: int) -> bytes:
        """The records from position `low` up to, not including, `high`: JSON documents separated by commas."""
        return self.bytes_[int(self.starts[low]) : max(int(self.starts[low]), int(self.starts[high]) - 1)]


def _microseconds(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
