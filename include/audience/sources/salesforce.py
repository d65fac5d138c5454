"""Salesforce: contacts, leads and campaigns.

API     REST v67.0: `GET /services/data/v67.0/queryAll` for a day; Bulk API 2.0, `POST /services/data/v67.0/jobs/query`,
        for a longer window, whose results are pages of CSV named by the header `Sforce-Locator`. Half-open window on
        `SystemModstamp`. OAuth 2.0 JWT bearer: no password is stored and no SOAP login(), which ends in Summer '27.
Grain   contact: one Contact or one Lead; consent: one of them who opted out of e-mail; campaign: one Campaign that has begun.
Units   times are UTC; a campaign's `sent_at` is the midnight, UTC, of its start date.
Limits  up to 2,000 records a REST page, 10,000 a Bulk page; 10,000 Bulk jobs and 1 TB of results a day; the org's own
        number of API requests a day, beyond which it answers 403 REQUEST_LIMIT_EXCEEDED: tried again as a 429.
Quirks  deleted and merged records are told while they are in the recycle bin (15 days). An opt-out has no time of its own
        and takes that of the record's change; its absence proves nothing. A converted lead is told as deleted: the person
        lives on as a contact. A field that the user may not see is HTTP 400. Countries have codes only in an org with
        State and Country/Territory Picklists.
"""

import csv
import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NotRequired
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from audience.sources.contract import (
    Field,
    Rest,
    Row,
    Source,
    SourceReplyInvalid,
    SourceUnavailable,
    Stream,
    Window,
    jwt_bearer,
    rest,
)

if TYPE_CHECKING:
    from requests import Response


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
    HasOptedOutOfEmail: bool
    CreatedDate: str
    SystemModstamp: str
    IsDeleted: bool


class Lead(TypedDict):
    Id: str
    Email: str | None
    MobilePhone: str | None
    Phone: str | None
    FirstName: str | None
    LastName: str | None
    City: str | None
    PostalCode: str | None
    CountryCode: NotRequired[str | None]
    HasOptedOutOfEmail: bool
    IsConverted: bool
    CreatedDate: str
    SystemModstamp: str
    IsDeleted: bool


class Campaign(TypedDict):
    Id: str
    Name: str
    StartDate: str | None
    SystemModstamp: str
    IsDeleted: bool


API = "services/data/v67.0"

_BOOLEANS = {"true": True, "false": False}

_POLLS_S = (2, 4, 8, 16, *[30] * 240)
"""Seconds between two looks at a job: two hours in all."""


def fetch_contacts(api: Rest, window: Window) -> Iterator[Contact]:
    return _records(api, "Contact", Contact, window)


def fetch_leads(api: Rest, window: Window) -> Iterator[Lead]:
    return _records(api, "Lead", Lead, window)


def fetch_campaigns(api: Rest, window: Window) -> Iterator[Campaign]:
    return _records(api, "Campaign", Campaign, window)


def tidy_contact(record: Contact) -> Iterator[Row]:
    yield (
        "contact",
        {
            **_person(record),
            "birth_date": record["Birthdate"],
            "city": record["MailingCity"],
            "postal_code": record["MailingPostalCode"],
            "country": record.get("MailingCountryCode"),
            "is_deleted": record["IsDeleted"],
        },
    )
    yield from _opt_out(record, "Contact")


def tidy_lead(record: Lead) -> Iterator[Row]:
    yield (
        "contact",
        {
            **_person(record),
            "city": record["City"],
            "postal_code": record["PostalCode"],
            "country": record.get("CountryCode"),
            "is_deleted": record["IsDeleted"] or record["IsConverted"],
        },
    )
    yield from _opt_out(record, "Lead")


def tidy_campaign(record: Campaign) -> Iterator[Row]:
    if record["StartDate"] and not record["IsDeleted"]:
        sent_at = f"{record['StartDate']}T00:00:00Z"
        yield "campaign", {"campaign_id": record["Id"], "title": record["Name"], "sent_at": sent_at}


def in_bulk(api: Rest, query: str, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[dict[str, Any]]:
    """Records of a Bulk API 2.0 job, as REST would give them: null for an empty field, true and false for their names.

    Raises:
        SourceUnavailable: the job failed, was aborted, or is not done after two hours.
        SourceReplyInvalid: a page holds another number of records than it says.
    """
    place = f"{api.connection.name}: POST {API}/jobs/query"
    created = api.post(f"{API}/jobs/query", {"operation": "queryAll", "query": query})
    if not isinstance(created, dict) or not isinstance(created.get("id"), str):
        raise SourceReplyInvalid(f"{place}: the reply has no job 'id'")
    results, locator = f"{API}/jobs/query/{created['id']}/results", ""
    _await(api, f"{API}/jobs/query/{created['id']}", place, sleep)
    while locator != "null":
        params: dict[str, Any] = {"maxRecords": 10_000} | ({"locator": locator} if locator else {})
        body, headers = api.page(results, params, headers={"Accept": "text/csv"})
        rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        if str(len(rows)) != headers.get("Sforce-NumberOfRecords") or any(None in row.values() for row in rows):
            raise SourceReplyInvalid(f"{place}: found {len(rows)} whole records on a page, expected the number it says")
        yield from ({k: _BOOLEANS.get(v, v or None) for k, v in row.items()} for row in rows)
        following = headers.get("Sforce-Locator", "")
        if not following or following == locator:
            raise SourceReplyInvalid(f"{place}: the reply does not say whether there are more records")
        locator = following


def _await(api: Rest, job: str, place: str, sleep: Callable[[float], None]) -> None:
    for seconds in _POLLS_S:
        state = api.get(job).get("state")
        if state == "JobComplete":
            return
        if state not in ("UploadComplete", "InProgress"):
            raise SourceUnavailable(f"{place}: the job ended as {state}, expected JobComplete")
        sleep(seconds)
    raise SourceUnavailable(f"{place}: the job is not done after {sum(_POLLS_S)} s")


def _records(api: Rest, sobject: str, fields: Any, window: Window) -> Iterator[Any]:
    """Records of an object that changed in the window, deleted ones too."""
    has_codes = api.connection.extra.get("country_codes") != "no"
    names = [name for name in fields.__annotations__ if has_codes or not name.endswith("CountryCode")]
    since, until = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (window.start, window.end))
    changed = f"SystemModstamp >= {since} AND SystemModstamp < {until}"
    query = f"SELECT {', '.join(names)} FROM {sobject} WHERE {changed}"  # noqa: S608 - of this file's own words
    if window.end - window.start > timedelta(days=1):
        return in_bulk(api, query)
    return api.by_next_url(f"{API}/queryAll", "records", {"q": query}, url="nextRecordsUrl", total="totalSize")


def _person(record: Contact | Lead) -> dict[str, Any]:
    return {
        "record_id": record["Id"],
        "email": record["Email"],
        "phone": record["MobilePhone"] or record["Phone"],
        "first_name": record["FirstName"],
        "last_name": record["LastName"],
        "created_at": record["CreatedDate"],
        "updated_at": record["SystemModstamp"],
    }


def _opt_out(record: Contact | Lead, sobject: str) -> Iterator[Row]:
    if record["HasOptedOutOfEmail"] and record["Email"]:
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
                "proof": f"Salesforce {sobject} {record['Id']}, HasOptedOutOfEmail",
            },
        )


def _status(response: "Response") -> int:
    """429 for a used-up quota."""
    is_quota = response.status_code == 403 and b'"REQUEST_LIMIT_EXCEEDED"' in response.content
    return 429 if is_quota else response.status_code


def login_server(connection: Any) -> str:
    """Who an assertion is for: sandboxes and scratch orgs have their own login server."""
    host = urlsplit(connection.url).hostname or ""
    is_test = host.endswith((".sandbox.my.salesforce.com", ".scratch.my.salesforce.com"))
    return "https://test.salesforce.com" if is_test else "https://login.salesforce.com"


PEOPLE = ("Email", "MobilePhone", "Phone", "FirstName", "LastName")

SOURCE = Source(
    name="salesforce",
    title="Salesforce",
    system=rest(
        "salesforce", "Salesforce", status=_status,
        auth=jwt_bearer(lambda connection: f"{connection.url}/services/oauth2/token", audience=login_server),
        check=f"{API}/query?q=SELECT+Id+FROM+Contact+LIMIT+1",
        fields=(
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
            personal=(*PEOPLE, "Birthdate", "MailingCity", "MailingPostalCode"), deletions="in the record",
            ignores=("attributes",),
        ),
        Stream(
            "leads", fetch_leads, tidy_lead, entities=("contact", "consent"), cursor="SystemModstamp",
            personal=(*PEOPLE, "City", "PostalCode"), deletions="in the record", ignores=("attributes",),
        ),
        Stream("campaigns", fetch_campaigns, tidy_campaign, entities=("campaign",), cursor="SystemModstamp",
               ignores=("attributes",)),
    ),
)  # fmt: skip
