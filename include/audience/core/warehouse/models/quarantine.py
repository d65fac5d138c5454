"""Schema `ops`: what was decided about quarantined rows, and who has seen them. The rows themselves stay in the lake."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, func
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base

DECISIONS = ("replayed", "superseded", "refused", "discarded")
"""`refused` leaves a row open, with a new reason; the others close it."""


class QuarantineDecision(Base):
    """Grain: one row of `quarantine_<source>`. The last thing that was decided about it."""

    __tablename__ = "quarantine_decision"
    __table_args__ = (
        CheckConstraint(f"decision IN {DECISIONS}", name="decision"),
        {"schema": "ops"},
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[date] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    decision: Mapped[str]
    why: Mapped[str] = mapped_column(comment="refused: the reason of the last replay; discarded: the person's words")
    decided_by: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class QuarantineReveal(Base):
    """Grain: one time that somebody was shown quarantined rows with their personal values."""

    __tablename__ = "quarantine_reveal"
    __table_args__ = {"schema": "ops"}

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source: Mapped[str]
    first: Mapped[date] = mapped_column(comment="first partition of the rows shown")
    last: Mapped[date] = mapped_column(comment="last partition of the rows shown")
    rows: Mapped[int]
    shown_to: Mapped[str]
    shown_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
