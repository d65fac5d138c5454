"""Schema `segments`: who is in which segment, since when, and who left."""

from datetime import date, datetime

from sqlalchemy import DateTime, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base


class Definition(Base):
    """Grain: one segment as it is declared now. A segment that is no longer declared has no row, and so no list."""

    __tablename__ = "definition"
    __table_args__ = {"schema": "segments"}

    segment: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    why: Mapped[str]
    purpose: Mapped[str] = mapped_column(comment="consent a member must have given to be written to")
    objective: Mapped[str]
    deliver_to: Mapped[list[str]] = mapped_column(JSONB, comment="destinations")
    definition_hash: Mapped[str] = mapped_column(comment="hash of the rule")


class Evaluation(Base):
    """Grain: one (segment, partition) that was evaluated."""

    __tablename__ = "evaluation"
    __table_args__ = {"schema": "segments"}

    segment: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[date] = mapped_column(primary_key=True)
    definition_hash: Mapped[str] = mapped_column(comment="hash of the rule that was evaluated")
    members: Mapped[int]
    people: Mapped[int] = mapped_column(comment="everybody who was looked at")
    evaluated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Membership(Base):
    """Grain: one unbroken stay of one person in one segment, over evaluated partitions: `entered_on <= p < left_on`.

    The stays of a person in a segment are disjoint and never adjacent; `left_on` is null while the stay lasts. The
    table depends on what each partition's members are, never on the order in which partitions were loaded.
    """

    __tablename__ = "membership"
    __table_args__ = (
        Index("membership_current_idx", "person_id", "segment", unique=True, postgresql_where=text("left_on IS NULL")),
        Index("membership_left_on_idx", "segment", "left_on"),
        {"schema": "segments"},
    )

    segment: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(primary_key=True)
    entered_on: Mapped[date] = mapped_column(primary_key=True, comment="first evaluated partition of the stay")
    left_on: Mapped[date | None] = mapped_column(comment="first evaluated partition after the stay")
