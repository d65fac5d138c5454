"""Extraction: every record of a window, tidied, into staging files; nothing is published yet."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from typing import IO, TYPE_CHECKING, Any

import orjson

from audience.core.connection import Connection
from audience.core.errors import DeclarationError, SchemaChanged, nearest
from audience.core.lake import Lake
from audience.core.partition import Partition, Window
from audience.core.tables import ENTITIES
from audience.sources.contract.columns import Columns
from audience.sources.contract.cursors import Unusable
from audience.sources.contract.declaration import Row, Source, Stream, Unreadable

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

BROKEN = "_broken"
"""Staging file of records that could not be tidied."""

EXTRA = "extra"
"""Column of fields that the source file does not know."""

_FIELDS = {name: frozenset(table.staged_names) for name, table in ENTITIES.items()}

_LONGEST_LINE = 4 << 20
"""Bytes a row may have and a broken record keeps; escaping can double them, and DuckDB reads lines of 16 MB."""

_CHANGED_RECORDS, _CHANGED_SHARE = 10, 0.5
"""A stream stops when at least so many, and more than this share, of its records differ in the same way: that is no
broken record, the system has changed."""


@dataclass(frozen=True)
class Extraction:
    """Where the records of one extraction wait, and how many rows they gave.

    Args:
        folder: below the lake's staging area; holds `<entity>.<stream>.ndjson` files, and `.parquet` beside them for the
            rows that were taken by whole batches.
        first, last: the days of the window, both included.
        rows: rows by entity; `_broken` counts the records that could not be tidied.
        outside: records that the system gave although they are not of the window.
        added: fields that records have and the source file does not know, by stream.
    """

    source: str
    folder: str
    first: Partition
    last: Partition
    rows: dict[str, int]
    outside: int = 0
    added: dict[str, list[str]] = field(default_factory=dict)


def extract(source: Source, connection: Connection, lake: Lake, *, first: Partition, last: Partition) -> Extraction:
    """Fetches days first..last of every stream side by side and stages their rows.

    Doing it again replaces the staged files; a half-done extraction is not seen by anybody.

    Raises:
        SourceUnavailable, SourceRefused, SourceReplyInvalid: as the errors of a source say; nothing is staged then.
        SchemaChanged: most records of a stream differ from what its file declares; nothing is staged then.
        DeclarationError: a `tidy` yields an entity or a column that is not declared; nothing is staged then.
    """
    folder = f"{source.name}/{first}_{last}"
    with closing(source.system.open(connection)) as client, ExitStack() as opened:
        readings = []
        for stream in source.streams:
            names = {e: f"{folder}/{e}.{stream.name}.ndjson" for e in (*stream.entities, BROKEN)}
            files = {entity: opened.enter_context(lake.stage(name)) for entity, name in names.items()}
            bulk = None
            if isinstance(stream.tidy, Columns):
                file = opened.enter_context(lake.stage(f"{folder}/{stream.tidy.entity}.{stream.name}.parquet"))
                bulk = opened.enter_context(_writer(file, stream.tidy.staged))
            readings.append(Reading(source.name, stream, first, last, files, bulk=bulk))
        # The files appear when this block ends: all of them, or none when a stream fails.
        with ThreadPoolExecutor(max_workers=len(readings), thread_name_prefix=source.name) as threads:
            for _ in threads.map(lambda reading: reading.run(client), readings):
                pass
    rows = sum((r.rows for r in readings), Counter(dict.fromkeys((*source.entities, BROKEN), 0)))
    return Extraction(
        source.name, folder, first, last,
        rows={e: rows[e] for e in (*source.entities, BROKEN)},
        outside=sum(r.outside for r in readings),
        added={r.stream.name: sorted(r.added) for r in readings if r.added},
    )  # fmt: skip


class Reading:
    """One stream being read: its rows go to the files, its numbers stay here."""

    def __init__(
        self, source: str, stream: Stream, first: Partition, last: Partition, files: dict[str, IO[bytes]],
        *, bulk: "ParquetWriter | None" = None,
    ) -> None:  # fmt: skip
        self.source, self.stream, self.files, self.bulk = source, stream, files, bulk
        self.window = Window(first.plus(-stream.reread_days).window.start, last.window.end)
        self.last = last
        self.rows: Counter[str] = Counter()
        self.records = self.outside = self.place = 0
        self.added: set[str] = set()
        self._differences: Counter[str] = Counter()

    def run(self, client: Any) -> None:
        """Reads every record of the window. Raises as `extract` does."""
        import pyarrow as pa

        schema = self.stream.schema
        for found in self.stream.fetch(client, self.window):
            if isinstance(found, pa.RecordBatch):
                self._take_batch(found)
            elif isinstance(found, Unreadable):
                self._take_unreadable(found)
            else:
                self._take(found, schema.problem(found))
        self._stop_if_changed()

    def _stop_if_changed(self) -> None:
        for difference, records in self._differences.most_common(1):
            if records >= _CHANGED_RECORDS and records > _CHANGED_SHARE * self.records:
                raise SchemaChanged(
                    f"{self.source}: {self.stream.name}: {difference} ({records} of {self.records} records); the system"
                    " has changed: nothing was loaded, the last good partitions stay in use, mend the source file"
                )

    def _take(self, record: Any, problem: str | None) -> None:
        day = self.window.start.date()
        try:
            if problem is not None:
                self._differences[problem] += 1
                day = self._day_of_a_broken(record)
                raise Unusable(problem)
            moment = self.stream.moment(record)
            if moment is not None and moment not in self.window:
                self.outside += 1
                return
            self.records += 1
            day = self.last.day if moment is None else moment.date()
            lines = self.lines(record, day.isoformat())
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self.records += problem is not None
            self._set_aside(record, reason_of(error), day)
            return
        for entity, line in lines:
            self.files[entity].write(line)
            self.rows[entity] += 1
        self.place += len(lines)

    def _take_batch(self, batch: "pa.RecordBatch") -> None:
        """The records of a batch as if each had been taken, without a loop over those that are as declared."""
        import pyarrow as pa
        import pyarrow.compute as pc

        columns, schema = self.stream.tidy, self.stream.schema
        if not isinstance(columns, Columns) or self.bulk is None:
            for record in batch.to_pylist():
                self._take(record, schema.problem(record))
            return
        certain = columns.certain(batch, longest=_LONGEST_LINE)
        moments = self.stream.moments(batch)
        if moments is None:
            inside, day = certain, pa.repeat(self.last.key, batch.num_rows)
        else:
            certain = pc.and_(certain, moments.is_valid())
            inside, day = pc.and_(certain, _within(moments, self.window)), moments.cast(pa.date32()).cast(pa.string())
        doubtful = pc.invert(certain)
        kept = pc.or_(inside, doubtful)
        place = pc.add(pc.cumulative_sum(kept.cast(pa.int64())), self.place - 1)
        after = self.place + kept.true_count
        self.outside += batch.num_rows - kept.true_count

        if inside.true_count:
            rows = batch.filter(inside)
            staged = columns.rows(
                rows, day=day.filter(inside), position=place.filter(inside), extra=self._extra_of(rows)
            )
            self.bulk.write_batch(staged)
            self.records += rows.num_rows
            self.rows[columns.entity] += rows.num_rows
        for record, self.place in zip(
            batch.filter(doubtful).to_pylist(), place.filter(doubtful).to_pylist(), strict=True
        ):
            self._take(record, schema.problem(record))
        self.place = after
        if not certain.true_count:
            self._stop_if_changed()

    def _extra_of(self, rows: "pa.RecordBatch") -> "pa.Array":
        """The fields that the source file does not know, as JSON."""
        import pyarrow as pa

        unknown = [n for n in rows.schema.names if n not in self.stream.schema.fields and n not in self.stream.ignores]
        if not unknown:
            return pa.nulls(rows.num_rows)
        self.added |= set(unknown)
        return pa.array([_json(fields) for fields in rows.select(unknown).to_pylist()])

    def _take_unreadable(self, found: Unreadable) -> None:
        day = found.day or self.last.day
        if not self.window.start.date() <= day < self.window.end.date():
            self.outside += 1
            return
        self._differences[found.reason] += 1
        self.records += 1
        self._set_aside(found.as_it_came, found.reason, day, kind="unreadable")

    def _set_aside(self, record: Any, reason: str, day: date, *, kind: str = "record") -> None:
        # As ASCII, because a text may hold what UTF-8 cannot: half a surrogate pair.
        try:
            as_it_came = json.dumps(record, default=str)[:_LONGEST_LINE]
        except RecursionError:
            # Another extraction of the whole is needed: what is kept is not the record.
            as_it_came, kind = json.dumps(_shallow(record), default=str)[:_LONGEST_LINE], "unreadable"
        reason = f"{self.stream.name}: {reason}"
        broken: dict[str, object] = {
            "entity": self.stream.entities[0],
            "kind": kind,
            "reason": reason,
            "row": as_it_came,
        }
        self.files[BROKEN].write(line(day.isoformat(), self.place, broken))
        self.rows[BROKEN] += 1
        self.place += 1

    def _day_of_a_broken(self, record: Any) -> Any:
        """The day of its change where it says so, else the last one. It is kept, whatever the day."""
        try:
            moment = self.stream.moment(record)
        except (KeyError, TypeError, ValueError, AttributeError):
            moment = None
        return moment.date() if moment is not None and moment in self.window else self.last.day

    def lines(self, record: Any, day: str) -> list[tuple[str, bytes]]:
        """The rows of one record as lines of JSON."""
        rows = list(self.stream.tidy(record))
        _check(self.stream, rows)
        unknown = self.stream.schema.added(record, self.stream.ignores)
        if unknown:
            self.added |= unknown.keys()
            if rows:
                entity, row = rows[0]
                rows[0] = (entity, row | {EXTRA: _json(unknown)})
        lines = [(e, line(day, self.place + n, row)) for n, (e, row) in enumerate(rows)]
        if any(len(line) > _LONGEST_LINE for _, line in lines):
            raise Unusable("a row is too long")
        return lines


def _shallow(value: Any, levels: int = 100) -> Any:
    """A value without what lies deeper than some levels."""
    if isinstance(value, dict):
        return {k: _shallow(v, levels - 1) for k, v in value.items()} if levels else {}
    if isinstance(value, list):
        return [_shallow(v, levels - 1) for v in value] if levels else []
    return value


def _writer(file: IO[bytes], schema: "pa.Schema") -> "ParquetWriter":
    from pyarrow.parquet import ParquetWriter

    # Read once and thrown away: dictionaries would take a third more time, and zstd finds what repeats.
    return ParquetWriter(file, schema, compression="zstd", use_dictionary=False)


def _within(moments: "pa.Array", window: Window) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    start, end = pa.scalar(window.start), pa.scalar(window.end)
    return pc.fill_null(pc.and_(pc.greater_equal(moments, start), pc.less(moments, end)), False)


def _json(fields: dict[str, object]) -> str:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()


def line(day: str, position: int, row: dict[str, object]) -> bytes:
    """Raises TypeError for a value that JSON in UTF-8 cannot hold."""
    return orjson.dumps({"_day": day, "_position": position} | row, option=orjson.OPT_APPEND_NEWLINE)


def _check(stream: Stream, rows: list[Row]) -> None:
    for entity, row in rows:
        if entity not in stream.entities:
            raise DeclarationError(f"stream {stream.name}", f"tidy yields {entity!r}{nearest(entity, stream.entities)}")
        if not row.keys() <= _FIELDS[entity]:
            unknown = sorted(row.keys() - _FIELDS[entity])
            problem = f"tidy yields {entity} with {unknown[0]!r}{nearest(unknown[0], _FIELDS[entity])}"
            raise DeclarationError(f"stream {stream.name}", problem)


def reason_of(error: Exception) -> str:
    """Why a record is broken, without its values."""
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, KeyError) and str(error.args[0]).isidentifier():
        return f"no field {error.args[0]!r}"
    return type(error).__name__
