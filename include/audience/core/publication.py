"""A published file of the lake: how it is named, and the content of the days in it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ibis.backends.duckdb import Backend

from audience.core.errors import NotOfTheTable
from audience.core.partition import Partition
from audience.core.table import Table

DAY = "_day"
"""The column of generational tables with the key of a row's partition."""

_FOLDER = re.compile(r"^partition=(?P<first>[0-9-]{10})(_(?P<last>[0-9-]{10}))?$")
_FILE = re.compile(r"^(?P<sequence>\d{4,})-(?P<hash>[0-9a-f]{32})\.parquet$")


@dataclass(frozen=True, order=True)
class Publication:
    """One file of one table, with rows of days from `first` to `last`; not each day between them needs to have some."""

    table: str
    first: Partition
    last: Partition
    sequence: int
    content_hash: str

    @property
    def is_of_one_day(self) -> bool:
        return self.first == self.last

    @property
    def path(self) -> str:
        days = f"{self.first}" if self.is_of_one_day else f"{self.first}_{self.last}"
        return f"{self.table}/partition={days}/{self.sequence:04d}-{self.content_hash}.parquet"


def days_of(folder: str) -> tuple[Partition, Partition] | None:
    """First and last day of a folder `partition=...`; None for any other folder."""
    found = _FOLDER.match(folder)
    return (Partition.parse(found["first"]), Partition.parse(found["last"] or found["first"])) if found else None


def sequence_and_hash(file: str) -> tuple[int, str] | None:
    """Sequence and content hash of a published file; None for any other file."""
    found = _FILE.match(file)
    return (int(found["sequence"]), found["hash"]) if found else None


class Content(NamedTuple):
    """How many rows a day has in a file, and a hash of them."""

    rows: int
    hash: str


def contents(session: Backend, table: Table, url: str, *, by: str | None = None) -> dict[str, Content]:
    """The content of each value of the column `by`, or of the whole file under "".

    The hash does not depend on the order of the rows. Keys are unique, so xor over the hashes of the rows cannot cancel
    two equal rows.

    Raises:
        NotOfTheTable: a key stands in two rows.
    """
    place = url.replace("'", "''")
    key = ", ".join(f'"{c}"' for c in table.key)
    columns = ", ".join(f'"{c}" := "{c}"' for c in table.names)
    part, rows = by or "''", f"read_parquet('{place}', hive_partitioning = false)"
    # Hashes take less memory than keys, and where all of them differ, so do the keys.
    query = f"""
        SELECT {part} AS part, count(*), count(DISTINCT hash({key})),
               bit_xor(md5_number(CAST(struct_pack({columns}) AS VARCHAR)))
        FROM {rows} GROUP BY part
    """
    found = session.con.execute(query).fetchall()
    if any(count != hashes for _, count, hashes, _ in found):
        _refuse_repeated_keys(session, table, f"SELECT count(*), count(DISTINCT ({key})) FROM {rows} GROUP BY {part}")
    return {str(part): Content(int(count), _hash(table, count, digest)) for part, count, _, digest in sorted(found)}


def _refuse_repeated_keys(session: Backend, table: Table, query: str) -> None:
    for count, keys in session.con.execute(query).fetchall():
        if count != keys:
            raise NotOfTheTable(f"{table.name}: {count - keys} of {count} rows repeat the key ({', '.join(table.key)})")


def no_content(table: Table) -> Content:
    return Content(0, _hash(table, 0, 0))


def of_several(days: Mapping[Partition, str]) -> str:
    """The content hash of a file with several days, from theirs."""
    together = "\n".join(f"{day} {days[day]}" for day in sorted(days))
    return hashlib.sha256(together.encode()).hexdigest()[:32]


def _hash(table: Table, rows: int, digest: int) -> str:
    return hashlib.sha256(f"{table.name}{table.names}{rows}{digest}".encode()).hexdigest()[:32]
