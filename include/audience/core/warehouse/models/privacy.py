"""Schema `privacy`: what people said, append-only, and whom never to contact."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, DateTime, Index, func, true
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base


class Consent(Base):
    """Grain: one answer of one address for one (channel, purpose). Append-only ledger with proof.

    A source may correct an answer (another address, another status) under the same `consent_id`: both rows stay, so
    that a withdrawal is never lost. The current answer is the one with the newest `captured_at`; of two at the same
    instant, the withdrawal counts. No row means no.
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index("consent_contact_key_idx", "contact_key", "channel", "purpose", "captured_at"),
        {"schema": "privacy"},
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    consent_id: Mapped[str] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(primary_key=True, comment="keyed hash of the canonical address")
    channel: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True, comment="granted or withdrawn")
    captured_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    proof: Mapped[str] = mapped_column(comment="reference of the evidence (GDPR article 7(1))")
    text_version: Mapped[str | None]
    recorded_in: Mapped[date] = mapped_column(comment="partition that brought the answer first")


class Suppression(Base):
    """Grain: one (address, reason). Survives erasure: it holds a keyed hash and nothing else about the person."""

    __tablename__ = "suppression"
    __table_args__ = {"schema": "privacy"}

    contact_key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(
        primary_key=True, comment="unsubscribe, complaint, hard_bounce, blocklist, erased, objection"
    )
    source: Mapped[str] = mapped_column(comment="who told us: brevo, crm, a person")
    suppressed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), comment="when it happened")
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class KeyForm(Base):
    """Grain: the one decision what contact keys are keyed hashes of."""

    __tablename__ = "key_form"
    __table_args__ = (CheckConstraint("is_decided", name="key_form_one_row_check"), {"schema": "privacy"})

    is_decided: Mapped[bool] = mapped_column(
        primary_key=True, server_default=true(), comment="always true: there is one row"
    )
    by_mailbox: Mapped[bool] = mapped_column(comment="the setting AUDIENCE_EMAIL_MAILBOXES when the first key was made")
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class PseudonymKey(Base):
    """Grain: one key that the contact keys of this warehouse were made with, in the order of their use."""

    __tablename__ = "pseudonym_key"
    __table_args__ = {"schema": "privacy"}

    position: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="1: the first one, which the lake is keyed with"
    )
    key_id: Mapped[str] = mapped_column(comment="tells keys apart; nothing follows from it")
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
