"""Replay: quarantined records go through their stream's `tidy` again, into staging files; nothing is published yet."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import ROWS_PER_RECORD
from audience.sources.contract.cursors import Unusable
from audience.sources.contract.declaration import Source, Stream
from audience.sources.contract.extraction import BROKEN, Reading, line, reason_of


@dataclass(frozen=True)
class Waiting:
    """One quarantined record: its number in the replay, its stream, the partition it waits in, its JSON as it came."""

    number: int
    stream: str
    partition: Partition
    row: str


def tidy_again(source: Source, lake: Lake, folder: str, records: Iterable[Waiting]) -> None:
    """Stages what the records become now, in files like those of an extraction.

    Row `n` of record `r` stands at the place `r * ROWS_PER_RECORD + n`, so that each row tells its record. A record that
    still fails is a line of `_broken.<stream>.ndjson` with its new reason. One record is in memory at a time.

    A row belongs to the day on which its record changed, as in an extraction, or to the record's partition where the
    record does not say. A record that changed after its partition fails: landed there, the past would know the future.
    """
    streams = {stream.name: stream for stream in source.streams}
    with ExitStack() as opened:
        readings: dict[str, Reading] = {}
        gone = opened.enter_context(lake.stage(f"{folder}/{BROKEN}.{BROKEN}.ndjson"))
        for one in records:
            if one.stream not in streams:
                gone.write(_failure(one, f"{source.name} has no stream {one.stream!r} any more"))
                continue
            if one.stream not in readings:
                stream = streams[one.stream]
                names = {e: f"{folder}/{e}.{stream.name}.ndjson" for e in (*stream.entities, BROKEN)}
                files = {entity: opened.enter_context(lake.stage(name)) for entity, name in names.items()}
                readings[one.stream] = Reading(source.name, stream, one.partition, one.partition, files)
            _take(readings[one.stream], one)


def _take(reading: Reading, one: Waiting) -> None:
    try:
        record = _read(one.row)
        problem = reading.stream.schema.problem(record)
        if problem is not None:
            raise Unusable(problem)
        day = _day(reading.stream, record, one.partition)
        reading.place = one.number * ROWS_PER_RECORD
        lines = reading.lines(record, day.isoformat())
        if len(lines) > ROWS_PER_RECORD:
            raise Unusable(f"becomes more than {ROWS_PER_RECORD} rows")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reading.files[BROKEN].write(_failure(one, f"{one.stream}: {reason_of(error)}"))
        return
    for entity, written in lines:
        reading.files[entity].write(written)


def _read(row: str) -> object:
    try:
        return json.loads(row)
    except ValueError:
        raise Unusable("was too long to be kept whole") from None


def _day(stream: Stream, record: object, partition: Partition) -> date:
    moment = stream.moment(record)
    if moment is None:
        return partition.day
    if moment >= partition.as_of:
        raise Unusable("changed after the partition that it waits in")
    return moment.date()


def _failure(one: Waiting, reason: str) -> bytes:
    return line(one.partition.key, one.number * ROWS_PER_RECORD, {"reason": reason})
