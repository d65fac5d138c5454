"""Typeform: the answers that people handed in to the forms named in the connection.

API     REST, `GET /forms/{id}` for the questions, `GET /forms/{id}/responses` for the answers, newest first; the token of a
        page's last response, as `before`, leads to the next page; an empty page is the last.
        https://www.typeform.com/developers/responses/reference/retrieve-responses
Grain   survey_answer: one answer of one response to one question.
Units   score is points of the question's own scale: number, opinion scale, rating, NPS; times are UTC.
Limits  1,000 responses a page, 2 requests a second. Accounts in the EU have their own host.
Quirks  `since` and `until` are both inclusive, to the second. Responses of the last half hour may still be missing: the day
        before is read again. Only completed responses are asked for; those begun or left half-way are not handed in.
        Whose answer it is: the hidden field `email`, else the answer to the first e-mail question; the hidden field
        `record_id` where a form has one. Answers that say how to reach a person, files and payments are left out.
"""

from collections.abc import Iterator
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import Field, Rest, Row, Source, SourceReplyInvalid, Stream, Window, bearer, rest

PAGE_SIZE = 1000

LEFT_OUT = ("email", "phone_number", "file_url", "payment")
"""Types of answers that are no opinion: who it is, and what should not be copied further."""


class Question(TypedDict):
    id: str
    type: str


class Choice(TypedDict):
    label: NotRequired[str]
    other: NotRequired[str]


class Choices(TypedDict):
    labels: NotRequired[list[str]]
    other: NotRequired[str]


class Answer(TypedDict):
    """The value is in the field that `type` names."""

    field: Question
    type: str
    text: NotRequired[str]
    email: NotRequired[str]
    url: NotRequired[str]
    date: NotRequired[str]
    number: NotRequired[int | float]
    boolean: NotRequired[bool]
    choice: NotRequired[Choice]
    choices: NotRequired[Choices]


class Response(TypedDict):
    token: str
    submitted_at: str
    hidden: NotRequired[dict[str, str] | None]
    answers: NotRequired[list[Answer] | None]
    form_id: str
    form_title: str
    questions: dict[str, str]


def fetch_responses(api: Rest, window: Window) -> Iterator[dict[str, Any]]:
    """Each response, with the form's title and the texts of its questions."""
    for form_id in api.connection.setting("forms").replace(",", " ").split():
        form = api.get(f"forms/{form_id}")
        told = {
            "form_id": form_id,
            "form_title": form.get("title"),
            "questions": dict(_questions(form.get("fields") or [])),
        }
        for response in _responses(api, f"forms/{form_id}/responses", window):
            yield {**response, **told}


def _responses(api: Rest, path: str, window: Window) -> Iterator[dict[str, Any]]:
    since = f"{window.start:%Y-%m-%dT%H:%M:%S}"
    asked = {"page_size": PAGE_SIZE, "response_type": "completed",
             "since": since, "until": f"{window.end:%Y-%m-%dT%H:%M:%S}"}  # fmt: skip
    while page := _items(api, path, asked):
        yield from page
        last = page[-1].get("token")
        if not last or last == asked.get("before"):
            raise SourceReplyInvalid(f"{api.connection.name}: GET {path}: the page does not lead to the next one")
        if str(page[-1].get("submitted_at")) < since:
            return
        asked["before"] = last


def _items(api: Rest, path: str, asked: dict[str, Any]) -> list[Any]:
    reply = api.get(path, asked)
    items = reply.get("items") if isinstance(reply, dict) else None
    if not isinstance(items, list):
        raise SourceReplyInvalid(f"{api.connection.name}: GET {path}: the reply has no list 'items'")
    return items


def _questions(fields: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Identifier and text of each question; groups, matrices and addresses hold further ones."""
    for field in fields:
        yield field["id"], field.get("title", "")
        yield from _questions((field.get("properties") or {}).get("fields") or [])


def tidy_response(record: Response) -> Iterator[Row]:
    answers = record.get("answers") or []
    hidden = record.get("hidden") or {}
    addresses = (hidden.get("email"), *(a.get("email") for a in answers))
    email = next((address for address in addresses if address), None)
    for answer in answers:
        if answer["type"] in LEFT_OUT:
            continue
        question = answer["field"]["id"]
        yield (
            "survey_answer",
            {
                "answer_id": f"{record['token']}:{question}",
                "survey_id": record["form_id"],
                "survey_title": record["form_title"],
                "question_id": question,
                "question": record["questions"].get(question),
                "record_id": hidden.get("record_id"),
                "email": email,
                "answer": _text(answer),
                "score": answer.get("number"),
                "answered_at": record["submitted_at"],
                "is_deleted": False,
            },
        )


def _text(answer: Answer) -> str:
    value: Any = dict(answer)[answer["type"]]
    if isinstance(value, dict):
        value = "; ".join(str(v) for v in (*value.get("labels", ()), value.get("label"), value.get("other")) if v)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


SOURCE = Source(
    name="typeform",
    title="Typeform",
    system=rest(
        "typeform", "Typeform", auth=bearer, url="https://api.typeform.com", check="me", requests_per_second=2,
        fields=(
            Field("host", "Address", "https://api.eu.typeform.com", help="only for accounts in the EU data centre"),
            Field("password", "Personal access token", is_secret=True,
                  help="Account, Personal tokens; scopes forms:read, responses:read, accounts:read"),
            Field("forms", "Forms", "u6nXL7, lR6F4j", help="identifiers of the forms: the last part of their addresses"),
        ),
    ),
    streams=(
        Stream(
            "responses", fetch_responses, tidy_response, entities=("survey_answer",), cursor="submitted_at",
            personal=("hidden.email", "hidden.record_id", "answers[].text", "answers[].email", "answers[].url",
                      "answers[].date", "answers[].number", "answers[].boolean", "answers[].choice.label",
                      "answers[].choice.other", "answers[].choices.labels", "answers[].choices.other"),
            reread_days=1,
            ignores=("landing_id", "response_id", "response_type", "landed_at", "staged_at", "metadata", "calculated",
                     "variables", "thankyou_screen_ref", "ending", "tags"),
        ),
    ),
)  # fmt: skip
