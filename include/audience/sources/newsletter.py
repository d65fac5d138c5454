"""The e-mail platform's webhook inbox: newsletter sign-ups (double opt-in) and what happened to each e-mail.

API     REST, `GET /signups` and `GET /events`, half-open window on `received_at`, pages by cursor. Brevo has no API
        that returns past marketing events; a collector that stores its webhooks does.
Grain   contact and consent: one confirmed sign-up and each purpose confirmed with it; event: one event of one e-mail.
Units   times are UTC.
Limits  1,000 records a page.
Quirks  webhooks arrive up to two days late and some arrive twice with the same id.
"""

from collections.abc import Iterator

from typing_extensions import TypedDict

from audience.sources.contract import Rest, Row, Source, Stream, Trust, Window, bearer, rest


class Confirmed(TypedDict):
    purpose: str
    text_version: str | None


class SignUp(TypedDict):
    id: str
    email: str
    phone: str | None
    first_name: str | None
    last_name: str | None
    country: str | None
    consents: list[Confirmed]
    proof: str
    confirmed_at: str
    received_at: str


class Event(TypedDict):
    id: str
    event: str
    email: str
    campaign_id: int | None
    user_agent: str | None
    occurred_at: str
    received_at: str


EVENT_TYPES = {
    "sent": "sent",
    "delivered": "delivered",
    "opened": "open",
    "click": "click",
    "soft_bounce": "soft_bounce",
    "hard_bounce": "hard_bounce",
    "spam": "complaint",
    "unsubscribed": "unsubscribe",
}

APPLE_PREFETCH = "Mozilla/5.0"
"""Apple's Mail Privacy Protection loads every image, opened or not, under this bare user agent."""

SCANNERS = ("bot/", "/bot", "scanner", "crawler")
"""Parts of the user agents of security gateways that follow every link. An image proxy such as GoogleImageProxy is none:
it loads an image when a person opens the e-mail."""


def fetch_signups(api: Rest, window: Window) -> Iterator[SignUp]:
    return api.by_cursor("signups", "items", _between(window))


def fetch_events(api: Rest, window: Window) -> Iterator[Event]:
    return api.by_cursor("events", "items", _between(window))


def tidy_signup(record: SignUp) -> Iterator[Row]:
    yield (
        "contact",
        {
            "record_id": record["id"],
            "email": record["email"],
            "phone": record["phone"],
            "first_name": record["first_name"],
            "last_name": record["last_name"],
            "country": record["country"],
            "created_at": record["confirmed_at"],
            "updated_at": record["received_at"],
            "is_deleted": False,
        },
    )
    for consent in record["consents"]:
        yield (
            "consent",
            {
                "consent_id": f"{record['id']}:{consent['purpose']}",
                "record_id": record["id"],
                "email": record["email"],
                "channel": "email",
                "purpose": consent["purpose"],
                "status": "granted",
                "captured_at": record["confirmed_at"],
                "proof": record["proof"],
                "text_version": consent["text_version"],
            },
        )


def tidy_event(record: Event) -> Iterator[Row]:
    agent = record["user_agent"] or ""
    yield (
        "event",
        {
            "event_id": record["id"],
            "type": EVENT_TYPES.get(record["event"], record["event"]),
            "email": record["email"],
            "campaign_id": record["campaign_id"],
            "occurred_at": record["occurred_at"],
            "received_at": record["received_at"],
            "is_machine": agent == APPLE_PREFETCH or any(part in agent.lower() for part in SCANNERS),
        },
    )


def _between(window: Window) -> dict[str, str | int]:
    return {"from": window.start.isoformat(), "to": window.end.isoformat(), "limit": 1000}


SOURCE = Source(
    name="newsletter",
    title="Newsletter sign-ups and e-mail events",
    system=rest("newsletter", "Newsletter inbox", auth=bearer, check="signups?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"),
    required=True,
    trust=Trust(verifies=("email",)),
    streams=(
        Stream(
            "signups", fetch_signups, tidy_signup, entities=("contact", "consent"), cursor="received_at",
            personal=("email", "phone", "first_name", "last_name"),
        ),
        Stream("events", fetch_events, tidy_event, entities=("event",), cursor="received_at", personal=("email",),
               ignores=("link",)),
    ),
)  # fmt: skip
