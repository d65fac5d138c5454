"""Matomo: what visitors did on a site, visit by visit, from its visitor log.

API     HTTP, `Live.getLastVisitsDetails`: the visits whose last action is after `minTimestamp`, oldest first; the last one of
        a page says where the next page begins. https://developer.matomo.org/api-reference/reporting-api
Grain   web_event: one action of a visit; the abandoned cart of a visit, and each product that is left in it; one order.
Units   times are UTC, to the second; seconds is the time on a page; values are in the site's currency.
Limits  500 visits a page. No limit of requests on one's own server: two a second are sent.
Quirks  a visit grows until half an hour after its last action: it is of the day of its last action, comes whole, and comes
        again when it has grown; its actions keep their identifiers. Requests may be tracked up to a day late: the day
        before is read again. `date` counts in days of the site's time zone, and a day on which clocks are set back ends
        an hour early; `filter_offset` skips visits in ranges of several days (Matomo 5, plugins/Live/Model.php). So a
        range is asked for that is a day wider on both sides, and pages begin at a time. Goals repeat an action and are
        left out. Matomo tracks no robots unless it is told to, and marks none. The token is sent in the body of a POST.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import (
    Epoch,
    Field,
    Rest,
    Row,
    Source,
    SourceRefused,
    SourceReplyInvalid,
    Stream,
    System,
    Unusable,
    Window,
    path_of,
    priced,
)

PAGE_SIZE = 500

Number = int | float | str
"""Matomo tells the numbers of its database as text, or not, by the version of PHP."""


class Item(TypedDict):
    itemSKU: str
    itemCategory: NotRequired[str | None]
    price: NotRequired[Number | None]
    quantity: NotRequired[int | str | None]


class Action(TypedDict):
    type: str | int | None
    timestamp: int
    pageId: NotRequired[int | str | None]
    url: NotRequired[str | None]
    timeSpent: NotRequired[int | str | None]
    productViewSku: NotRequired[str | None]
    productViewCategories: NotRequired[list[str]]
    orderId: NotRequired[str | int]
    revenue: NotRequired[Number | None]
    items: NotRequired[int | str | None]
    itemDetails: NotRequired[list[Item]]


class Visit(TypedDict):
    idVisit: int | str
    lastActionTimestamp: int
    siteCurrency: str
    actionDetails: list[Action]
    visitorId: NotRequired[str | bool | None]
    userId: NotRequired[str | None]
    countryCode: NotRequired[str | None]
    deviceType: NotRequired[str | None]
    referrerType: NotRequired[str | None]
    referrerName: NotRequired[str | None]


COLUMNS = tuple(Visit.__annotations__)

EVENT_TYPES = {"action": "page_view", "outlink": "click", "download": "download", "search": "search", "form": "form"}

DEVICES = {"desktop": "desktop", "smartphone": "mobile", "phablet": "mobile", "feature phone": "mobile",
           "tablet": "tablet", "tv": "tv"}  # fmt: skip


def token_in_body(connection: Any, _session: Any) -> Any:
    """Every request is a POST with the token in its body: an address is written to logs."""

    def sign(request: Any) -> Any:
        request.method = "POST"
        request.prepare_body({"token_auth": connection.password.reveal()}, None)
        return request

    return sign


class Matomo(Rest):
    """The API of one site."""

    def check(self) -> str:
        self.ask("SitesManager.getSiteFromId")
        return f"{self.connection.name}: answered"

    def ask(self, method: str, **asked: str | int) -> Any:
        """The reply to a method. Matomo answers 200 when it refuses one, too."""
        site = self.connection.setting("site_id")
        reply = self.post("index.php", params={"module": "API", "method": method, "format": "JSON", "language": "en",
                                               "idSite": site, **asked})  # fmt: skip
        if isinstance(reply, dict) and reply.get("result") == "error":
            said, name = str(reply.get("message")), self.connection.name
            if "access" in said or "authenticate" in said:
                raise SourceRefused(f"{name}: {method}: the token may not read site {site}; check connection {name!r}")
            raise SourceReplyInvalid(f"{name}: {method}: Matomo answered with an error")
        return reply


def fetch_visits(api: Matomo, window: Window) -> Iterator[dict[str, Any]]:
    """Keyset paging: a visit that grows meanwhile moves to a later page, none moves to an earlier one."""
    days = f"{window.start - timedelta(days=1):%Y-%m-%d},{window.end:%Y-%m-%d}"
    last, seen = int(window.start.timestamp()), set[Any]()
    while True:
        page = api.ask(
            "Live.getLastVisitsDetails", period="range", date=days, minTimestamp=last - 1, filter_sort_order="asc",
            filter_limit=PAGE_SIZE, showColumns=",".join(COLUMNS),
        )  # fmt: skip
        if not (isinstance(page, list) and all(isinstance(v, dict) and _is_told(v) for v in page)):
            raise SourceReplyInvalid(
                f"{api.connection.name}: Live.getLastVisitsDetails: the reply is no list of visits"
            )
        fresh = [visit for visit in page if visit["idVisit"] not in seen]
        # A server that does not know showColumns sends everything, network addresses too.
        yield from ({name: visit[name] for name in COLUMNS if name in visit} for visit in fresh)
        if not fresh and len(page) >= PAGE_SIZE:
            raise SourceReplyInvalid(f"{api.connection.name}: more than {PAGE_SIZE} visits end in the same second")
        if not fresh or page[-1]["lastActionTimestamp"] >= window.end.timestamp():
            return
        last = page[-1]["lastActionTimestamp"]
        seen = {visit["idVisit"] for visit in page if visit["lastActionTimestamp"] == last}


def _is_told(visit: dict[str, Any]) -> bool:
    return isinstance(visit.get("lastActionTimestamp"), int) and isinstance(visit.get("idVisit"), int | str)


def tidy_visit(record: Visit) -> Iterator[Row]:
    user, visitor = record.get("userId"), record.get("visitorId")
    country = (record.get("countryCode") or "").upper()
    device = (record.get("deviceType") or "").lower()
    of_visit = {
        "channel": "web",
        "visitor_id": visitor if isinstance(visitor, str) else None,
        "record_id": user if user and "@" not in user else None,
        "email": user if user and "@" in user else None,
        "session_id": str(record["idVisit"]),
        "country": country if len(country) == 2 and country != "XX" else None,
        "device": DEVICES.get(device, "other") if device else None,
        "utm_campaign": record.get("referrerName") if record.get("referrerType") == "campaign" else None,
        "is_machine": False,
    }
    for action in record["actionDetails"]:
        for event in _events(action, str(record["idVisit"]), record["siteCurrency"]):
            yield "web_event", {**of_visit, "occurred_at": _iso(action), **event}


def _iso(action: Action) -> str:
    return Epoch("timestamp")(action).isoformat()


def _events(action: Action, visit: str, currency: str) -> Iterator[dict[str, Any]]:
    """What an action of a visit is, without what it shares with the others."""
    kind = str(action["type"])
    if kind == "goal":
        return
    if kind in ("ecommerceOrder", "ecommerceAbandonedCart"):
        is_order = kind == "ecommerceOrder"
        yield {
            "event_id": f"order:{action['orderId']}" if is_order else f"cart:{visit}",
            "type": "purchase" if is_order else "cart_abandoned",
            "quantity": action.get("items"),
            "value_eur": str(_amount(action.get("revenue"))),
            **priced(currency),
        }
        for item in () if is_order else action.get("itemDetails", ()):
            pieces = item.get("quantity") or 1
            yield {
                "event_id": f"cart:{visit}:{item['itemSKU']}",
                "type": "add_to_cart",
                "product_id": item["itemSKU"],
                "category": item.get("itemCategory"),
                "quantity": pieces,
                "value_eur": str(_amount(item.get("price")) * _amount(pieces)),
                **priced(currency),
            }
        return
    product, seconds = action.get("productViewSku"), action.get("timeSpent")
    yield {
        "event_id": f"action:{action['pageId']}",
        "type": "product_view" if product else EVENT_TYPES.get(kind, "other"),
        "path": path_of(action.get("url")) if kind != "outlink" else None,
        "product_id": product,
        "category": next(iter(action.get("productViewCategories", ())), None),
        "seconds": seconds if seconds not in (0, "0") else None,
    }


def _amount(found: Number | None) -> Decimal:
    try:
        return Decimal(str(found or 0))
    except InvalidOperation:
        raise Unusable("an amount is no number") from None


SOURCE = Source(
    name="matomo",
    title="Matomo",
    system=System(
        "matomo", "Matomo",
        lambda connection: Matomo(connection.at(""), token_in_body, requests_per_second=2),
        fields=(
            Field("host", "Address", "https://stats.shop.example"),
            Field("password", "token_auth", is_secret=True, help="Personal, Security, Auth tokens; only for POST requests"),
            Field("site_id", "Site", "1", help="Measurables: the number of the site"),
        ),
    ),
    streams=(
        Stream(
            "visits", fetch_visits, tidy_visit, entities=("web_event",), cursor=Epoch("lastActionTimestamp"),
            personal=("visitorId", "userId", "actionDetails[].url"),
            reread_days=1,
        ),
    ),
)  # fmt: skip
