"""Mixpanel: every event of a project, from the raw export.

API     REST, `GET /export`: JSON lines of whole days, both named days included, in one long reply; a service account signs in.
        https://docs.mixpanel.com/reference/raw-event-export
Grain   web_event: one event of one visitor on the site or in the app.
Units   times are UTC, to the second; a value only where the event says its `currency`.
Limits  60 exports an hour, 3 a second, 100 at once: one extraction is one export. The EU and India have their own hosts.
Quirks  projects made before 2023 count days, and write `time`, in the project's time zone: it is a setting of the connection.
        Of the hour that such a zone repeats in autumn, both passes are taken for the first: the export does not tell them
        apart. Events arrive up to five days late: so many days are read again. The export holds repeated events; they have
        the same `$insert_id`. It may also end early with status 200 and say so in its last line: nothing is loaded then.
        Event names are the project's own: those of the common e-commerce plan are known, others are told by the setting
        `events`. Mixpanel drops robots when it receives them and marks none.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NotRequired
from zoneinfo import ZoneInfo

from typing_extensions import TypedDict

from audience.sources.contract import (
    Epoch,
    Field,
    Rest,
    Row,
    Source,
    SourceReplyInvalid,
    SourceUnavailable,
    Stream,
    System,
    Window,
    basic,
    path_of,
    priced,
)

Properties = TypedDict(
    "Properties",
    {
        "time": int,
        "distinct_id": str,
        "$insert_id": str,
        "$device_id": NotRequired[str | None],
        "$user_id": NotRequired[str | None],
        "$email": NotRequired[str | None],
        "$current_url": NotRequired[str | None],
        "$os": NotRequired[str | None],
        "mp_lib": NotRequired[str | None],
        "mp_country_code": NotRequired[str | None],
        "utm_source": NotRequired[str | None],
        "utm_campaign": NotRequired[str | None],
        "product_id": NotRequired[str | int | None],
        "category": NotRequired[str | None],
        "quantity": NotRequired[int | None],
        "price": NotRequired[float | None],
        "value": NotRequired[float | None],
        "currency": NotRequired[str | None],
    },
)


class Event(TypedDict):
    event: str
    properties: Properties
    type: str


EVENT_TYPES = {
    "$mp_web_page_view": "page_view",
    "$mp_click": "click",
    "$mp_scroll": "scroll",
    "$mp_submit": "form",
    "Page Viewed": "page_view",
    "Product Viewed": "product_view",
    "Products Searched": "search",
    "Product Added": "add_to_cart",
    "Product Removed": "remove_from_cart",
    "Checkout Started": "checkout",
    "Order Completed": "purchase",
    "Signed In": "login",
}

APP_LIBRARIES = ("android", "iphone", "swift", "react-native", "flutter", "unity")

DEVICES = {"iOS": "mobile", "iPadOS": "tablet", "Android": "mobile", "Windows": "desktop", "Mac OS X": "desktop",
           "Linux": "desktop", "Chrome OS": "desktop"}  # fmt: skip


class Mixpanel(Rest):
    """The export alone: it has no small reply to ask for."""

    def check(self) -> str:
        day = {"from_date": "2023-01-01", "to_date": "2023-01-01", "limit": 1}
        for _ in self.lines("export", {"project_id": self.connection.setting("project_id"), **day}):
            pass
        return f"{self.connection.name}: answered"


def fetch_events(api: Rest, window: Window) -> Iterator[dict[str, Any]]:
    """Each event, with the kind of event that its name means and its time in UTC."""
    zone = api.connection.zone("time_zone") if api.connection.extra.get("time_zone") else ZoneInfo("UTC")
    types = EVENT_TYPES | _named(str(api.connection.extra.get("events") or ""))
    last = window.end - timedelta(microseconds=1)
    asked = {
        "project_id": api.connection.setting("project_id"),
        "from_date": f"{window.start.astimezone(zone):%Y-%m-%d}",
        "to_date": f"{last.astimezone(zone):%Y-%m-%d}",
    }
    for line in api.lines("export", asked):
        if line:
            event = _read(line, api.connection.name)
            yield _in_utc(event, zone) | {"type": types.get(event.get("event", ""), "other")}


def _named(setting: str) -> dict[str, str]:
    """`Ajout panier = add_to_cart, Recherche = search` as a table."""
    pairs = (pair.partition("=") for pair in setting.split(",") if pair.strip())
    return {name.strip(): type.strip() for name, _, type in pairs}


def _read(line: bytes, name: str) -> dict[str, Any]:
    import orjson

    try:
        event = orjson.loads(line)
    except ValueError:
        if b"terminated early" in line:
            raise SourceUnavailable(f"{name}: GET export: Mixpanel ended the export early") from None
        raise SourceReplyInvalid(f"{name}: GET export: a line is not JSON ({len(line)} bytes)") from None
    if not isinstance(event, dict):
        raise SourceReplyInvalid(f"{name}: GET export: a line is no event")
    return event


def _in_utc(event: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """The event with the clock of a wall in the zone, which it counts as if it were UTC, turned into UTC."""
    properties = event.get("properties")
    if zone.key == "UTC" or not isinstance(properties, dict) or not isinstance(properties.get("time"), int):
        return event
    try:
        wall = datetime.fromtimestamp(properties["time"], UTC).replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError):
        return event  # no time at all: the cursor says so
    return {**event, "properties": {**properties, "time": int(wall.timestamp())}}


def tidy_event(record: Event) -> Iterator[Row]:
    properties = record["properties"]
    user = properties.get("$user_id")
    known = (properties.get("$email"), user, properties["distinct_id"])
    visitor = (properties.get("$device_id"), properties["distinct_id"])
    product = properties.get("product_id")
    yield (
        "web_event",
        {
            "event_id": _event_id(record),
            "type": record["type"],
            "channel": "app" if properties.get("mp_lib") in APP_LIBRARIES else "web",
            "visitor_id": next((text for text in visitor if text and "@" not in text), None),
            "record_id": user if user and "@" not in user else None,
            "email": next((text for text in known if text and "@" in text), None),
            "occurred_at": datetime.fromtimestamp(properties["time"], UTC).isoformat(),
            "path": path_of(properties.get("$current_url")),
            "product_id": None if product is None else str(product),
            "category": properties.get("category"),
            "quantity": properties.get("quantity"),
            **_value(properties),
            "device": DEVICES.get(properties.get("$os") or ""),
            "country": properties.get("mp_country_code"),
            "utm_source": properties.get("utm_source"),
            "utm_campaign": properties.get("utm_campaign"),
            "is_machine": False,
        },
    )


def _event_id(record: Event) -> str:
    """One for all copies of an event, and nothing personal in clear: some projects use addresses as `$insert_id`.

    Mixpanel tells copies by name, time, `$insert_id` and `distinct_id` (docs.mixpanel.com, Event deduplication); the last
    is left out, because it changes when identities are merged.
    """
    properties = record["properties"]
    told = "\x1f".join((record["event"], str(properties["time"]), properties["$insert_id"]))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _value(properties: Properties) -> dict[str, str | None]:
    """`value`, or price times pieces, and its currency; nothing where that is not said."""
    currency, value, price = (properties.get(name) for name in ("currency", "value", "price"))
    if not currency or (value is None and price is None):
        return {}
    amount = value if value is not None else Decimal(str(price)) * (properties.get("quantity") or 1)
    return {"value_eur": str(amount), **priced(str(currency))}


SOURCE = Source(
    name="mixpanel",
    title="Mixpanel",
    system=System(
        "mixpanel", "Mixpanel",
        lambda connection: Mixpanel(connection.at("https://data.mixpanel.com/api/2.0"), basic, requests_per_second=3),
        fields=(
            Field("host", "Address", "https://data-eu.mixpanel.com/api/2.0",
                  help="of projects in the EU (data-eu) and in India (data-in)"),
            Field("login", "Service account", "export.1a2b3c.mp-service-account", help="Project settings, Service accounts"),
            Field("password", "Secret of the service account", is_secret=True),
            Field("project_id", "Project", "1234567", help="Project settings, Overview"),
            Field("time_zone", "Time zone", "Europe/Paris",
                  help="of the project, where it was made before 2023; empty for later ones, which export UTC"),
            Field("events", "Own events", "Ajout panier = add_to_cart, Recherche = search",
                  help="what the project's own event names mean"),
        ),
    ),
    streams=(
        Stream(
            "events", fetch_events, tidy_event, entities=("web_event",), cursor=Epoch("properties.time"),
            personal=("properties.distinct_id", "properties.$insert_id", "properties.$device_id", "properties.$user_id",
                      "properties.$email", "properties.$current_url"),
            reread_days=5,
        ),
    ),
)  # fmt: skip
