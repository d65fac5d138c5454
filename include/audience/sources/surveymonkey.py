"""SurveyMonkey: the answers of completed responses to the surveys named in the connection.

API     REST, `GET /surveys/{id}/details` for the questions, `GET /surveys/{id}/responses/bulk` for the answers, modified
        between two times; each page holds the address of the next. https://api.surveymonkey.com/v3/docs
Grain   survey_answer: one answer of one response to one question, or to one row of a question that has rows.
Units   score is points of the question's own scale: the number on the chosen point, else its weight; numbers and sliders as
        they are. Times are UTC.
Limits  100 responses a page, 120 requests a minute, 500 a day for a private app: a survey takes two a day and one more for
        each hundred responses. Accounts in the EU have their own host.
Quirks  whether the bounds of the time belong to it is not documented: a second more is asked for. A response that is edited
        while it is read moves behind the window, and the reply says another total: that ends the run; the day before is
        read again for it. Whose answer it is: the address that the invitation was sent to, else the custom variable
        `email`, else the answer to the e-mail row of a contact question; the custom variable `record_id` where there is
        one. The other answers to contact questions and uploaded files are left out. A deleted response is not told.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import Field, Rest, Row, Source, SourceReplyInvalid, Stream, Window, bearer, rest


class Weight(TypedDict):
    weight: NotRequired[str]


class Answer(TypedDict):
    """Identifiers of what was chosen, or the text that was written."""

    choice_id: NotRequired[str]
    row_id: NotRequired[str]
    col_id: NotRequired[str]
    other_id: NotRequired[str]
    text: NotRequired[str]
    choice_metadata: NotRequired[Weight]


class Answered(TypedDict):
    id: str
    answers: list[Answer]


class Page(TypedDict):
    id: str
    questions: list[Answered]


class Value(TypedDict):
    value: NotRequired[str | None]


class Contact(TypedDict):
    email: NotRequired[Value]


class Metadata(TypedDict):
    contact: NotRequired[Contact]


class Question(TypedDict):
    """What the survey says of a question; `texts` of its choices, rows and columns, by their identifiers."""

    heading: str
    kind: str
    texts: dict[str, str]
    email_rows: list[str]


class Response(TypedDict):
    id: str
    survey_id: str
    date_modified: str
    pages: list[Page]
    email_address: NotRequired[str | None]
    custom_variables: NotRequired[dict[str, str]]
    metadata: NotRequired[Metadata]
    survey_title: str
    questions: dict[str, Question]


def fetch_responses(api: Rest, window: Window) -> Iterator[dict[str, Any]]:
    """Each response, with the survey's title and what it says of its questions."""
    between = {
        "start_modified_at": f"{window.start - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}",
        "end_modified_at": f"{window.end:%Y-%m-%dT%H:%M:%S}",
        "status": "completed",
        "per_page": 100,
    }
    for survey in api.connection.setting("surveys").replace(",", " ").split():
        details = api.get(f"surveys/{survey}/details")
        if not isinstance(details, dict) or not isinstance(details.get("pages"), list):
            raise SourceReplyInvalid(
                f"{api.connection.name}: GET surveys/{survey}/details: the reply has no list 'pages'"
            )
        questions = {q["id"]: _question(q) for page in details["pages"] for q in page["questions"]}
        told = {"survey_title": details.get("title"), "questions": questions}
        for response in api.by_next_url(
            f"surveys/{survey}/responses/bulk", "data", between, url="links.next", total="total"
        ):
            yield {**response, **told}


def _question(said: dict[str, Any]) -> Question:
    shown = said.get("answers") or {}
    kinds = (said.get("family"), said.get("subtype"), said.get("display_type"))
    return {
        "heading": " ".join(heading.get("heading", "") for heading in said.get("headings", ())),
        "kind": "/".join(kind for kind in kinds if kind),
        "texts": dict(_texts(shown)),
        "email_rows": [row["id"] for row in shown.get("rows", ()) if row.get("type") == "email"],
    }


def _texts(shown: Any) -> Iterator[tuple[str, str]]:
    """Identifier and text of every choice, row and column, wherever it stands."""
    if isinstance(shown, dict) and isinstance(shown.get("id"), str):
        yield shown["id"], str(shown.get("text") or "")
    for part in shown.values() if isinstance(shown, dict) else shown if isinstance(shown, list) else ():
        yield from _texts(part)


def tidy_response(record: Response) -> Iterator[Row]:
    questions = record["questions"]
    variables = record.get("custom_variables") or {}
    of_response = {
        "survey_id": record["survey_id"],
        "survey_title": record["survey_title"],
        "record_id": variables.get("record_id"),
        "email": _email(record),
        "answered_at": record["date_modified"],
        "is_deleted": False,
    }
    for answered in (question for page in record["pages"] for question in page["questions"]):
        asked = questions.get(answered["id"]) or Question(heading="", kind="", texts={}, email_rows=[])
        if asked["kind"].startswith("demographic"):
            continue
        for cell, answers in _cells(answered["answers"]).items():
            texts = [text for answer in answers if (text := _text(answer, asked))]
            if texts:
                question = ":".join((answered["id"], *cell))
                yield (
                    "survey_answer",
                    {
                        "answer_id": f"{record['id']}:{question}",
                        "question_id": question,
                        "question": " / ".join((asked["heading"], *(asked["texts"].get(i, "") for i in cell))) or None,
                        "answer": "; ".join(texts),
                        "score": _score(answers[0], texts[0], asked["kind"]),
                        **of_response,
                    },
                )


def _email(record: Response) -> str | None:
    invited = record.get("metadata", {}).get("contact", {}).get("email", {}).get("value")
    variables = record.get("custom_variables") or {}
    rows = {row for question in record["questions"].values() for row in question["email_rows"]}
    written = (
        answer.get("text")
        for page in record["pages"]
        for answered in page["questions"]
        for answer in answered["answers"]
        if answer.get("row_id") in rows
    )
    return next((a for a in (record.get("email_address"), invited, variables.get("email"), *written) if a), None)


def _cells(answers: list[Answer]) -> dict[tuple[str, ...], list[Answer]]:
    """Answers by row and column of the question; all of them together where it has none."""
    cells: dict[tuple[str, ...], list[Answer]] = {}
    for answer in answers:
        cell = tuple(i for i in (answer.get("row_id"), answer.get("col_id")) if i)
        cells.setdefault(cell, []).append(answer)
    return cells


def _text(answer: Answer, asked: Question) -> str | None:
    return answer.get("text") or asked["texts"].get(answer.get("choice_id", ""))


def _score(answer: Answer, text: str, kind: str) -> float | None:
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text)
    if kind.startswith("matrix/rating"):
        weight = answer.get("choice_metadata", {}).get("weight")
        # The points of an NPS question weigh -100, 0 or 100; what was chosen stands in their texts: "9", "Very likely - 10".
        return abs(float(numbers[0])) if len(numbers) == 1 else None if weight is None else float(weight)
    is_number = kind.startswith(("open_ended/numerical", "open_ended/single/slider"))
    return float(text) if is_number and numbers == [text] else None


SOURCE = Source(
    name="surveymonkey",
    title="SurveyMonkey",
    system=rest(
        "surveymonkey", "SurveyMonkey", auth=bearer, url="https://api.surveymonkey.com/v3", check="users/me",
        requests_per_second=2, retry_after="X-Ratelimit-App-Global-Minute-Reset",
        fields=(
            Field("host", "Address", "https://api.eu.surveymonkey.com/v3", help="only for accounts in the EU data centre"),
            Field("password", "Access token", is_secret=True,
                  help="My apps, Settings; scopes surveys_read, responses_read_detail, users_read"),
            Field("surveys", "Surveys", "105723396, 105724755", help="identifiers of the surveys: GET /surveys lists them"),
        ),
    ),
    streams=(
        Stream(
            "responses", fetch_responses, tidy_response, entities=("survey_answer",), cursor="date_modified",
            personal=("email_address", "metadata.contact.email.value", "custom_variables.email",
                      "custom_variables.record_id", "pages[].questions[].answers[].text",
                      "pages[].questions[].answers[].choice_id", "questions"),  # whose texts spell out what was chosen
            reread_days=1,
            ignores=("href", "recipient_id", "collection_mode", "response_status", "custom_value", "first_name", "last_name",
                     "ip_address", "logic_path", "page_path", "collector_id", "edit_url", "analyze_url", "total_time",
                     "date_created", "quiz_results", "language"),
        ),
    ),
)  # fmt: skip
