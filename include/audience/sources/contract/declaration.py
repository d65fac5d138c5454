"""What a source file declares."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from audience.core.errors import DeclarationError, nearest
from audience.core.partition import Partition, Window
from audience.core.system import System
from audience.core.tables import ENTITIES
from audience.core.trust import ORDINARY, Trust
from audience.sources.contract.columns import Columns
from audience.sources.contract.cursors import Epoch, Iso
from audience.sources.contract.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

Record = dict[str, Any]
"""One record as the system gave it."""

Row = tuple[str, dict[str, Any]]
"""A canonical entity's name and a row of it; values may still be texts, the declared table types them."""


@dataclass(frozen=True)
class Unreadable:
    """What a `fetch` yields in the place of a record that it cannot read: it is quarantined as it came.

    Args:
        reason: in words that may be shown: they never hold a value.
        as_it_came: where it stood and what stood there, as JSON can write it.
        day: what it belongs to; None: the last day of the window.
    """

    reason: str
    as_it_came: Any
    day: date | None = None


Deletions = Literal["in the record", "own stream", "never told"]
"""How a system says that a record is gone: a flag of the record, a stream of tombstones, or not at all."""


@dataclass(frozen=True)
class Stream:
    """One kind of record of a source.

    Args:
        name: what the system calls it.
        fetch: yields the records of a half-open window. It may yield more (APIs whose bounds are inclusive, whole days,
            the other end of a page): what lies outside is left out by the cursor. It must not yield less: for a record
            that it cannot read it yields Unreadable.
            Records may come in batches, `pyarrow.RecordBatch`.
        tidy: turns one record into rows of canonical entities. Its argument is annotated with a TypedDict (of
            `typing_extensions`), which is the schema that records are checked against before. A KeyError, TypeError,
            ValueError or AttributeError that it raises means a broken record, which is quarantined as it came; Unusable
            says why in its own words. Or Columns, where each record is a row already: whole batches are taken then
            without a loop over their records, to the same end.
        entities: the entities it may yield.
        cursor: what decides the day a record belongs to; a path means an ISO 8601 instant. None: the system always
            gives everything it has, which is then of the last day of the window.
        personal: paths of the record's fields that hold personal data; `[]` stands for each item of a list.
        deletions: how the system says that a record is gone.
        reread_days: days before the window that are fetched again, for records that arrive late. What is known
            already changes nothing.
        ignores: fields of the record that are known and not wanted; other unknown ones are kept in `extra` and reported.
    """

    name: str
    fetch: Callable[[Any, Window], Iterable[Any]]
    tidy: Callable[[Any], Iterator[Row]] | Columns
    entities: tuple[str, ...]
    cursor: str | Iso | Epoch | None
    personal: tuple[str, ...] = ()
    deletions: Deletions = "never told"
    reread_days: int = 0
    ignores: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for entity in self.entities:
            if entity not in ENTITIES:
                raise DeclarationError(f"stream {self.name}", f"no entity {entity!r}{nearest(entity, ENTITIES)}")
        if self.reread_days < 0 or (self.reread_days and self.cursor is None):
            raise DeclarationError(f"stream {self.name}", f"found reread_days={self.reread_days}, expected 0 or more"
                                   " days of a stream with a cursor")  # fmt: skip
        if isinstance(self.tidy, Columns):
            self._check_columns(self.tidy)

    def _check_columns(self, tidy: Columns) -> None:
        if self.entities != (tidy.entity,):
            raise DeclarationError(
                f"stream {self.name}", f"found entities={self.entities}, expected ({tidy.entity!r},)"
            )
        cursor = self.cursor if isinstance(self.cursor, str) or self.cursor is None else self.cursor.path
        for name in tidy.fields:
            if name not in (*tidy.names, cursor, *self.ignores):
                problem = f"{tidy.entity} has no column {name!r}{nearest(name, ENTITIES[tidy.entity].staged_names)}"
                raise DeclarationError(f"stream {self.name}", problem)

    @cached_property
    def schema(self) -> Schema:
        """The fields of a record. Raises DeclarationError when `tidy` does not say."""
        return Schema.of(self.tidy.record) if isinstance(self.tidy, Columns) else Schema.taken_by(self.tidy)

    def moment(self, record: Any) -> datetime | None:
        """When the record changed, UTC. Raises ValueError, TypeError or KeyError when it does not say."""
        cursor = Iso(self.cursor) if isinstance(self.cursor, str) else self.cursor
        return None if cursor is None else cursor(record)

    def records(self, client: Any, window: Window) -> Iterator[Any]:
        """What `fetch` yields, its batches taken apart."""
        import pyarrow as pa

        for found in self.fetch(client, window):
            if isinstance(found, pa.RecordBatch):
                yield from found.to_pylist()
            else:
                yield found

    def moments(self, batch: "pa.RecordBatch") -> "pa.Array | None":
        """When each record of a batch changed; null where one does not say. None: the stream has no cursor."""
        cursor = Iso(self.cursor) if isinstance(self.cursor, str) else self.cursor
        return None if cursor is None else cursor.moments(batch)


def check_name(name: str) -> None:
    """Raises DeclarationError for a name that does not fit files, tables, DAGs and connections."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or "__" in name:
        raise DeclarationError(f"source {name!r}", "expected a name such as 'shop' or 'web_shop'")


@dataclass(frozen=True)
class Source:
    """One source system.

    Args:
        name: of the source file, its tables, its DAG, its pool and its Airflow connection.
        title: for people.
        system: what kind of system it is: how to connect, and how fast it may be asked.
        streams: extracted side by side.
        cron: when the previous UTC day is fetched.
        required: whether the day's refresh waits for it.
        fresh_hours: how long after its end the newest published day may be the newest. A source that is later is late: of
            a required one people are alerted, an optional one is marked stale.
        trust: what its contacts are worth beside those of other sources.
    """

    name: str
    title: str
    system: System
    streams: tuple[Stream, ...]
    cron: str = "0 2 * * *"
    required: bool = False
    fresh_hours: int = 36
    trust: Trust = ORDINARY

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.fresh_hours <= (soonest := 24 + _hours_after_midnight(self.cron)):
            raise DeclarationError(
                f"source {self.name}",
                f"found fresh_hours={self.fresh_hours}, expected more than {soonest:g}: the next day is fetched then",
            )
        if not self.streams:
            raise DeclarationError(f"source {self.name}", "found no stream, expected at least one")

    @property
    def entities(self) -> tuple[str, ...]:
        return tuple(sorted({e for s in self.streams for e in s.entities}))

    def due_after(self, newest: Partition) -> datetime:
        """When a later day than this one has to be published."""
        return newest.as_of + timedelta(hours=self.fresh_hours)


def _hours_after_midnight(cron: str) -> float:
    """When in the day a daily schedule runs; 0 for one that runs more often."""
    minute, hour = cron.split()[:2]
    return int(hour) + int(minute) / 60 if minute.isdigit() and hour.isdigit() else 0.0
