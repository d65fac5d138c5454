"""Typeform pages newest first, counts both bounds in, and says in several ways who answered."""

from typing import Any

import pytest
from replay import Recording, Replay, replaying
from staging import FRIDAY, staged

from audience.core.errors import SettingsError, SourceReplyInvalid
from audience.core.lake import Lake
from audience.sources.contract import extract
from audience.sources.typeform import SOURCE, tidy_response

ASKED = (
    "GET /forms/f/responses?page_size=1000&response_type=completed&since=2026-11-19T00:00:00&until=2026-11-21T00:00:00"
)


def said(*pages: tuple[str, list[dict[str, Any]]], forms: str = "f") -> Recording:
    """A form whose pages are asked for as given."""
    form = {"ask": "GET /forms/f", "reply": {"title": "Visit", "fields": [{"id": "q", "title": "Why?"}]}}
    exchanges = [form, *({"ask": ASKED + more, "reply": {"items": items}} for more, items in pages)]
    return Recording("typeform", {"day": FRIDAY.key, "connection": {"password": "nobody", "extra": {"forms": forms}},
                                  "streams": {"responses": {"records": "items", "exchanges": exchanges}}})  # fmt: skip


def response(token: str, at: str, *answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"token": token, "submitted_at": at, "answers": list(answers), **more}


def answer(kind: str, value: Any, question: str = "q") -> dict[str, Any]:
    return {"field": {"id": question, "type": "any"}, "type": kind, kind: value}


WORDS = answer("text", "bread")


def rows(*answers: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    told = {"form_id": "f", "form_title": "Visit", "questions": {"q": "Why?"}}
    return [row for _, row in tidy_response({**response("t", "2026-11-20T08:00:00Z", *answers, **more), **told})]  # type: ignore[typeddict-item]


def read(lake: Lake, system: Replay) -> list[dict[str, Any]]:
    extraction = extract(SOURCE, system.connection(), lake, first=FRIDAY, last=FRIDAY)
    return staged(lake, extraction, "survey_answer")


def test_a_response_at_the_end_of_the_window_is_of_the_next_day(lake: Lake) -> None:
    late, noon = response("late", "2026-11-21T00:00:00Z", WORDS), response("noon", "2026-11-20T12:00:00Z", WORDS)
    with replaying(said(("", [late, noon]), ("&before=noon", [])), "responses") as system:
        assert [r["answer_id"] for r in read(lake, system)] == ["noon:q"]


def test_paging_stops_at_a_response_that_is_older_than_the_window(lake: Lake) -> None:
    """Whether `since` still counts beside `before` is not documented."""
    noon, old = response("noon", "2026-11-20T12:00:00Z", WORDS), response("old", "2026-11-18T23:59:59Z", WORDS)
    with replaying(said(("", [noon]), ("&before=noon", [old])), "responses") as system:
        assert [r["answer_id"] for r in read(lake, system)] == ["noon:q"]
        assert system.unexpected == [] and len(system.asked) == 3


def test_a_page_that_leads_to_itself_is_refused(lake: Lake) -> None:
    noon = response("noon", "2026-11-20T12:00:00Z", WORDS)
    with (
        replaying(said(("", [noon]), ("&before=noon", [noon])), "responses") as system,
        pytest.raises(SourceReplyInvalid, match="^typeform: GET forms/f/responses: the page does not lead to the next"),
    ):
        read(lake, system)


def test_forms_are_named_with_commas_or_blanks_between_them(lake: Lake) -> None:
    with replaying(said(("", []), forms="f, f f"), "responses") as system:
        assert read(lake, system) == []
        assert system.asked.count("GET /forms/f") == 3


def test_a_connection_without_forms_is_refused_before_anything_is_asked(lake: Lake) -> None:
    with replaying(said(forms=""), "responses") as system:
        with pytest.raises(SettingsError, match="connection 'typeform': no 'forms' in its extra"):
            read(lake, system)
        assert system.asked == []


@pytest.mark.parametrize(
    ("kind", "value", "text", "score"),
    [
        ("text", "bread", "bread", None),
        ("number", 9, "9", 9),
        ("number", 0, "0", 0),
        ("number", 2.5, "2.5", 2.5),
        ("boolean", False, "no", None),
        ("date", "2026-11-20", "2026-11-20", None),
        ("url", "https://blog.example", "https://blog.example", None),
        ("choice", {"label": "Lyon"}, "Lyon", None),
        ("choice", {"other": "Nice"}, "Nice", None),
        ("choices", {"labels": ["Wine", "Bread"], "other": "Toys"}, "Wine; Bread; Toys", None),
    ],
)
def test_every_type_of_answer_is_told_as_text_and_numbers_as_a_score(
    kind: str, value: Any, text: str, score: float | None
) -> None:
    (row,) = rows(answer(kind, value))
    assert (row["answer"], row["score"]) == (text, score)


@pytest.mark.parametrize("kind", ["email", "phone_number", "file_url", "payment"])
def test_what_is_no_opinion_gives_no_row(kind: str) -> None:
    assert rows(answer(kind, "x")) == []


@pytest.mark.parametrize(
    ("hidden", "email"),
    [
        ({"email": "ana@mailbox.example"}, "ana@mailbox.example"),
        ({"email": ""}, "bo@mailbox.example"),
        ({}, "bo@mailbox.example"),
        (None, "bo@mailbox.example"),
    ],
)
def test_the_hidden_address_counts_before_the_one_that_was_typed_in(hidden: dict[str, str] | None, email: str) -> None:
    found = rows(WORDS, answer("email", "bo@mailbox.example", "mail"), hidden=hidden)
    assert [r["email"] for r in found] == [email]


def test_an_anonymous_response_has_no_address() -> None:
    assert [r["email"] for r in rows(WORDS)] == [None]


def test_a_response_without_answers_gives_no_row() -> None:
    assert rows() == [] and rows(answers=None) == []
