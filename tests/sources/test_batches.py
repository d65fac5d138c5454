"""A stream of whole batches gives what its records would give one by one; only faster."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NotRequired

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staging import FRIDAY, KIOSK, staged
from typing_extensions import TypedDict

from audience.core.connection import Connection
from audience.core.errors import DeclarationError, SchemaChanged
from audience.core.lake import Lake
from audience.sources.contract import Columns, Epoch, Extraction, Iso, Source, Stream, extract

NOON = "2026-11-20T12:00:00Z"


class Answer(TypedDict):
    answer_id: str
    survey_id: str
    question_id: int
    answer: NotRequired[str | None]
    score: float | None
    answered_at: str
    is_deleted: bool


ANSWER: dict[str, Any] = {
    "answer_id": "a1", "survey_id": "s1", "question_id": 7, "answer": "yes", "score": 9.5, "answered_at": NOON,
    "is_deleted": False,
}  # fmt: skip

STREAM = Stream("answers", lambda *_: [], Columns("survey_answer", Answer), entities=("survey_answer",),
                cursor="answered_at")  # fmt: skip


def one_by_one(lake: Lake, *records: dict[str, Any], stream: Stream = STREAM) -> Extraction:
    return _extracted(lake, replace(stream, fetch=lambda *_: iter(records)))


def in_batches(lake: Lake, *records: dict[str, Any], stream: Stream = STREAM, size: int = 100) -> Extraction:
    parts = [records[n : n + size] for n in range(0, len(records), size)]
    return _extracted(lake, replace(stream, fetch=lambda *_: map(_batch, parts)))


def _batch(records: tuple[dict[str, Any], ...]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(records))


def _extracted(lake: Lake, stream: Stream) -> Extraction:
    source = Source("kiosk", "Kiosk", system=KIOSK, streams=(stream,))
    return extract(source, Connection("kiosk", "http://127.0.0.1:9"), lake, first=FRIDAY, last=FRIDAY)


def rows(lake: Lake, extraction: Extraction, entity: str = "survey_answer") -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if v is not None} for row in staged(lake, extraction, entity)]


def moments() -> st.SearchStrategy[str]:
    return st.sampled_from([
        NOON, "2026-11-20 00:00:00+00", "2026-11-20T23:59:59.999999Z", "2026-11-21T00:00:00Z", "2026-11-21T00:30:00+01:00",
        "2026-11-19T23:59:59Z", "2026-11-20", "2026-11-20T12:00:00", "20261120T120000Z", "never", "",
        "2026-11-20T12:00:00.123456789Z",
    ])  # fmt: skip


def one_record() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({
        "answer_id": st.one_of(st.none(), st.text(max_size=3)),
        "survey_id": st.just("s1"),
        "question_id": st.one_of(st.none(), st.integers(-9, 9)),
        "answer": st.one_of(st.none(), st.text(max_size=3)),
        "score": st.one_of(st.none(), st.integers(0, 10).map(float)),
        "answered_at": st.one_of(st.none(), moments()),
        "is_deleted": st.one_of(st.none(), st.booleans()),
    })  # fmt: skip


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(one_record(), max_size=9), size=st.integers(1, 4), brand_new=st.booleans())
def test_batches_stage_what_their_records_would(
    lake: Lake, records: list[dict[str, Any]], size: int, brand_new: bool
) -> None:
    if brand_new:
        records = [r | {"brand_new": n} for n, r in enumerate(records)]
    single = one_by_one(lake, *records)
    expected = [rows(lake, single, entity) for entity in ("survey_answer", "_broken")]
    whole = in_batches(lake, *records, size=size)
    found = [rows(lake, whole, entity) for entity in ("survey_answer", "_broken")]

    assert [_without_place(r) for r in found] == [_without_place(r) for r in expected]
    assert (whole.rows, whole.outside, whole.added) == (single.rows, single.outside, single.added)


def _without_place(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert len({r["_position"] for r in found}) == len(found)
    shown = [{k: v for k, v in row.items() if k != "_position"} for row in found]
    return [row | {"row": json.loads(row["row"])} if "row" in row else row for row in shown]


def test_rows_as_declared_need_no_loop_and_wait_as_parquet(lake: Lake) -> None:
    extraction = in_batches(lake, *(ANSWER | {"answer_id": f"a{n}"} for n in range(1, 6)))
    folder = Path(lake.root) / "_staging" / extraction.folder
    sizes = {file.name: file.stat().st_size > 0 for file in sorted(folder.iterdir())}
    assert sizes == {
        "_broken.answers.ndjson": False, "survey_answer.answers.ndjson": False, "survey_answer.answers.parquet": True,
    }  # fmt: skip
    assert rows(lake, extraction)[0] == ANSWER | {"_day": "2026-11-20", "_position": 0}


def test_a_record_that_is_not_as_declared_is_set_aside_in_its_place(lake: Lake) -> None:
    records = [ANSWER, ANSWER | {"survey_id": None}, ANSWER | {"answered_at": "never"}, ANSWER | {"answer_id": "a4"}]
    extraction = in_batches(lake, *records)
    assert [(r["_position"], r["reason"]) for r in rows(lake, extraction, "_broken")] == [
        (1, "answers: survey_id: expected text, found null"),
        (2, "answers: ValueError"),
    ]
    assert [(r["_position"], r["answer_id"]) for r in rows(lake, extraction)] == [(0, "a1"), (3, "a4")]


def test_a_field_that_is_new_is_kept_and_reported(lake: Lake) -> None:
    extraction = in_batches(lake, ANSWER | {"mood": "good"}, ANSWER | {"mood": None})
    assert extraction.added == {"answers": ["mood"]}
    assert [json.loads(r["extra"]) for r in rows(lake, extraction)] == [{"mood": "good"}, {"mood": None}]


@pytest.mark.parametrize(
    ("records", "difference"),
    [
        ([ANSWER | {"question_id": "7"}] * 20, "question_id: expected whole number, found text"),
        ([ANSWER | {"score": "9"}] * 20, "score: expected number, found text"),
        ([ANSWER | {"is_deleted": 0}] * 20, "is_deleted: expected true or false, found whole number"),
        ([{k: v for k, v in ANSWER.items() if k != "survey_id"}] * 20, "no field 'survey_id'"),
    ],
)
def test_a_retyped_or_missing_column_stops_the_stream_after_its_first_batch(
    lake: Lake, records: list[dict[str, Any]], difference: str
) -> None:
    taken = []

    def batches(*_: Any) -> Any:
        for part in (records, records):
            taken.append(len(part))
            yield pa.RecordBatch.from_pylist(part)

    with pytest.raises(SchemaChanged, match=rf"^kiosk: answers: {difference} \(20 of 20 records\)"):
        _extracted(lake, replace(STREAM, fetch=batches))
    assert taken == [20]
    assert lake.staged(f"kiosk/{FRIDAY}_{FRIDAY}") == []


def test_a_text_of_five_megabytes_is_too_long_and_its_neighbours_are_not(lake: Lake) -> None:
    extraction = in_batches(lake, ANSWER, ANSWER | {"answer": "x" * (5 << 20)}, ANSWER | {"answer_id": "a3"})
    assert [r["reason"] for r in rows(lake, extraction, "_broken")] == ["answers: a row is too long"]
    assert [r["answer_id"] for r in rows(lake, extraction)] == ["a1", "a3"]


def test_a_stream_without_a_cursor_is_of_the_last_day(lake: Lake) -> None:
    stream = replace(STREAM, cursor=None)
    assert [r["_day"] for r in rows(lake, in_batches(lake, ANSWER, stream=stream))] == ["2026-11-20"]


def test_batches_of_a_stream_with_a_tidy_function_are_taken_record_by_record(lake: Lake) -> None:
    def tidy(record: Answer) -> Any:
        yield "survey_answer", dict(record)

    assert rows(lake, in_batches(lake, ANSWER, stream=replace(STREAM, tidy=tidy))) == [
        ANSWER | {"_day": "2026-11-20", "_position": 0}
    ]


# -- the moments of a batch are those of its records ----------------------------------------------------------------------

PARIS = Iso("at", zone="Europe/Paris")


@pytest.mark.parametrize("cursor", [Iso("at"), PARIS, Epoch("at"), Epoch("at", unit="ms"), Iso("other")], ids=repr)
@pytest.mark.parametrize(
    "values",
    [
        [NOON, "2026-11-20 12:00:00+00", None],
        ["2026-10-25T02:30:00", "2026-10-25T03:00:00"],  # an hour that comes twice: its first pass
        ["2026-03-29T02:30:00", "2026-03-29T03:00:00"],  # an hour that never was
        ["2026-11-20", "0000-00-00 00:00:00", "infinity", "", "2026-11-20 12:00:00+01:00"],
        ["1795176000", "never"],
        [1795176000, 0, None],
        [None, None],
    ],
    ids=str,
)
def test_the_moments_of_a_batch_are_those_of_its_records(cursor: Iso | Epoch, values: list[Any]) -> None:
    records = [{"at": value} for value in values]

    def asked(record: dict[str, Any]) -> Any:
        try:
            return cursor(record)
        except (KeyError, TypeError, ValueError):
            return None

    assert cursor.moments(pa.RecordBatch.from_pylist(records)).to_pylist() == [asked(r) for r in records]


# -- what cannot be declared ----------------------------------------------------------------------------------------------


class Misspelt(TypedDict):
    answer_id: str
    answred_at: str


class Nested(TypedDict):
    answer_id: list[str]


@pytest.mark.parametrize(
    ("declare", "problem"),
    [
        (lambda: Columns("survey", Answer), "no entity 'survey'"),
        (lambda: Columns("survey_answer", dict), "expected a TypedDict"),
        (lambda: Columns("survey_answer", Nested), "Nested.answer_id: expected str, int, float or bool"),
        (
            lambda: replace(STREAM, tidy=Columns("survey_answer", Misspelt)),
            "no column 'answred_at'; did you mean 'answered_at'",
        ),
        (
            lambda: replace(STREAM, entities=("contact",)),
            r"found entities=\('contact',\), expected \('survey_answer',\)",
        ),
    ],
)
def test_what_a_declaration_of_columns_cannot_mean_is_refused(declare: Any, problem: str) -> None:
    with pytest.raises(DeclarationError, match=problem):
        declare()
