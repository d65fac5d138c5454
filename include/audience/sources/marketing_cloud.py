"""Salesforce Marketing Cloud Engagement: sends, and what happened to the e-mails: sent, open, click, bounce, unsubscribe.

API     SOAP (developer.salesforce.com/docs/marketing/marketing-cloud), `Retrieve` of SentEvent, OpenEvent, ClickEvent,
        BounceEvent, UnsubEvent by `EventDate` and of Send by `SentDate`, 2,500 rows and then `ContinueRequest`; addresses by
        `Retrieve` of Subscriber. OAuth 2 client credentials of an installed package that may read tracking events, lists
        and subscribers. The REST API has no tracking events, and the tracking extract needs a person to set it up.
Grain   event: one event of one subscriber of one send; consent: one unsubscription; campaign: one send.
Units   dates come in server time, which is UTC-6 all year, and are asked for in UTC.
Limits  2,500 rows a page; a token lives 20 minutes; clicks are known up to five minutes late.
Quirks  `EventDate` can be compared with `greaterThan` and `lessThan` only. A SOAP error is HTTP 500, wrong or expired
        credentials too. `SubscriberKey` may be an address or anything else, so each page of events asks for the
        subscribers it names; events of a subscriber who is gone are quarantined. Unsubscribing from one list counts as
        withdrawal like unsubscribing from all. Nothing tells opens by machines apart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NotRequired
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from typing_extensions import TypedDict

from audience.sources.contract import (
    Field,
    Iso,
    Rest,
    Row,
    Source,
    SourceReplyInvalid,
    Stream,
    System,
    Unusable,
    Window,
    client_credentials,
)

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

EVENT_TYPES = {
    "Sent": "sent",
    "Open": "open",
    "Click": "click",
    "HardBounce": "hard_bounce",
    "SoftBounce": "soft_bounce",
    "OtherBounce": "soft_bounce",
    "Unsubscribe": "unsubscribe",
}

SERVER_TIME = "Etc/GMT+6"
"""UTC-6: the sign of these names is turned round."""

OF_EVENT = ("SendID", "BatchID", "SubscriberKey", "EventDate", "EventType")

KEYS_AT_ONCE = 500
"""Subscribers that one request names."""


class Event(TypedDict):
    SendID: str
    BatchID: NotRequired[str]
    SubscriberKey: str
    SubscriberID: str | None
    EmailAddress: str | None
    EventDate: str
    EventType: str


class Send(TypedDict):
    ID: str
    EmailName: NotRequired[str]
    SentDate: str


happened_at, sent_at = Iso("EventDate", zone=SERVER_TIME), Iso("SentDate", zone=SERVER_TIME)


@dataclass(frozen=True)
class Soap:
    """One account's SOAP service."""

    rest: Rest

    def pages(self, kind: str, properties: tuple[str, ...], wanted: str) -> Iterator[list[dict[str, str]]]:
        """The rows of one kind of object, page by page, without the properties that are null.

        Args:
            wanted: the filter, as XML.
        Raises:
            SourceReplyInvalid: the answer is no SOAP, or says that the request failed.
        """
        place = f"{self.rest.connection.name}: Retrieve {kind}"
        while wanted:
            asked = _envelope(kind, properties, wanted)
            body = self.rest.text("POST", "Service.asmx", data=asked.encode(),
                                  headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "Retrieve"})  # fmt: skip
            try:
                reply = ElementTree.fromstring(body)  # noqa: S314 - expat bounds entities since 2.4.1 and fetches none
            except ElementTree.ParseError:
                raise SourceReplyInvalid(f"{place}: the reply is not XML ({len(body)} bytes)") from None
            status = reply.findtext(".//{*}OverallStatus") or "none"
            if status not in ("OK", "MoreDataAvailable"):
                raise SourceReplyInvalid(f"{place}: found status {status.partition(':')[0]!r}, expected 'OK'")
            yield [_cells(row) for row in reply.iterfind(".//{*}Results")]
            wanted = ""
            if status == "MoreDataAvailable":
                if not (following := reply.findtext(".//{*}RequestID")):
                    raise SourceReplyInvalid(f"{place}: the reply does not say how to read on")
                wanted = f"<ContinueRequest>{escape(following)}</ContinueRequest>"

    def check(self) -> str:
        for _ in self.pages("Send", ("ID",), f"<Filter {_SIMPLE}>{_compared('ID', 'equals', '0')}</Filter>"):
            pass
        return f"{self.rest.connection.name}: answered"

    def close(self) -> None:
        self.rest.close()


def fetch_sends(soap: Soap, window: Window) -> Iterator[Send]:
    for page in soap.pages("Send", ("ID", "EmailName", "SentDate"), _between("SentDate", window)):
        yield from page  # type: ignore[misc]


def fetch_events(soap: Soap, window: Window, *, kind: str) -> Iterator[Event]:
    for page in soap.pages(kind, OF_EVENT, _between("EventDate", window)):
        known = _subscribers(soap, {row["SubscriberKey"] for row in page if "SubscriberKey" in row})
        for row in page:
            subscriber = known.get(row.get("SubscriberKey", ""), {})
            yield {**row, "SubscriberID": subscriber.get("ID"), "EmailAddress": subscriber.get("EmailAddress")}  # type: ignore[typeddict-item]


def _subscribers(soap: Soap, keys: set[str]) -> dict[str, dict[str, str]]:
    """Subscribers by their key."""
    left, found = iter(sorted(keys)), {}
    while some := tuple(islice(left, KEYS_AT_ONCE)):
        wanted = f"<Filter {_SIMPLE}>{_compared('SubscriberKey', 'IN' if len(some) > 1 else 'equals', *some)}</Filter>"
        for page in soap.pages("Subscriber", ("ID", "SubscriberKey", "EmailAddress"), wanted):
            found.update({row["SubscriberKey"]: row for row in page if "SubscriberKey" in row})
    return found


def tidy_send(record: Send) -> Iterator[Row]:
    yield (
        "campaign",
        {"campaign_id": record["ID"], "title": record.get("EmailName"), "sent_at": sent_at(record).isoformat()},
    )


def tidy_event(record: Event) -> Iterator[Row]:
    if record["EventType"] not in EVENT_TYPES:
        raise Unusable("EventType is of a kind that is not known")
    if record["SubscriberID"] is None or record["EmailAddress"] is None:
        raise Unusable("no subscriber has this SubscriberKey")
    moment = happened_at(record).isoformat()
    place = (record["SendID"], record.get("BatchID", ""), record["EventType"], record["SubscriberID"], moment)
    yield (
        "event",
        {
            "event_id": ":".join(place),
            "type": EVENT_TYPES[record["EventType"]],
            "email": record["EmailAddress"],
            "campaign_id": record["SendID"],
            "occurred_at": moment,
            "received_at": moment,
            "is_machine": False,
        },
    )


def tidy_unsubscribed(record: Event) -> Iterator[Row]:
    yield from tidy_event(record)
    yield (
        "consent",
        {
            "consent_id": f"{record['SubscriberID']}:email_marketing",
            "email": record["EmailAddress"],
            "channel": "email",
            "purpose": "email_marketing",
            "status": "withdrawn",
            "captured_at": happened_at(record).isoformat(),
            "proof": f"Marketing Cloud UnsubEvent of subscriber {record['SubscriberID']}, send {record['SendID']}",
        },
    )


def _cells(row: ElementTree.Element) -> dict[str, str]:
    return {cell.tag.rpartition("}")[2]: cell.text for cell in row if cell.text}


# -- the envelope ----------------------------------------------------------------------------------------------------------

_SIMPLE = 'xsi:type="SimpleFilterPart"'


def _envelope(kind: str, properties: tuple[str, ...], wanted: str) -> str:
    names = "".join(f"<Properties>{name}</Properties>" for name in properties)
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<s:Header><fueloauth xmlns="http://exacttarget.com"></fueloauth></s:Header>'
        '<s:Body><RetrieveRequestMsg xmlns="http://exacttarget.com/wsdl/partnerAPI"><RetrieveRequest>'
        f"<ObjectType>{kind}</ObjectType>{names}{wanted}"
        "</RetrieveRequest></RetrieveRequestMsg></s:Body></s:Envelope>"
    )


def _between(name: str, window: Window) -> str:
    after = _compared(name, "greaterThan", f"{window.start - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}", tag="DateValue")
    before = _compared(name, "lessThan", f"{window.end:%Y-%m-%dT%H:%M:%SZ}", tag="DateValue")
    return (
        f'<Filter xsi:type="ComplexFilterPart"><LeftOperand {_SIMPLE}>{after}</LeftOperand>'
        f"<LogicalOperator>AND</LogicalOperator><RightOperand {_SIMPLE}>{before}</RightOperand></Filter>"
    )


def _compared(name: str, operator: str, *values: str, tag: str = "Value") -> str:
    texts = "".join(f"<{tag}>{escape(value)}</{tag}>" for value in values)
    return f"<Property>{name}</Property><SimpleOperator>{operator}</SimpleOperator>{texts}"


# -- how it is opened --------------------------------------------------------------------------------------------------------


def _put(request: "PreparedRequest", token: str) -> None:
    """The token stands in the envelope's header."""
    assert isinstance(request.body, bytes)
    body = re.sub(rb"(<fueloauth [^>]*>)[^<]*", lambda m: m[1] + escape(token).encode(), request.body, count=1)
    request.body = body
    request.prepare_content_length(body)


def _status(response: "Response") -> int:
    """Refused credentials are a SOAP fault, and so an HTTP 500."""
    refused = response.status_code == 500 and re.search(
        rb"FailedAuthentication|Login Failed|Token Expired", response.content
    )
    return 401 if refused else response.status_code


@dataclass(frozen=True)
class _AsJson:
    """A session that posts JSON where a form was given: the only form that the token endpoint documents."""

    session: Any

    def post(self, url: str, data: dict[str, str], headers: dict[str, str]) -> Any:
        return self.session.post(url, json=data, headers=headers)


def _opened(connection: Any) -> Soap:
    def auth(connection: Any, session: Any) -> Any:
        account = connection.extra.get("account_id")
        request = {"account_id": str(account)} if account else {}
        signed = client_credentials(lambda c: c.url.replace(".soap.", ".auth.") + "/v2/token", put=_put, **request)
        return signed(connection, _AsJson(session))  # type: ignore[arg-type]

    return Soap(Rest(connection.at(""), auth, status=_status))


SOURCE = Source(
    name="marketing_cloud",
    title="Salesforce Marketing Cloud",
    system=System(
        "marketing_cloud",
        "Salesforce Marketing Cloud",
        _opened,
        (
            Field("host", "SOAP base URI", "https://mc-sub-domain.soap.marketingcloudapis.com", "of the installed package"),
            Field("login", "Client id", help="of the installed package"),
            Field("password", "Client secret", is_secret=True),
            Field("account_id", "Business unit", "7281698", "MID; empty: the one of the package"),
        ),
    ),
    streams=(
        Stream("sends", fetch_sends, tidy_send, entities=("campaign",), cursor=sent_at, reread_days=1),
        *(
            Stream(
                name, partial(fetch_events, kind=kind), tidy, entities=entities, cursor=happened_at, reread_days=1,
                personal=("EmailAddress", "SubscriberKey"),
            )
            for name, kind, tidy, entities in (
                ("sent", "SentEvent", tidy_event, ("event",)),
                ("opens", "OpenEvent", tidy_event, ("event",)),
                ("clicks", "ClickEvent", tidy_event, ("event",)),
                ("bounces", "BounceEvent", tidy_event, ("event",)),
                ("unsubscribes", "UnsubEvent", tidy_unsubscribed, ("event", "consent")),
            )
        ),
    ),
)  # fmt: skip
