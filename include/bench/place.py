"""Where a run keeps its data, how large they are, and which PostgreSQL it uses."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from audience.core.masked import Secret
from audience.core.partition import Partition

DAY = Partition.parse("2026-11-20")
"""The last day of the data, always the same, so that grown data can be kept."""

KEY = Secret("a-pseudonym-key-for-benchmarks-only-0123456789")

LAPS = 3


@dataclass(frozen=True)
class Place:
    """One size of data in one folder.

    Args:
        people: buyers; 15 % prospects come on top.
        events: orders and e-mail events together; None: as many as the real shape gives, about 70 per buyer.
        server_url: a PostgreSQL server on which databases may be made.
        laps: how often a way is repeated, of which the best counts.
    """

    folder: Path
    people: int
    events: int | None
    server_url: str
    laps: int = LAPS

    @property
    def data(self) -> Path:
        return self.folder / "data" / f"people={self.people}-events={self.events or 'real'}-until={DAY}"

    def file(self, name: str) -> str:
        """Path of one input, such as `orders`."""
        return str(self.data / f"{name}.parquet")

    def database(self, name: str) -> str:
        """Name of a database of this folder: benchmarks in two folders may share a server."""
        return f"bench_{name}_{zlib.crc32(str(self.folder).encode()):08x}"
