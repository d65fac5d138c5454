"""Events of the site and the app, written to files by a tag manager's server or a pixel's collector.

API     JSON lines, plain or gzip, `web_events-{day:%Y-%m-%d}*.jsonl*` of the UTC day of `received_at`, or as `files` of the
        connection's extra names them. An event has `id`, `event` (a type of web_event in docs/tables.md), `at` and
        `received_at`; and, where it knows them, `channel` (web, app), `url`, `target` (the address clicked or downloaded),
        `user_agent`, `visitor` (cookie), `session`, `user` (the account signed in), `email`, `product`, `category`,
        `quantity`, `value` with its `currency`, `seconds` (time on the page), `percent` (how far it was scrolled).
Grain   web_event: one event.
Units   instants in ISO 8601 with their offset from UTC; value in its currency.
Limits  1 MiB a line; a day without a file is late, a file without a line is a day without events.
Quirks  a collector sends again what was not acknowledged: the same `id` is the same event. Files of a day may come during
        the next one, which reads them again. Of addresses only the path and the campaign are kept. Events of visitors who
        refused to be measured must not be written: there is no field that says so.
"""

from collections.abc import Iterator
from typing import NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import (
    Field,
    Files,
    Row,
    Source,
    Stream,
    Unusable,
    Window,
    campaign_of,
    device_of,
    files,
    is_robot,
    path_of,
    priced,
)

FILES = "web_events-{day:%Y-%m-%d}*.jsonl*"


class Event(TypedDict):
    _file: str
    _day: str
    _offset: int
    id: str
    event: str
    at: str
    received_at: str
    channel: NotRequired[str | None]
    url: NotRequired[str | None]
    target: NotRequired[str | None]
    user_agent: NotRequired[str | None]
    visitor: NotRequired[str | None]
    session: NotRequired[str | None]
    user: NotRequired[str | None]
    email: NotRequired[str | None]
    product: NotRequired[str | None]
    category: NotRequired[str | None]
    quantity: NotRequired[int | None]
    value: NotRequired[int | float | str | None]
    currency: NotRequired[str | None]
    seconds: NotRequired[int | float | None]
    percent: NotRequired[int | float | None]


def fetch_events(folder: Files, window: Window) -> Iterator[Event]:
    return folder.records(folder.connection.extra.get("files") or FILES, window, required=True)


def tidy_event(record: Event) -> Iterator[Row]:
    value = record.get("value")
    if value is not None and not record.get("currency"):
        raise Unusable("a value has no currency")
    url, agent = record.get("url"), record.get("user_agent")
    yield (
        "web_event",
        {
            "event_id": record["id"],
            "type": record["event"],
            "channel": record.get("channel") or "web",
            "visitor_id": record.get("visitor"),
            "record_id": record.get("user"),
            "email": record.get("email"),
            "session_id": record.get("session"),
            "occurred_at": record["at"],
            "path": path_of(record.get("target") if record["event"] == "download" else url),
            "product_id": record.get("product"),
            "category": record.get("category"),
            "quantity": record.get("quantity"),
            "value_eur": value,
            **({} if value is None else priced(record.get("currency"))),
            "seconds": _whole(record.get("seconds")),
            "scroll_percent": _whole(record.get("percent")),
            "device": device_of(agent),
            **campaign_of(url),
            # An app is its own user agent; a browser without one is a program.
            "is_machine": record.get("channel") != "app" and is_robot(agent),
        },
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


SOURCE = Source(
    name="web_events",
    title="Events of the site and the app",
    system=files(
        "web_events",
        "Tag manager or pixel files",
        fields=(Field("files", "Names of the files", FILES, "empty: as in the example"),),
    ),
    streams=(
        Stream("events", fetch_events, tidy_event, entities=("web_event",), cursor="received_at", reread_days=1,
               personal=("visitor", "email")),
    ),
)  # fmt: skip
