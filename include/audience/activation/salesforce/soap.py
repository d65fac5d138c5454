"""Marketing Cloud's SOAP messages (developer.salesforce.com/docs/marketing/marketing-cloud): what is asked, and what is answered.

The token stands in the envelope's header, and is put there when the message is sent.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from audience.core.errors import DestinationUnavailable

SERVER_TIME = timezone(timedelta(hours=-6))
"""Of dates in answers, all year (guide: incoming date normalization)."""

ROW = "DataExtensionObject"

_TOKEN = re.compile(rb"(<fueloauth [^>]*>)[^<]*")


@dataclass(frozen=True)
class Reply:
    """An answer.

    Args:
        status: of the whole: OK, MoreDataAvailable, Has Errors, Error...
        rows: property -> value of each result, without those that are null.
        request_id: goes on with a retrieval of which there is more.
    """

    status: str
    rows: Sequence[Mapping[str, str]]
    request_id: str


def read(body: bytes) -> Reply:
    """Raises DestinationUnavailable for what is no SOAP answer: a torn one, or a page of some proxy."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - expat bounds entities since 2.4.1 and fetches none
    except ElementTree.ParseError:
        raise DestinationUnavailable(f"marketing_cloud: the answer is not XML ({len(body)} bytes)") from None
    if not (status := root.findtext(".//{*}OverallStatus")):
        raise DestinationUnavailable("marketing_cloud: an answer without OverallStatus")
    rows = [_cells(row) for row in root.iterfind(".//{*}Results")]
    return Reply(status, rows, root.findtext(".//{*}RequestID") or "")


def _cells(row: ElementTree.Element) -> dict[str, str]:
    """Objects have their values as elements, rows and events as named properties."""
    found = {cell.tag.rpartition("}")[2]: cell.text for cell in row if cell.text and cell.text.strip()}
    for one in row.iterfind("{*}Properties/{*}Property"):
        found[one.findtext("{*}Name") or ""] = one.findtext("{*}Value") or ""
    return {name: text for name, text in found.items() if text}


def instant(text: str) -> datetime:
    """A date of an answer."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=SERVER_TIME)).astimezone(UTC)


# -- what is asked ---------------------------------------------------------------------------------------------------------


def retrieve(kind: str, properties: Iterable[str], wanted: str = "") -> bytes:
    """`wanted`: a filter, or `following` of an earlier answer."""
    names = "".join(f"<Properties>{escape(name)}</Properties>" for name in properties)
    asked = f"<ObjectType>{escape(kind)}</ObjectType>{names}{wanted}"
    return _envelope("RetrieveRequestMsg", f"<RetrieveRequest>{asked}</RetrieveRequest>")


def following(request_id: str) -> str:
    return f"<ContinueRequest>{escape(request_id)}</ContinueRequest>"


def among(name: str, values: Sequence[str]) -> str:
    """A filter: the property is one of these; `IN` takes two at least."""
    told = "".join(f"<Value>{escape(value)}</Value>" for value in values)
    return _simple(name, "IN" if len(values) > 1 else "equals", told)


def since(name: str, moment: datetime) -> str:
    """A filter: the property is this instant or later. Dates know `greaterThan` only, and seconds."""
    before = moment.astimezone(UTC) - timedelta(seconds=1)
    return _simple(name, "greaterThan", f"<DateValue>{before:%Y-%m-%dT%H:%M:%SZ}</DateValue>")


def both(left: str, right: str) -> str:
    sides = f"{_part('LeftOperand', left)}<LogicalOperator>AND</LogicalOperator>{_part('RightOperand', right)}"
    return f'<Filter xsi:type="ComplexFilterPart">{sides}</Filter>'


def _simple(name: str, how: str, told: str) -> str:
    inside = f"<Property>{escape(name)}</Property><SimpleOperator>{how}</SimpleOperator>{told}"
    return f'<Filter xsi:type="SimpleFilterPart">{inside}</Filter>'


def _part(side: str, wanted: str) -> str:
    return f"<{side}{wanted.removeprefix('<Filter').removesuffix('</Filter>')}</{side}>"


def create(objects: Iterable[str]) -> bytes:
    return _envelope("CreateRequest", "".join(objects))


def update(objects: Iterable[str]) -> bytes:
    return _envelope("UpdateRequest", "".join(objects))


def delete(objects: Iterable[str]) -> bytes:
    return _envelope("DeleteRequest", "".join(objects))


def extension(key: str, fields: str, *, name: str = "") -> str:
    """A data extension; with a name it is a new one, to which mail can be sent, its people told by `SubscriberKey`."""
    sendable = (
        f"<Name>{escape(name)}</Name><IsSendable>true</IsSendable>"
        "<SendableDataExtensionField><Name>SubscriberKey</Name></SendableDataExtensionField>"
        "<SendableSubscriberField><Name>Subscriber Key</Name></SendableSubscriberField>"
    )
    told = f"<CustomerKey>{escape(key)}</CustomerKey>{sendable if name else ''}<Fields>{fields}</Fields>"
    return f'<Objects xsi:type="DataExtension">{told}</Objects>'


def field(name: str, kind: str, *, length: int | None = None, is_key: bool = False) -> str:
    told = f"<Name>{escape(name)}</Name><FieldType>{kind}</FieldType>"
    told += f"<MaxLength>{length}</MaxLength>" if length else ""
    told += "<IsPrimaryKey>true</IsPrimaryKey><IsRequired>true</IsRequired>" if is_key else ""
    return f"<Field>{told}</Field>"


def row(extension_key: str, subscriber_key: str) -> str:
    """A row, by its primary key."""
    key = f"<Key><Name>SubscriberKey</Name><Value>{escape(subscriber_key)}</Value></Key>"
    return f'<Objects xsi:type="{ROW}"><CustomerKey>{escape(extension_key)}</CustomerKey><Keys>{key}</Keys></Objects>'


def _envelope(name: str, content: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        '<s:Header><fueloauth xmlns="http://exacttarget.com"></fueloauth></s:Header>'
        f'<s:Body><{name} xmlns="http://exacttarget.com/wsdl/partnerAPI">{content}</{name}></s:Body></s:Envelope>'
    ).encode()


def signed(envelope: bytes, token: str) -> bytes:
    """The envelope with this token, in the place of an older one."""
    return _TOKEN.sub(lambda found: found[1] + escape(token).encode(), envelope, count=1)


def refuses_token(status: int, body: bytes) -> bool:
    """Whatever is wrong with a SOAP request is a fault and HTTP 500, a refused token too."""
    return status == 500 and re.search(rb"FailedAuthentication|Login Failed|Token Expired", body) is not None
