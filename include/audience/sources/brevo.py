"""Brevo: contacts with their blocklist, campaigns that were sent, and what happened to transactional e-mails.

API     REST v3 (developers.brevo.com/reference): `GET /contacts?modifiedSince`, `GET /emailCampaigns?startDate&endDate`,
        `GET /smtp/statistics/events?startDate&endDate`; offset pages. Brevo has no API that returns past events of marketing
        campaigns: they come by webhooks, whose collector is read by the source `newsletter`.
Grain   contact: one contact; consent: one contact on the blocklist of e-mails; campaign: one campaign that was sent;
        event: one event of one recipient of one transactional e-mail.
Units   times are ISO 8601 with an offset; `attributes.SMS` is a telephone with its country code and no plus.
Limits  1,000 contacts, 100 campaigns, 2,500 events a page; contacts 10 requests a second, others 100 an hour, 429 with
        `x-sib-ratelimit-reset`; events of at most 90 days and campaigns of at most 2 years at once.
Quirks  nothing says why or when a contact came onto the blocklist, so the day of its last change counts, and coming off
        it is no consent. Contacts changed after the window are given too. `startDate` and `endDate` of events are
        days, both included, of UTC (sendinblue/APIv3-php-library#93). Events have no id: it is made of the message, the
        event, its instant and 16 bits of the address' checksum, which tell apart the recipients of one message and
        nobody else. Names of attributes follow the account's language.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NotRequired
from zlib import crc32

from typing_extensions import TypedDict

from audience.sources.contract import Rest, Row, Source, Stream, Unusable, Window, key, rest


class Contact(TypedDict):
    id: int
    email: NotRequired[str | None]
    emailBlacklisted: bool
    attributes: NotRequired[dict[str, Any]]
    createdAt: str
    modifiedAt: str


class Campaign(TypedDict):
    id: int
    name: str
    sentDate: str


class Event(TypedDict):
    email: str
    event: str
    date: str
    messageId: str


EVENT_TYPES = {
    "requests": "sent",
    "delivered": "delivered",
    "opened": "open",
    "loadedByProxy": "open",
    "clicks": "click",
    "softBounces": "soft_bounce",
    "hardBounces": "hard_bounce",
    "invalid": "hard_bounce",
    "spam": "complaint",
    "unsubscribed": "unsubscribe",
}

NO_EVENT = ("deferred", "blocked", "error", "bounces")
"""Not final, or not sent at all."""

OF_NO_USE = (
    "subject", "type", "status", "scheduledAt", "testSent", "header", "footer", "sender", "replyTo", "toField",
    "htmlContent", "shareLink", "tag", "tags", "createdAt", "modifiedAt", "inlineImageActivation", "mirrorActive",
    "recurring", "recipients", "statistics", "returnBounce", "attachmentUrl", "attachmentFile", "previewText",
    "abTesting", "subjectA", "subjectB", "splitRule", "winnerCriteria", "winnerDelay", "sendAtBestTime",
    "emailExpirationDate", "utmCampaignValue", "utmContent", "utmID", "utmId", "utmIDActive", "utmMedium", "utmSource",
    "utmTerm",
)  # fmt: skip
"""Fields of a campaign; the API cannot leave them out."""


def fetch_contacts(api: Rest, window: Window) -> Iterator[Contact]:
    # Oldest first: a contact that changes while pages are read pushes others to a later page. One that is deleted pulls
    # them to an earlier one, so pages overlap.
    since = _moment(window.start - timedelta(seconds=1))

    def asked(offset: int) -> dict[str, str | int]:
        return {"modifiedSince": since, "sort": "asc", "limit": 1000, "offset": offset}

    return api.by_overlap("contacts", "contacts", asked, limit=1000)


def fetch_campaigns(api: Rest, window: Window) -> Iterator[Campaign]:
    for start, end in _spans(window, days=365):
        asked = {"status": "sent", "startDate": _moment(start - timedelta(seconds=1)), "endDate": _moment(end),
                 "sort": "asc", "excludeHtmlContent": "true"}  # fmt: skip
        yield from api.by_offset("emailCampaigns", "campaigns", asked, limit=100)


def fetch_events(api: Rest, window: Window) -> Iterator[Event]:
    for start, end in _spans(window, days=85):
        last_day = end - timedelta(days=1)
        asked = {"startDate": f"{start:%Y-%m-%d}", "endDate": f"{last_day:%Y-%m-%d}", "sort": "asc"}
        yield from api.by_offset("smtp/statistics/events", "events", asked, limit=2500)


def tidy_contact(record: Contact) -> Iterator[Row]:
    known = record.get("attributes") or {}
    phone = known.get("SMS")
    yield (
        "contact",
        {
            "record_id": record["id"],
            "email": record.get("email"),
            "phone": f"+{phone}" if phone else None,
            "first_name": known.get("FIRSTNAME") or known.get("PRENOM"),
            "last_name": known.get("LASTNAME") or known.get("NOM"),
            "created_at": record["createdAt"],
            "updated_at": record["modifiedAt"],
            "is_deleted": False,
        },
    )
    if record["emailBlacklisted"] and record.get("email"):
        yield (
            "consent",
            {
                "consent_id": f"{record['id']}:email_marketing",
                "record_id": record["id"],
                "email": record.get("email"),
                "channel": "email",
                "purpose": "email_marketing",
                "status": "withdrawn",
                "captured_at": record["modifiedAt"],
                "proof": f"Brevo contact {record['id']}: emailBlacklisted",
            },
        )


def tidy_campaign(record: Campaign) -> Iterator[Row]:
    yield "campaign", {"campaign_id": record["id"], "title": record["name"], "sent_at": record["sentDate"]}


def tidy_event(record: Event) -> Iterator[Row]:
    if record["event"] in NO_EVENT:
        return
    if record["event"] not in EVENT_TYPES:
        raise Unusable("event is of a kind that is not known")
    recipient = crc32(record["email"].encode()) & 0xFFFF
    yield (
        "event",
        {
            "event_id": f"{record['messageId']}:{record['event']}:{record['date']}:{recipient:04x}",
            "type": EVENT_TYPES[record["event"]],
            "email": record["email"],
            "occurred_at": record["date"],
            "received_at": record["date"],
            "is_machine": record["event"] == "loadedByProxy",
        },
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


def _spans(window: Window, *, days: int) -> Iterator[tuple[datetime, datetime]]:
    """The window in pieces that are not longer than so many days."""
    start = window.start
    while start < window.end:
        end = min(start + timedelta(days=days), window.end)
        yield start, end
        start = end


SOURCE = Source(
    name="brevo",
    title="Brevo",
    system=rest(
        "brevo", "Brevo", auth=key("api-key"), url="https://api.brevo.com/v3", check="account",
        requests_per_second=10, retry_after="x-sib-ratelimit-reset",
    ),
    streams=(
        Stream(
            "contacts", fetch_contacts, tidy_contact, entities=("contact", "consent"), cursor="modifiedAt",
            personal=(
                "email", "attributes.SMS", "attributes.FIRSTNAME", "attributes.PRENOM", "attributes.LASTNAME", "attributes.NOM",
            ),
            reread_days=1,
            ignores=("smsBlacklisted", "whatsappBlacklisted", "listIds", "listUnsubscribed", "consentGroups"),
        ),
        Stream(
            "campaigns", fetch_campaigns, tidy_campaign, entities=("campaign",), cursor="sentDate",
            ignores=OF_NO_USE,
        ),
        Stream(
            "events", fetch_events, tidy_event, entities=("event",), cursor="date", personal=("email",),
            # Opens and clicks are known minutes later.
            reread_days=1,
            ignores=("from", "ip", "link", "reason", "subject", "tag", "templateId"),
        ),
    ),
)  # fmt: skip
