"""What every source promises, shown with nothing but what is recorded of it (`tests/sources/recorded`)."""

import ast
import inspect
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import ibis
import pyarrow as pa
import pytest
import tenacity.nap
from ibis.backends.duckdb import Backend
from replay import Fault, Recording, Replay, replaying
from staging import staged

from audience.cli.pages.sources import said
from audience.core.errors import SchemaChanged, SourceError, SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.lake import Lake
from audience.core.partition import Partition, Window
from audience.core.tables import ENTITIES
from audience.quality.admission import judge, refused
from audience.sources.contract import Columns, Epoch, Extraction, Iso, Source, Stream, all_sources, extract, field
from key import KEY

STREAMS = [(source.name, stream.name) for source in all_sources() for stream in source.streams]
each_stream = pytest.mark.parametrize(("name", "stream_name"), STREAMS, ids=[f"{s}.{t}" for s, t in STREAMS])
each_source = pytest.mark.parametrize("source", all_sources(), ids=lambda s: s.name)

SPOKEN_TO = [(s, t) for s, t in STREAMS if Recording.of(s).kind(t) == "exchanges"]
each_http_stream = pytest.mark.parametrize(("name", "stream_name"), SPOKEN_TO, ids=[f"{s}.{t}" for s, t in SPOKEN_TO])


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def replayed(name: str, stream_name: str) -> Iterator[Replay]:
    recording = Recording.of(name)
    with replaying(recording, stream_name, window_of(stream_of(name, stream_name), recording.day)) as system:
        yield system


def source_of(name: str, stream: str) -> Source:
    """The source with one stream."""
    source = next(s for s in all_sources() if s.name == name)
    return replace(source, streams=tuple(s for s in source.streams if s.name == stream))


def stream_of(name: str, stream: str) -> Stream:
    return source_of(name, stream).streams[0]


def window_of(stream: Stream, day: Partition) -> Window:
    return Window(day.plus(-stream.reread_days).window.start, day.window.end)


def extracted(system: Replay, lake: Lake, name: str, stream: str, **changed: Any) -> Extraction:
    source = source_of(name, stream)
    source = replace(source, streams=(replace(source.streams[0], **changed),))
    day = system.recording.day
    return extract(source, system.connection(), lake, first=day, last=day)


def rows_of(lake: Lake, extraction: Extraction, entities: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """What was staged, without its place and without nulls."""
    found = {e: staged(lake, extraction, e) for e in entities}
    return {
        e: [{k: v for k, v in row.items() if v is not None and not k.startswith("_")} for row in rows]
        for e, rows in found.items()
        if rows
    }


def records_of(system: Replay, name: str, stream: str) -> list[Any]:
    """What `fetch` yields of the recorded replies."""
    source = source_of(name, stream)
    client = source.system.open(system.connection())
    try:
        return list(source.streams[0].records(client, system.window))
    finally:
        client.close()


def fetching(stream: Stream, records: list[Any]) -> Callable[[Any, Window], Iterator[Any]]:
    """A `fetch` that yields these records: in a batch where the stream takes whole batches."""
    whole = [pa.RecordBatch.from_pylist(records)] if isinstance(stream.tidy, Columns) else records
    return lambda _client, _window: iter(whole)


# -- what it asks, and what it makes of the answer --------------------------------------------------------------------


@each_stream
def test_it_asks_for_exactly_its_window_and_tidies_as_recorded(
    lake: Lake, replayed: Replay, name: str, stream_name: str
) -> None:
    extraction = extracted(replayed, lake, name, stream_name)
    assert replayed.unexpected == []
    assert staged(lake, extraction, "_broken") == []
    assert rows_of(lake, extraction, extraction_entities(name, stream_name)) == as_json(
        replayed.recording.rows(stream_name)
    )


@each_http_stream
def test_every_recorded_page_is_asked_for_once(lake: Lake, replayed: Replay, name: str, stream_name: str) -> None:
    extracted(replayed, lake, name, stream_name)
    assert len(replayed.asked) == len(replayed.recording.exchanges(stream_name))


@each_stream
def test_its_rows_are_admitted(lake: Lake, replayed: Replay, duck: Backend, name: str, stream_name: str) -> None:
    extraction = extracted(replayed, lake, name, stream_name)
    for entity in extraction_entities(name, stream_name):
        rows = staged(lake, extraction, entity)
        if rows:
            assert refusals(duck, entity, rows) == []


@each_stream
def test_the_next_day_is_asked_for_with_the_bounds_of_the_next_day(lake: Lake, name: str, stream_name: str) -> None:
    recording, stream = Recording.of(name), stream_of(name, stream_name)
    day = recording.day.next
    with replaying(recording, stream_name, window_of(stream, day)) as system:
        extraction = extract(source_of(name, stream_name), system.connection(), lake, first=day, last=day)
    assert system.unexpected == []
    if stream.cursor is not None and stream.reread_days == 0:
        assert sum(extraction.rows.values()) == 0, "the recorded records are of the day before"
        assert extraction.outside > 0 or recording.kind(stream_name) == "sql"  # a database leaves them out itself


@each_stream
def test_a_window_without_records_is_no_error(lake: Lake, name: str, stream_name: str) -> None:
    recording = Recording.of(name)
    with replaying(
        recording, stream_name, window_of(stream_of(name, stream_name), recording.day), empty=True
    ) as system:
        try:
            extraction = extracted(system, lake, name, stream_name)
        except SourceError as error:
            raise AssertionError(
                "a reply that tells how many records there are needs `empty:` in the recording"
            ) from error
    assert sum(extraction.rows.values()) == 0


@each_stream
def test_extracting_again_stages_the_same_bytes(lake: Lake, replayed: Replay, name: str, stream_name: str) -> None:
    def content() -> dict[str, list[dict[str, Any]]]:
        extraction = extracted(replayed, lake, name, stream_name)
        return {e: staged(lake, extraction, e) for e in extraction.rows}

    assert content() == content()


# -- the window ---------------------------------------------------------------------------------------------------------


@each_stream
def test_no_record_is_lost_or_comes_twice_at_the_bounds_of_two_adjacent_days(
    lake: Lake, replayed: Replay, name: str, stream_name: str
) -> None:
    """The system gives both days all of it, as APIs with inclusive bounds or whole days do."""
    stream = stream_of(name, stream_name)
    if stream.cursor is None:
        assert stream.reread_days == 0
        return  # it is always all of it: there are no bounds
    first = replayed.recording.day
    template = next(r for r in records_of(replayed, name, stream_name) if stream.schema.problem(r) is None)
    tick = tick_of(stream, template)
    moments = [first.window.start - tick, first.window.start, first.window.end - tick, first.window.end,
               first.next.window.end - tick, first.next.window.end]  # fmt: skip
    records = [moved(stream, template, moment) for moment in moments]
    assert [stream.moment(r) for r in records] == moments

    def days(day: Partition) -> Counter[str]:
        changed = replace(stream, fetch=fetching(stream, records), reread_days=0)
        source = replace(source_of(name, stream_name), streams=(changed,))
        extraction = extract(source, replayed.connection(), lake, first=day, last=day)
        assert extraction.outside == 4
        return Counter(r["_day"] for e in (*stream.entities, "_broken") for r in staged(lake, extraction, e)[:2])

    assert set(days(first)) == {first.key}
    assert set(days(first.next)) == {first.next.key}


# -- an answer that is no answer ----------------------------------------------------------------------------------------


@each_http_stream
@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_end_it_at_once_and_name_the_connection_never_the_secret(
    lake: Lake, replayed: Replay, waits: list[float], name: str, stream_name: str, status: int
) -> None:
    replayed.fault = Fault(status)
    with pytest.raises(SourceRefused, match=f"check connection '{name}'") as refusal:
        extracted(replayed, lake, name, stream_name)
    password = replayed.connection().password.reveal()
    assert not password or password not in str(refusal.value)
    assert waits == [] and nothing_is_staged(lake, replayed)


@each_http_stream
def test_too_many_requests_are_waited_for_as_told(
    lake: Lake, replayed: Replay, waits: list[float], name: str, stream_name: str
) -> None:
    replayed.fault = Fault(429, {"Retry-After": "47"}, times=2)
    extraction = extracted(replayed, lake, name, stream_name)
    assert waits == [47, 47]
    assert rows_of(lake, extraction, extraction_entities(name, stream_name)) == as_json(
        replayed.recording.rows(stream_name)
    )


@each_http_stream
@pytest.mark.parametrize("fault", [Fault(500), Fault(503), Fault(kind="silent"), Fault(kind="truncate")], ids=repr)
def test_a_system_that_stays_broken_is_unavailable_and_stages_nothing(
    lake: Lake, replayed: Replay, waits: list[float], name: str, stream_name: str, fault: Fault
) -> None:
    replayed.fault = fault
    with pytest.raises((SourceUnavailable, SourceReplyInvalid), match=f"^{name}: "):
        extracted(replayed, lake, name, stream_name)
    assert nothing_is_staged(lake, replayed)


@each_http_stream
def test_a_server_error_that_passes_loses_nothing(
    lake: Lake, replayed: Replay, waits: list[float], name: str, stream_name: str
) -> None:
    replayed.fault = Fault(502, times=2)
    extraction = extracted(replayed, lake, name, stream_name)
    assert rows_of(lake, extraction, extraction_entities(name, stream_name)) == as_json(
        replayed.recording.rows(stream_name)
    )


# -- a system that has changed -------------------------------------------------------------------------------------------


@each_stream
def test_a_field_that_is_new_is_kept_and_reported(lake: Lake, replayed: Replay, name: str, stream_name: str) -> None:
    records = [{**r, "brand_new": "x"} for r in records_of(replayed, name, stream_name)]
    more = extracted(replayed, lake, name, stream_name, fetch=fetching(stream_of(name, stream_name), records))
    assert "brand_new" in more.added[stream_name]
    kept = [json.loads(r["extra"]) for e in more.rows if e != "_broken" for r in staged(lake, more, e) if "extra" in r]
    assert kept and all(extra["brand_new"] == "x" for extra in kept)


@each_stream
def test_the_recording_has_no_field_that_the_source_does_not_know(
    lake: Lake, replayed: Replay, name: str, stream_name: str
) -> None:
    assert extracted(replayed, lake, name, stream_name).added == {}


@each_stream
@pytest.mark.parametrize("change", ["missing", "retyped"])
def test_a_field_that_is_gone_or_of_another_type_stops_the_stream(
    lake: Lake, replayed: Replay, name: str, stream_name: str, change: str
) -> None:
    stream = stream_of(name, stream_name)
    key = sorted(stream.schema.type.__required_keys__)[0]  # type: ignore[attr-defined]
    record = records_of(replayed, name, stream_name)[0]
    other = {k: v for k, v in record.items() if k != key} if change == "missing" else {**record, key: {"never": ["so"]}}
    with pytest.raises(SchemaChanged, match=rf"^{name}: {stream_name}: .*{key}.*\(20 of 20 records\)"):
        extracted(replayed, lake, name, stream_name, fetch=fetching(stream, [other] * 20))
    assert nothing_is_staged(lake, replayed)


# -- what it says of itself ----------------------------------------------------------------------------------------------


@each_source
def test_its_docstring_says_api_grain_units_limits_and_quirks(source: Source) -> None:
    sentence, found = said(source)
    assert sentence.endswith(".") and len(sentence) > 20
    assert all(found.values())


@each_source
def test_its_file_stands_alone(source: Source) -> None:
    """A source file imports the contract, its libraries and nothing else of this house."""
    module = sys.modules[f"audience.sources.{source.name}"]
    imported = [n.module or "" for n in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(n, ast.ImportFrom)]
    assert [m for m in imported if m.startswith("audience") and m != "audience.sources.contract"] == []


@each_stream
def test_its_personal_fields_are_declared(lake: Lake, replayed: Replay, name: str, stream_name: str) -> None:
    """What ends in a personal column, or is hashed with a key, comes from a field that is declared personal."""
    stream = stream_of(name, stream_name)
    records = records_of(replayed, name, stream_name)
    declared = {text for path in stream.personal for r in records for text in texts_at(r, path.split("."))}
    for entity, rows in replayed.recording.rows(stream_name).items():
        columns = [c for c in ENTITIES[entity].columns if (c.personal or c.keyed_hash_of) and c.name != "extra"]
        for column in columns:
            for row in rows:
                value = row.get(column.keyed_hash_of or column.name)
                assert value is None or any(str(value) in text or text in str(value) for text in declared), (
                    f"{entity}.{column.name} holds what no field of {stream.personal} has"
                )
    assert (not declared) == (not stream.personal)


@each_source
def test_its_connection_form_asks_for_what_it_needs(source: Source) -> None:
    assert source.system.type and source.system.title
    assert not source.system.type.startswith("audience"), "the connection type is given that prefix"
    assert len({f.name for f in source.system.fields}) == len(source.system.fields)
    secrets = [f.name for f in source.system.fields if f.is_secret]
    assert "password" in secrets or not Recording.of(source.name).said.get("connection", {}).get("password")


# -- how the tests look at records ---------------------------------------------------------------------------------------


def extraction_entities(name: str, stream: str) -> tuple[str, ...]:
    return stream_of(name, stream).entities


def as_json(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Recorded rows as JSON would give them back: YAML reads instants and days itself."""
    return json.loads(json.dumps(rows, default=lambda v: v.isoformat()))  # type: ignore[no-any-return]


def refusals(duck: Backend, entity: str, rows: list[dict[str, Any]]) -> list[str]:
    table = ENTITIES[entity]
    names = ("_day", "_position", *table.staged_names)
    texts = [{n: None if row.get(n) is None else as_text(row[n]) for n in names} | {"_stream": "s"} for row in rows]
    judged = judge(
        ibis.memtable(texts, schema=dict.fromkeys((*names, "_stream"), "string")), table, KEY, rows_of_rates()
    )
    return [r["reason"] for r in duck.to_pyarrow(refused(judged, entity)).to_pylist()]


def rows_of_rates() -> ibis.Table:
    """A rate for the amounts of recorded rows that are in dollars."""
    return ibis.memtable(pa.table({"currency": ["USD"], "day": [date(2026, 11, 20)], "per_eur": [1.15]}))


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def nothing_is_staged(lake: Lake, system: Replay) -> bool:
    return lake.staged(f"{system.recording.source}/{system.recording.day}_{system.recording.day}") == []


def cursor_of(stream: Stream) -> Iso | Epoch:
    assert stream.cursor is not None
    return Iso(stream.cursor) if isinstance(stream.cursor, str) else stream.cursor


def tick_of(stream: Stream, record: Any) -> timedelta:
    """The smallest step that the cursor can tell apart."""
    cursor = cursor_of(stream)
    if isinstance(cursor, Epoch):
        return {"s": timedelta(seconds=1), "ms": timedelta(milliseconds=1), "us": timedelta(microseconds=1)}[
            cursor.unit
        ]
    text = field(record, cursor.path)
    return timedelta(milliseconds=1) if "." in text else timedelta(days=1) if len(text) == 10 else timedelta(seconds=1)


def moved(stream: Stream, record: Any, moment: datetime) -> Any:
    """The record with another cursor, written as it was."""
    cursor = cursor_of(stream)
    old = field(record, cursor.path)
    if isinstance(cursor, Epoch):
        per_second = {"s": 1, "ms": 1_000, "us": 1_000_000}[cursor.unit]
        number = round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1) * per_second)
        new: Any = str(number) if isinstance(old, str) else number
    else:
        was = datetime.fromisoformat(old)
        spec = "milliseconds" if "." in old else "seconds"
        if was.tzinfo is None:
            assert cursor.zone is not None
            from zoneinfo import ZoneInfo

            local = moment.astimezone(ZoneInfo(cursor.zone)).replace(tzinfo=None)
            new = local.date().isoformat() if len(old) == 10 else local.isoformat(old[10], timespec=spec)
        else:
            new = moment.astimezone(was.tzinfo).isoformat(timespec=spec)
            new = new.replace("+00:00", "Z") if old.endswith("Z") else new
    return with_field(record, cursor.path.split("."), new)


def with_field(record: Any, path: list[str], value: Any) -> Any:
    if len(path) == 1:
        return {**record, path[0]: value}
    return {**record, path[0]: with_field(record[path[0]], path[1:], value)}


def texts_at(record: Any, path: list[str]) -> list[str]:
    """Every text at a path; `[]` stands for each item of a list."""
    if not path:
        values = record if isinstance(record, list) else [record]
        return [str(v) for v in values if v not in (None, "")]
    head, rest = path[0], path[1:]
    if head.endswith("[]"):
        items = (record or {}).get(head[:-2]) or []
        return [text for item in items for text in texts_at(item, rest)]
    return texts_at(record[head], rest) if isinstance(record, dict) and record.get(head) is not None else []
