"""Rows of consent, suppression and the vault, written the short way."""

from datetime import UTC, date, datetime

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Consent, ContactPoint, Suppression

MARKETING = "email_marketing"


def at(hour: int) -> datetime:
    return datetime(2026, 11, 19, hour, tzinfo=UTC)


def point(
    contact: str, person: str | None = None, *, primary: bool = True, first_name: str | None = None
) -> ContactPoint:
    """An address `<contact>@mailbox.example` of a person; the contact key is written in clear, to be read."""
    return ContactPoint(
        contact_key=contact, person_id=person or contact, email=f"{contact}@mailbox.example", first_name=first_name,
        is_primary=primary, as_of=date(2026, 11, 20),
    )  # fmt: skip


def answer(contact: str, status: str, hour: int = 8, *, purpose: str = MARKETING, channel: str = "email") -> Consent:
    return Consent(
        source="crm", consent_id=f"{contact}-{channel}-{purpose}-{hour}", contact_key=contact, channel=channel,
        purpose=purpose, status=status, captured_at=at(hour), proof="form 7", recorded_in=date(2026, 11, 20),
    )  # fmt: skip


def suppressed(contact: str, reason: str = "unsubscribe") -> Suppression:
    return Suppression(contact_key=contact, reason=reason, source="inbox", suppressed_at=at(9))


def store(warehouse: Warehouse, *rows: object) -> None:
    with warehouse.vault.session() as session:
        session.add_all(rows)
        session.commit()


def empty(warehouse: Warehouse, *models: type) -> None:
    with warehouse.vault.begin() as connection:
        for model in models:
            connection.execute(sa.delete(model))
