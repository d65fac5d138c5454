"""Schema `ops`, what reviewers decided about who is one person."""

from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base

DECISIONS = ("same", "different", "undecided")


class IdentityDecision(Base):
    """Grain: one decision about two records or addresses. Append-only: the newest one of a pair counts.

    A label is the key of a record, `crm:C-1`, or an address, `email:<keyed hash>`; the lower one stands left.
    """

    __tablename__ = "identity_decision"
    __table_args__ = (Index("identity_decision_pair_idx", "left_label", "right_label"), {"schema": "ops"})

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    left_label: Mapped[str]
    right_label: Mapped[str]
    decision: Mapped[str] = mapped_column(comment="same, different; undecided takes an earlier one back")
    since: Mapped[date] = mapped_column(comment="first partition that it counts for")
    why: Mapped[str | None] = mapped_column(comment="in the reviewer's words; no personal data")
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class IdentityReveal(Base):
    """Grain: one time that somebody was shown records with their personal values, to decide who is one person."""

    __tablename__ = "identity_reveal"
    __table_args__ = {"schema": "ops"}

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    what: Mapped[str] = mapped_column(comment="review export, explain")
    partition: Mapped[date]
    records: Mapped[int] = mapped_column(comment="at most so many")
    shown_to: Mapped[str]
    shown_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
