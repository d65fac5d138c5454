"""The sandbox CRM: people, their consents with proof, demographics, satisfaction.

API     REST, `GET /contacts` and `GET /consents`, half-open window on `updated_at`, pages by cursor.
Grain   contact: one CRM record (a person may have several); consent: one answer per contact and purpose.
Units   `nps` is points, 0 to 10; times are UTC.
Limits  1,000 records a page.
Quirks  a contact that changed twice shows its last state only; a withdrawn consent comes again under the same id.
"""

from collections.abc import Iterator
from typing import Any

from typing_extensions import TypedDict

from audience.sources.contract import Rest, Row, Source, Stream, Trust, Window, bearer, rest


class Address(TypedDict):
    city: str | None
    postal_code: str | None
    country: str | None


class Household(TypedDict):
    size: str | None
    kids_count: str | None
    income_band: str | None


class Nps(TypedDict):
    score: int


class Contact(TypedDict):
    id: str
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    birth_date: str | None
    gender: str | None
    address: Address | None
    customer_ref: str | None
    household: Household | None
    nps: Nps | None
    created_at: str
    updated_at: str
    deleted: bool


class Proof(TypedDict):
    reference: str
    text_version: str | None


class Consent(TypedDict):
    id: str
    contact_id: str | None
    email: str | None
    channel: str
    purpose: str
    status: str
    captured_at: str
    proof: Proof
    updated_at: str


def fetch_contacts(api: Rest, window: Window) -> Iterator[Contact]:
    return api.by_cursor("contacts", "items", _between(window))


def fetch_consents(api: Rest, window: Window) -> Iterator[Consent]:
    return api.by_cursor("consents", "items", _between(window))


def tidy_contact(record: Contact) -> Iterator[Row]:
    address: Any = record["address"] or {}
    household: Any = record["household"] or {}
    yield (
        "contact",
        {
            "record_id": record["id"],
            "email": record["email"],
            "phone": record["phone"],
            "first_name": record["first_name"],
            "last_name": record["last_name"],
            "birth_date": record["birth_date"],
            "gender": record["gender"],
            "city": address.get("city"),
            "postal_code": address.get("postal_code"),
            "country": address.get("country"),
            "customer_ref": record["customer_ref"],
            "household_size": household.get("size"),
            "kids": household.get("kids_count"),
            "income_band": household.get("income_band"),
            "nps": record["nps"]["score"] if record["nps"] else None,
            "created_at": record["created_at"],
            "updated_at": record["updated_at"],
            "is_deleted": record["deleted"],
        },
    )


def tidy_consent(record: Consent) -> Iterator[Row]:
    yield (
        "consent",
        {
            "consent_id": record["id"],
            "record_id": record["contact_id"],
            "email": record["email"],
            "channel": record["channel"],
            "purpose": record["purpose"],
            "status": record["status"],
            "captured_at": record["captured_at"],
            "proof": record["proof"]["reference"],
            "text_version": record["proof"]["text_version"],
        },
    )


def _between(window: Window) -> dict[str, str | int]:
    return {"updated_from": window.start.isoformat(), "updated_to": window.end.isoformat(), "limit": 1000}


SOURCE = Source(
    name="crm",
    title="CRM",
    system=rest("crm", "CRM", auth=bearer, check="contacts?updated_from=2020-01-01T00:00:00Z&updated_to=2020-01-02T00:00:00Z"),
    required=True,
    trust=Trust(rank=2, verifies=("birth_date",)),
    streams=(
        Stream(
            "contacts", fetch_contacts, tidy_contact, entities=("contact",), cursor="updated_at",
            personal=("email", "phone", "first_name", "last_name", "birth_date", "address.city", "address.postal_code"),
            deletions="in the record",
        ),
        Stream(
            "consents", fetch_consents, tidy_consent, entities=("consent",), cursor="updated_at", personal=("email",)
        ),
    ),
)  # fmt: skip
