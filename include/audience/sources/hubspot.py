"""HubSpot: contacts, their subscription to marketing e-mail, deletions, and what happened to each marketing e-mail.

API     REST, dated endpoints `2026-09`: `POST /crm/objects/2026-09/contacts/search` on `lastmodifieddate`, each page
        with `POST /communication-preferences/2026-09/statuses/batch/read`; `GET /crm/objects/2026-09/contacts?archived=true`;
        `GET /email/public/v1/events` (the dated events API leaves marketing e-mail out).
Grain   contact: one CRM record; consent: one contact and the subscription type named in the connection, and one opt-out
        of all e-mail; event: one event of one e-mail.
Units   times are UTC; the search is asked in milliseconds since 1970.
Limits  200 contacts a search and five searches a second; 10,000 results a search, which is never reached: a page is asked
        for by the identifier it begins after, so that a contact that changes meanwhile moves no other to another page.
        100 archived contacts and 1,000 events a page; 190 requests in ten seconds, 250,000 to 1,000,000 a day.
Quirks  a subscription counts as consent only with the legal basis CONSENT_WITH_NOTICE and its explanation; an opt-out of
        all e-mail has no time of its own and takes that of the contact's change. Archived contacts are listed for 90 days
        and only as a whole; contacts erased for GDPR are never told. Merging gives tombstones of the merged records.
"""

import time
from collections.abc import Iterator
from typing import Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import (
    Epoch,
    Field,
    Rest,
    Row,
    Source,
    SourceReplyInvalid,
    Stream,
    Window,
    bearer,
    rest,
)


class Properties(TypedDict):
    lastmodifieddate: str
    email: NotRequired[str | None]
    firstname: NotRequired[str | None]
    lastname: NotRequired[str | None]
    phone: NotRequired[str | None]
    city: NotRequired[str | None]
    zip: NotRequired[str | None]
    hs_country_region_code: NotRequired[str | None]
    hs_email_optout: NotRequired[str | None]
    hs_merged_object_ids: NotRequired[str | None]


class Status(TypedDict):
    subscriptionId: int
    status: str
    timestamp: NotRequired[str | None]
    legalBasis: NotRequired[str | None]
    legalBasisExplanation: NotRequired[str | None]


class Contact(TypedDict):
    """`status` is none of the search's fields: it is the contact's answer to the connection's subscription type."""

    id: str
    createdAt: str
    properties: Properties
    status: Status | None


class Archived(TypedDict):
    id: str
    createdAt: str
    archivedAt: str


class Event(TypedDict):
    id: str
    type: str
    created: int
    recipient: NotRequired[str]
    emailCampaignId: NotRequired[int]
    filteredEvent: NotRequired[bool]
    category: NotRequired[str]
    status: NotRequired[str]
    portalSubscriptionStatus: NotRequired[str]


CONTACTS = "crm/objects/2026-09/contacts"
STATUSES = "communication-preferences/2026-09/statuses/batch/read"

_BETWEEN_SEARCHES_S = 0.25
"""Five searches a second are allowed to the whole account; the limit of other requests is 19 a second."""

EVENT_TYPES = {"SENT": "sent", "DELIVERED": "delivered", "OPEN": "open", "CLICK": "click", "SPAMREPORT": "complaint"}
"""BOUNCE and STATUSCHANGE are told apart by other fields; what else there is says nothing about a person."""


def fetch_contacts(api: Rest, window: Window) -> Iterator[Contact]:
    subscription, last = api.connection.setting("subscription_id"), 0
    while True:
        reply = api.post(f"{CONTACTS}/search", _search(window, last))
        contacts = _list(api, reply, "results")
        try:
            left, places = int(reply["total"]), [last, *(int(contact["id"]) for contact in contacts)]
            emails = [contact["properties"].get("email") or "" for contact in contacts]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _invalid(api, "has no total, or a contact without id and properties") from None
        if places != sorted(set(places)) or (left > 0 and not contacts):
            raise _invalid(api, "does not follow the page before")
        answers = _answers(api, subscription, emails)
        for contact, email in zip(contacts, emails, strict=True):
            yield contact | {"status": answers.get(email.casefold())}
        if left <= len(contacts):
            return
        last = places[-1]
        time.sleep(_BETWEEN_SEARCHES_S)


def fetch_archived(api: Rest, _: Window) -> Iterator[Archived]:
    asked = {"archived": "true", "limit": 100, "properties": "hs_object_id"}
    return api.by_cursor(CONTACTS, "results", asked, cursor="paging.next.after", asks="after", may_lack=True)


def fetch_events(api: Rest, window: Window) -> Iterator[Event]:
    asked = {"startTimestamp": _ms(window.start), "endTimestamp": _ms(window.end), "limit": 1000}
    return api.by_cursor("email/public/v1/events", "events", asked, cursor="offset", asks="offset", more="hasMore")


def tidy_contact(record: Contact) -> Iterator[Row]:
    said: Any = record["properties"]
    changed_at, country = said["lastmodifieddate"], said.get("hs_country_region_code")
    yield (
        "contact",
        {
            "record_id": record["id"],
            "email": said.get("email"),
            "phone": said.get("phone"),
            "first_name": said.get("firstname"),
            "last_name": said.get("lastname"),
            "city": said.get("city"),
            "postal_code": said.get("zip"),
            "country": country.upper() if country else None,
            "created_at": record["createdAt"],
            "updated_at": changed_at,
            "is_deleted": False,
        },
    )
    for merged in (said.get("hs_merged_object_ids") or "").split(";"):
        if merged and merged != record["id"]:
            yield "contact", {"record_id": merged, "updated_at": changed_at, "is_deleted": True}
    if not said.get("email"):
        return
    if answer := _proven(record["status"]):
        yield "consent", _consent(record, "subscription", **answer)
    if said.get("hs_email_optout") == "true":
        yield "consent", _consent(record, "opt-out", status="withdrawn", captured_at=changed_at)


def tidy_archived(record: Archived) -> Iterator[Row]:
    yield (
        "contact",
        {
            "record_id": record["id"],
            "created_at": record["createdAt"],
            "updated_at": record["archivedAt"],
            "is_deleted": True,
        },
    )


def tidy_event(record: Event) -> Iterator[Row]:
    kind = EVENT_TYPES.get(record["type"])
    if record["type"] == "BOUNCE":
        # 5.1.x: the address does not exist or takes no mail (RFC 3463, section 3.2).
        is_hard = record.get("category") == "UNKNOWN_USER" or record.get("status", "").startswith("5.1")
        kind = "hard_bounce" if is_hard else "soft_bounce"
    if record["type"] == "STATUSCHANGE" and record.get("portalSubscriptionStatus") == "UNSUBSCRIBED":
        kind = "unsubscribe"
    if kind is None:
        return
    happened_at = Epoch("created", "ms")(record).isoformat()
    yield (
        "event",
        {
            "event_id": record["id"],
            "type": kind,
            "email": record["recipient"],
            "campaign_id": record.get("emailCampaignId"),
            "occurred_at": happened_at,
            "received_at": happened_at,
            "is_machine": record.get("filteredEvent", False),
        },
    )


def _search(window: Window, last: int) -> dict[str, Any]:
    """The first 200 contacts changed in the window whose identifier is above the last one."""

    def where(name: str, operator: str, value: int) -> dict[str, str]:
        return {"propertyName": name, "operator": operator, "value": str(value)}

    filters = [where("lastmodifieddate", "GTE", _ms(window.start)), where("lastmodifieddate", "LT", _ms(window.end)),
               where("hs_object_id", "GT", last)]  # fmt: skip
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": [*Properties.__annotations__],
        "limit": 200,
    }


def _answers(api: Rest, subscription: str, emails: list[str]) -> dict[str, Status]:
    """What each address answered to one subscription type, by the address in lower case."""
    known, found = [e for e in emails if e], {}
    for first in range(0, len(known), 100):
        reply = api.post(STATUSES, {"inputs": known[first : first + 100]}, {"channel": "EMAIL"})
        try:
            for result in _list(api, reply, "results"):
                for status in result["statuses"]:
                    if str(status["subscriptionId"]) == subscription:
                        found[result["subscriberIdString"].casefold()] = status
        except (KeyError, TypeError, AttributeError):
            raise _invalid(api, "has a subscription status without its subscription or address") from None
    return found


def _proven(status: Status | None) -> dict[str, Any]:
    """What a status proves: nothing, or an answer and when it was given."""
    if status is None or not (captured_at := status.get("timestamp")):
        return {}
    if status["status"] == "UNSUBSCRIBED":
        return {"status": "withdrawn", "captured_at": captured_at}
    has_basis = status.get("legalBasis") == "CONSENT_WITH_NOTICE" and status.get("legalBasisExplanation")
    return {"status": "granted", "captured_at": captured_at} if status["status"] == "SUBSCRIBED" and has_basis else {}


def _consent(record: Contact, what: str, *, status: str, captured_at: str) -> dict[str, Any]:
    return {
        "consent_id": f"{record['id']}:{what}",
        "record_id": record["id"],
        "email": record["properties"].get("email"),
        "channel": "email",
        "purpose": "email_marketing",
        "status": status,
        "captured_at": captured_at,
        "proof": f"HubSpot contact {record['id']}, {what}",
    }


def _list(api: Rest, reply: Any, name: str) -> list[Any]:
    if not isinstance(reply, dict) or not isinstance(reply.get(name), list):
        raise _invalid(api, f"has no list {name!r}")
    return reply[name]  # type: ignore[no-any-return]


def _invalid(api: Rest, problem: str) -> SourceReplyInvalid:
    return SourceReplyInvalid(f"{api.connection.name}: contacts: the reply {problem}")


def _ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000)


SOURCE = Source(
    name="hubspot",
    title="HubSpot",
    system=rest(
        "hubspot", "HubSpot", url="https://api.hubapi.com", auth=bearer, check=f"{CONTACTS}?limit=1",
        requests_per_second=19,
        fields=(
            Field("password", "Service key", is_secret=True, help="Settings, Integrations, Service Keys; with the scopes"
                  " crm.objects.contacts.read, communication_preferences.read and content."),
            Field("subscription_id", "Subscription type of marketing e-mail", "7461233",
                  help="Its number: the one that stands for consent to marketing e-mail."),
        ),
    ),
    streams=(
        Stream(
            "contacts", fetch_contacts, tidy_contact, entities=("contact", "consent"),
            cursor="properties.lastmodifieddate", deletions="own stream",
            personal=("properties.email", "properties.phone", "properties.firstname", "properties.lastname",
                      "properties.city", "properties.zip", "status.legalBasisExplanation"),
            ignores=("updatedAt", "archived", "url", "objectWriteTraceId"),
        ),
        Stream(
            "archived", fetch_archived, tidy_archived, entities=("contact",), cursor="archivedAt",
            deletions="own stream", ignores=("properties", "updatedAt", "archived", "url", "objectWriteTraceId"),
        ),
        Stream(
            "events", fetch_events, tidy_event, entities=("event",), cursor=Epoch("created", "ms"),
            personal=("recipient",),
            ignores=("portalId", "appId", "appName", "subject", "from", "cc", "bcc", "replyTo", "sentBy", "sendId", "smtpId",
                     "hmid", "obsoletedBy", "causedBy", "emailCampaignGroupId", "browser", "location", "userAgent",
                     "deviceType", "ipAddress", "url", "linkId", "referer", "duration", "response", "attempt", "source",
                     "requestedBy", "subscriptions", "bounced", "dropReason", "dropMessage", "suppressedReason"),
        ),
    ),
)  # fmt: skip
