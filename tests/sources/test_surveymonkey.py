"""SurveyMonkey tells answers by identifiers; what they mean stands in the survey."""

from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from replay import Fault, Recording, replaying
from staging import FRIDAY, staged

from audience.core.errors import SettingsError, SourceUnavailable
from audience.core.lake import Lake
from audience.core.partition import Window
from audience.sources.contract import extract
from audience.sources.surveymonkey import SOURCE, _question, tidy_response

QUESTION = {
    "id": "q",
    "family": "matrix",
    "subtype": "rating",
    "headings": [{"heading": "Would you recommend us?"}],
    "answers": {"choices": [{"id": "ten", "text": "Very likely - 10"}, {"id": "good", "text": "Good"},
                            {"id": "young", "text": "18-24"}],
                "rows": [{"id": "r", "text": ""}]},
}  # fmt: skip


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


def rows(*answers: dict[str, Any], question: dict[str, Any] | None = None, **more: Any) -> list[dict[str, Any]]:
    asked = {"q": _question({**QUESTION, **(question or {})})}
    response = {"id": "1", "survey_id": "s", "survey_title": "Visit", "date_modified": "2026-11-20T08:00:00+00:00",
                "pages": [{"id": "p", "questions": [{"id": "q", "answers": list(answers)}]}], "questions": asked}  # fmt: skip
    return [row for _, row in tidy_response({**response, **more})]  # type: ignore[typeddict-item]


def rated(choice: str, weight: str | None = None) -> dict[str, Any]:
    return {"choice_id": choice, "row_id": "r"} | ({} if weight is None else {"choice_metadata": {"weight": weight}})


# -- scores --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (rated("ten", "100"), 10.0),
        (rated("good", "4"), 4.0),
        (rated("good"), None),
        (rated("young", "2"), 2.0),
    ],
)
def test_a_rating_is_the_number_on_its_point_else_its_weight(answer: dict[str, Any], score: float | None) -> None:
    assert [r["score"] for r in rows(answer)] == [score]


@pytest.mark.parametrize(
    ("kind", "text", "score"),
    [
        ({"family": "open_ended", "subtype": "numerical"}, "12.5", 12.5),
        ({"family": "open_ended", "subtype": "numerical"}, "about 12", None),
        ({"family": "open_ended", "subtype": "single", "display_type": "slider"}, "70", 70.0),
        ({"family": "open_ended", "subtype": "single"}, "70", None),
        ({"family": "open_ended", "subtype": "essay"}, "70", None),
    ],
)
def test_a_text_is_a_score_only_where_a_number_was_asked_for(
    kind: dict[str, str], text: str, score: float | None
) -> None:
    assert [(r["answer"], r["score"]) for r in rows({"text": text}, question=kind)] == [(text, score)]


# -- whose answer --------------------------------------------------------------------------------------------------------

CONTACT = {"family": "demographic", "subtype": "international", "answers": {"rows": [{"id": "mail", "type": "email"}]}}
WRITTEN = {"row_id": "mail", "text": "written@mailbox.example"}


@pytest.mark.parametrize(
    ("more", "email"),
    [
        ({"email_address": "invited@mailbox.example"}, "invited@mailbox.example"),
        (
            {"email_address": "", "metadata": {"contact": {"email": {"value": "list@mailbox.example"}}}},
            "list@mailbox.example",
        ),
        ({"metadata": {"contact": {}}, "custom_variables": {"email": "link@mailbox.example"}}, "link@mailbox.example"),
        ({}, "written@mailbox.example"),
    ],
)
def test_the_invited_address_counts_before_that_of_the_link_and_the_written_one(
    more: dict[str, Any], email: str
) -> None:
    contact = {"id": "c", "answers": [WRITTEN]}
    opinion = {"id": "q", "answers": [rated("good", "4")]}
    questions = {"q": _question(QUESTION), "c": _question({**CONTACT, "id": "c"})}
    found = rows(**({"pages": [{"id": "p", "questions": [contact, opinion]}], "questions": questions} | more))
    assert [(r["question_id"], r["email"]) for r in found] == [("q:r", email)]


def test_an_answer_to_a_question_that_the_survey_no_longer_has_keeps_its_text() -> None:
    (row,) = rows({"text": "bread"}, questions={})
    assert (row["question_id"], row["question"], row["answer"]) == ("q", None, "bread")


def test_an_uploaded_file_gives_no_row() -> None:
    assert rows({"download_url": "https://file.example", "content_type": "image/png"}) == []


# -- reading -------------------------------------------------------------------------------------------------------------


READ = Window(FRIDAY.previous.window.start, FRIDAY.window.end)
"""With the day that is read again."""


def said(first: int, second: int, surveys: str = "105") -> Recording:
    """Two pages that tell these totals."""
    recorded = Recording.of("surveymonkey").said
    details, one, two = recorded["streams"]["responses"]["exchanges"]
    pages = [{**one, "reply": {**one["reply"], "total": first}}, {**two, "reply": {**two["reply"], "total": second}}]
    streams = {"responses": {**recorded["streams"]["responses"], "exchanges": [details, *pages]}}
    connection = {**recorded["connection"], "extra": {"surveys": surveys}}
    return Recording("surveymonkey", {**recorded, "connection": connection, "streams": streams})


def test_a_response_that_is_edited_while_they_are_read_ends_the_run(lake: Lake) -> None:
    with replaying(said(3, 2), "responses", READ) as system:
        with pytest.raises(SourceUnavailable, match="the records changed while they were read$"):
            extract(SOURCE, system.connection(), lake, first=FRIDAY, last=FRIDAY)
    assert lake.staged(f"surveymonkey/{FRIDAY}_{FRIDAY}") == []


def test_every_survey_that_is_named_is_read(lake: Lake) -> None:
    with replaying(said(2, 2, surveys="105, 105"), "responses", READ) as system:
        extraction = extract(SOURCE, system.connection(), lake, first=FRIDAY, last=FRIDAY)
    assert len(staged(lake, extraction, "survey_answer")) == 8


def test_a_connection_without_surveys_is_refused_before_anything_is_asked(lake: Lake) -> None:
    with replaying(said(2, 2, surveys=""), "responses") as system:
        with pytest.raises(SettingsError, match="connection 'surveymonkey': no 'surveys' in its extra"):
            extract(SOURCE, system.connection(), lake, first=FRIDAY, last=FRIDAY)
        assert system.asked == []


def test_too_many_requests_are_waited_for_as_long_as_its_own_header_says(lake: Lake, waits: list[float]) -> None:
    with replaying(said(2, 2), "responses", READ) as system:
        system.fault = Fault(429, {"X-Ratelimit-App-Global-Minute-Reset": "31"}, times=1)
        extract(SOURCE, system.connection(), lake, first=FRIDAY, last=FRIDAY)
    assert waits == [31]
