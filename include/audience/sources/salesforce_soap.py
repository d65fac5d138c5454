"""Salesforce over SOAP: contacts and their deletions, for an org whose policy leaves only the SOAP API open.

API     SOAP 1.1, Partner WSDL v67.0, `POST /services/Soap/u/67.0`: `query` and `queryMore` with a half-open window on
        `SystemModstamp`, `getDeleted`. The OAuth 2.0 token of a JWT bearer is the session; login() ends in Summer '27.
Grain   contact: one Contact; consent: one Contact who opted out of e-mail.
Units   times are UTC.
Limits  2,000 records a page; 600,000 deletions a call; the org's own number of API requests a day.
Quirks  a fault is HTTP 500 whatever it means: an expired session is read as 401, a used-up quota as 429, and both are
        treated so. A reply with a document type is refused, as SOAP 1.1 (section 3) demands. Deletions are told for 15
        days: an older window has none. They are only whole when the org says that it has covered the window. An opt-out
        has no time of its own and takes that of the contact's change.
"""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, cast

from typing_extensions import TypedDict

from audience.sources.contract import (
    Field,
    Rest,
    Row,
    Source,
    SourceReplyInvalid,
    SourceUnavailable,
    Stream,
    System,
    Window,
    jwt_bearer,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from requests import PreparedRequest, Response


class Contact(TypedDict):
    Id: str
    Email: str | None
    MobilePhone: str | None
    Phone: str | None
    FirstName: str | None
    LastName: str | None
    Birthdate: str | None
    MailingCity: str | None
    MailingPostalCode: str | None
    MailingCountryCode: NotRequired[str | None]
    HasOptedOutOfEmail: str
    CreatedDate: str
    SystemModstamp: str


class Deleted(TypedDict):
    id: str
    deletedDate: str


PATH = "services/Soap/u/67.0"

ENVELOPE = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns:urn="urn:partner.soap.sforce.com"><soapenv:Header><urn:SessionHeader><urn:sessionId></urn:sessionId>\
</urn:SessionHeader><urn:QueryOptions><urn:batchSize>2000</urn:batchSize></urn:QueryOptions></soapenv:Header>\
<soapenv:Body><urn:{call}>{arguments}</urn:{call}></soapenv:Body></soapenv:Envelope>"""

STATUS = {"INVALID_SESSION_ID": 401, "INSUFFICIENT_ACCESS": 403, "API_DISABLED_FOR_ORG": 403, "API_CURRENTLY_DISABLED": 403,
          "REQUEST_LIMIT_EXCEEDED": 429, "SERVER_UNAVAILABLE": 503, "QUERY_TIMEOUT": 503}  # fmt: skip
"""What these faults would be in HTTP."""

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

TOLD_FOR = timedelta(days=14)
"""Of the 15 days that deletions are told for, those that are safe in every time zone."""


class Fault(SourceReplyInvalid):
    """A SOAP fault that no other try changes. `code` is a word of the API: MALFORMED_QUERY."""

    def __init__(self, place: str, code: str) -> None:
        super().__init__(f"{place}: found the fault {code}, expected a result")
        self.code = code


class Soap:
    """The Partner API of one org. Raises as Rest does, and Fault."""

    def __init__(self, connection: Any) -> None:
        auth = jwt_bearer(lambda c: f"{c.url}/services/oauth2/token", audience=_audience, put=in_session_header)
        self.connection = connection.at("")
        self._rest = Rest(self.connection, auth, status=self._status)

    def check(self) -> str:
        self.call("getUserInfo")
        return f"{self.connection.name}: answered"

    def close(self) -> None:
        self._rest.close()

    def call(self, call: str, **arguments: str) -> "Element":
        """The `result` of one call."""
        inner = "".join(f"<urn:{k}>{html.escape(v, quote=False)}</urn:{k}>" for k, v in arguments.items())
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
        envelope = ENVELOPE.format(call=call, arguments=inner).encode()
        reply = _parsed(self._rest.text("POST", PATH, data=envelope, headers=headers))
        result = None if reply is None else reply.find(f".//{{*}}{call}Response/{{*}}result")
        if result is None:
            raise SourceReplyInvalid(f"{self._place}: the reply to {call} is no SOAP envelope with a result")
        return result

    @property
    def _place(self) -> str:
        return f"{self.connection.name}: POST {PATH}"

    def _status(self, response: "Response") -> int:
        """What a fault means in HTTP, before anything is tried again: a 500 would be."""
        reply = _parsed(response.content) if response.status_code == 500 else None
        said = reply.findtext(".//{*}Fault/{*}faultcode") if reply is not None else None
        code = re.fullmatch(r"sf:([A-Z_]+)", said or "")
        if code is None:
            return response.status_code
        if code[1] not in STATUS:
            raise Fault(self._place, code[1])
        return STATUS[code[1]]


def in_session_header(request: "PreparedRequest", token: str) -> None:
    """The token as the envelope's session: this API has no Authorization header."""
    session, envelope = f"<urn:sessionId>{html.escape(token)}<".encode(), cast(bytes, request.body)
    request.prepare_body(re.sub(rb"<urn:sessionId>[^<]*<", lambda _: session, envelope), files=None)


def fetch_contacts(api: Soap, window: Window) -> Iterator[Contact]:
    has_codes = api.connection.extra.get("country_codes") != "no"
    names = [name for name in Contact.__annotations__ if has_codes or name != "MailingCountryCode"]
    changed = f"SystemModstamp >= {_instant(window.start)} AND SystemModstamp < {_instant(window.end)}"
    query = f"SELECT {', '.join(names)} FROM Contact WHERE {changed}"  # noqa: S608 - of this file's own words
    result, received, locator = api.call("query", queryString=query), 0, ""
    while True:
        records = [_fields(record) for record in result.findall("{*}records")]
        received += len(records)
        yield from records  # type: ignore[misc]
        said = _fields(result)
        if said.get("done") == "true":
            break
        if said.get("done") != "false" or said.get("queryLocator") in (None, locator):
            raise SourceReplyInvalid(f"{api.connection.name}: the reply does not say whether there are more contacts")
        locator = said["queryLocator"] or ""
        result = api.call("queryMore", queryLocator=locator)
    if said.get("size") != str(received):
        raise SourceUnavailable(f"{api.connection.name}: found {received} contacts, expected {said.get('size')}")


def fetch_deleted(api: Soap, window: Window) -> Iterator[Deleted]:
    start = max(window.start, window.end - TOLD_FOR)
    try:
        result = api.call("getDeleted", sObjectType="Contact", startDate=_instant(start), endDate=_instant(window.end))
    except Fault as fault:
        if fault.code == "INVALID_REPLICATION_DATE":  # the window is older than what is told
            return
        raise
    covered = _fields(result).get("latestDateCovered")
    if covered and datetime.fromisoformat(covered) < window.end:
        raise SourceUnavailable(f"{api.connection.name}: deletions are known until {covered}, expected {window.end}")
    yield from (_fields(record) for record in result.findall("{*}deletedRecords"))  # type: ignore[misc]


def tidy_contact(record: Contact) -> Iterator[Row]:
    yield (
        "contact",
        {
            "record_id": record["Id"],
            "email": record["Email"],
            "phone": record["MobilePhone"] or record["Phone"],
            "first_name": record["FirstName"],
            "last_name": record["LastName"],
            "birth_date": record["Birthdate"],
            "city": record["MailingCity"],
            "postal_code": record["MailingPostalCode"],
            "country": record.get("MailingCountryCode"),
            "created_at": record["CreatedDate"],
            "updated_at": record["SystemModstamp"],
            "is_deleted": False,
        },
    )
    if record["HasOptedOutOfEmail"] == "true" and record["Email"]:
        yield (
            "consent",
            {
                "consent_id": f"{record['Id']}:HasOptedOutOfEmail",
                "record_id": record["Id"],
                "email": record["Email"],
                "channel": "email",
                "purpose": "email_marketing",
                "status": "withdrawn",
                "captured_at": record["SystemModstamp"],
                "proof": f"Salesforce Contact {record['Id']}, HasOptedOutOfEmail",
            },
        )


def tidy_deleted(record: Deleted) -> Iterator[Row]:
    yield "contact", {"record_id": record["id"], "updated_at": record["deletedDate"], "is_deleted": True}


def _parsed(body: bytes) -> "Element | None":
    """The document; None when it is no XML, or has a document type, whose entities can be bombs or files."""
    from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

    try:
        return fromstring(body, forbid_dtd=True)  # type: ignore[no-any-return]
    except (ParseError, ValueError, RecursionError):
        return None


def _fields(element: "Element") -> dict[str, str | None]:
    """The texts of an element's children, by name without namespace; null where `xsi:nil` says so."""
    return {child.tag.rpartition("}")[2]: None if child.get(NIL) == "true" else child.text or "" for child in element}


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _audience(connection: Any) -> str:
    """Who an assertion is for: sandboxes and scratch orgs have their own login server."""
    is_test = any(part in connection.url for part in (".sandbox.my.salesforce.com", ".scratch.my.salesforce.com"))
    return "https://test.salesforce.com" if is_test else "https://login.salesforce.com"


SOURCE = Source(
    name="salesforce_soap",
    title="Salesforce (SOAP)",
    system=System(
        "salesforce_soap", "Salesforce (SOAP)", Soap,
        (
            Field("host", "Address", "https://shop.my.salesforce.com", help="Setup, My Domain."),
            Field("login", "Consumer key", help="Of the external client app with the JWT bearer flow."),
            Field("password", "Private key", is_secret=True, help="PEM, without a passphrase; its certificate is in the app."),
            Field("username", "User", "integration@shop.example", help="On whose behalf it is read; approved for the app."),
            Field("country_codes", "Country codes", "yes", help="no: the org has no State and Country/Territory Picklists."),
        ),
    ),
    streams=(
        Stream(
            "contacts", fetch_contacts, tidy_contact, entities=("contact", "consent"), cursor="SystemModstamp",
            personal=("Email", "MobilePhone", "Phone", "FirstName", "LastName", "Birthdate", "MailingCity",
                      "MailingPostalCode"),
            deletions="own stream", ignores=("type",),
        ),
        Stream("deleted", fetch_deleted, tidy_deleted, entities=("contact",), cursor="deletedDate",
               deletions="own stream"),
    ),
)  # fmt: skip
