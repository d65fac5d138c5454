"""Google Analytics 4: what visitors did on the site and in the app, from the BigQuery export.

API     daily tables `events_YYYYMMDD` (support.google.com/analytics/answer/7029846), exported to Cloud Storage as JSON lines
        or Parquet (cloud.google.com/bigquery/docs/exporting-data), any number of files each:
        `events_{day:%Y%m%d}*`, or as `files` of the connection's extra names them. `events_intraday_` tables are not read.
Grain   web_event: one event; of a product seen, or put into or out of the cart, one product of it.
Units   event_timestamp is microseconds UTC; engagement_time_msec milliseconds; values are in the event's currency.
Limits  1 GB a file of an export, 1,000,000 events a day of a property that is not 360.
Quirks  a table is of a day of the property's time zone, comes in its afternoon of the next day, and is written again for up
        to 72 hours: the three days before are read again. Exports in JSON write whole numbers as texts and leave nulls out.
        Events have no identifier: a hash of who, when, what and the place in the batch is one. Where analytics_storage is
        refused nothing is kept that tells visitors apart. `session_start` and `first_visit` repeat another event and give
        none. `geo.country` is an English name, no code, and is left out. Known robots are never exported.
"""

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import Epoch, Field, Files, Row, Source, Stream, Window, files, path_of, priced

FILES = "events_{day:%Y%m%d}*"


class Value(TypedDict):
    string_value: NotRequired[str | None]
    int_value: NotRequired[int | str | None]
    double_value: NotRequired[float | None]


class Param(TypedDict):
    key: str
    value: Value


class Item(TypedDict):
    item_id: NotRequired[str | None]
    item_category: NotRequired[str | None]
    price: NotRequired[float | None]
    quantity: NotRequired[int | str | None]


class Device(TypedDict):
    category: NotRequired[str | None]


class Privacy(TypedDict):
    analytics_storage: NotRequired[str | None]


class Traffic(TypedDict):
    manual_source: NotRequired[str | None]
    manual_campaign_name: NotRequired[str | None]


class Event(TypedDict):
    _file: str
    _day: str
    _offset: int
    event_timestamp: int | str
    event_name: str
    event_params: NotRequired[list[Param] | None]
    event_bundle_sequence_id: NotRequired[int | str | None]
    batch_page_id: NotRequired[int | str | None]
    batch_ordering_id: NotRequired[int | str | None]
    batch_event_index: NotRequired[int | str | None]
    user_pseudo_id: NotRequired[str | None]
    user_id: NotRequired[str | None]
    privacy_info: NotRequired[Privacy | None]
    platform: NotRequired[str | None]
    device: NotRequired[Device | None]
    collected_traffic_source: NotRequired[Traffic | None]
    items: NotRequired[list[Item] | None]


EVENT_TYPES = {
    "page_view": "page_view",
    "screen_view": "page_view",
    "view_item": "product_view",
    "search": "search",
    "view_search_results": "search",
    "scroll": "scroll",
    "user_engagement": "time_on_page",
    "click": "click",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "begin_checkout": "checkout",
    "purchase": "purchase",
    "file_download": "download",
    "form_submit": "form",
    "generate_lead": "form",
    "sign_up": "form",
    "login": "login",
}
"""Events that GA4 collects by itself or recommends; all others are `other`."""

REPEATED = ("session_start", "first_visit", "first_open")

OF_PRODUCTS = ("product_view", "add_to_cart", "remove_from_cart")

DEVICES = {"desktop": "desktop", "mobile": "mobile", "tablet": "tablet", "smart tv": "tv"}


def fetch_events(folder: Files, window: Window) -> Iterator[Event]:
    return folder.records(folder.connection.extra.get("files") or FILES, window, required=True)


def tidy_event(record: Event) -> Iterator[Row]:
    if record["event_name"] in REPEATED:
        return
    params = {p["key"]: _value(p["value"]) for p in record.get("event_params") or ()}
    may_know = (record.get("privacy_info") or {}).get("analytics_storage") != "No"
    visitor = record.get("user_pseudo_id") if may_know else None
    type_ = EVENT_TYPES.get(record["event_name"], "other")
    traffic = record.get("collected_traffic_source") or {}
    session, milliseconds = params.get("ga_session_id"), params.get("engagement_time_msec")
    of_event = {
        "type": type_,
        "channel": "web" if (record.get("platform") or "WEB") == "WEB" else "app",
        "visitor_id": visitor,
        "record_id": record.get("user_id") if may_know else None,
        # The number of a session is unique for its visitor only.
        "session_id": _hash(visitor, session) if visitor and session else None,
        "occurred_at": Epoch("event_timestamp", "us")(record).isoformat(),
        "path": path_of(_text(params, "link_url" if type_ == "download" else "page_location")),
        "seconds": None if milliseconds is None else int(milliseconds) // 1000,
        "scroll_percent": params.get("percent_scrolled"),
        "device": _device(record),
        "utm_source": traffic.get("manual_source"),
        "utm_campaign": traffic.get("manual_campaign_name"),
        "is_machine": False,
    }
    event_id = _event_id(record, visitor)
    products = (record.get("items") or ()) if type_ in OF_PRODUCTS else ()
    if not products:
        yield "web_event", of_event | {"event_id": event_id, **_valued(params.get("value"), params)}
    for n, item in enumerate(products, 1):
        price, quantity = item.get("price"), item.get("quantity")
        value = None if price is None else str(Decimal(str(price)) * (1 if quantity is None else int(quantity)))
        yield (
            "web_event",
            of_event
            | {
                "event_id": f"{event_id}:{n}",
                "product_id": item.get("item_id"),
                "category": item.get("item_category"),
                "quantity": quantity,
                **_valued(value, params),
            },
        )


def _value(value: Value) -> Any:
    """The one of its kinds that is set."""
    return next(
        (v for v in (value.get("string_value"), value.get("int_value"), value.get("double_value")) if v is not None),
        None,
    )


def _text(params: dict[str, Any], name: str) -> str | None:
    return None if params.get(name) is None else str(params[name])


def _valued(value: Any, params: dict[str, Any]) -> dict[str, Any]:
    """A value with its currency; one whose currency is not said is not known."""
    currency = params.get("currency")
    return {} if value is None or not currency else {"value_eur": value, **priced(str(currency))}


def _device(record: Event) -> str | None:
    category = (record.get("device") or {}).get("category")
    return DEVICES.get(category, "other") if category else None


def _event_id(record: Event, visitor: str | None) -> str:
    batch = ("event_bundle_sequence_id", "batch_page_id", "batch_ordering_id", "batch_event_index")
    return _hash(visitor, record["event_timestamp"], record["event_name"], *(record.get(name) for name in batch))


def _hash(*parts: object) -> str:
    return hashlib.sha256("|".join("" if part is None else str(part) for part in parts).encode()).hexdigest()[:32]


SOURCE = Source(
    name="ga4",
    title="Google Analytics 4",
    system=files(
        "ga4",
        "Google Analytics 4 export",
        fields=(Field("files", "Names of the files", FILES, "empty: as in the example"),),
    ),
    # Tables come in the afternoon of the property's time zone.
    cron="0 20 * * *",
    fresh_hours=72,
    streams=(
        Stream(
            "events", fetch_events, tidy_event, entities=("web_event",), cursor=Epoch("event_timestamp", "us"),
            reread_days=3, personal=("user_pseudo_id", "user_id"),
            ignores=("event_date", "event_previous_timestamp", "event_value_in_usd", "event_server_timestamp_offset",
                     "user_properties", "user_first_touch_timestamp", "user_ltv", "geo", "app_info", "traffic_source",
                     "session_traffic_source_last_click", "stream_id", "event_dimensions", "ecommerce", "is_active_user",
                     "publisher"),
        ),
    ),
)  # fmt: skip
