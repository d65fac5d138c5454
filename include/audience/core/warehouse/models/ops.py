"""Schema `ops`: what the runs did, without personal data."""

from datetime import date, datetime

from sqlalchemy import DateTime, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base


class Landing(Base):
    """Grain: one (source, entity, partition). The numbers of its last publication."""

    __tablename__ = "landing"
    __table_args__ = {"schema": "ops"}

    source: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[date] = mapped_column(primary_key=True)
    taken: Mapped[int] = mapped_column(comment="rows that came in")
    loaded: Mapped[int] = mapped_column(comment="rows published")
    quarantined: Mapped[int] = mapped_column(comment="rows refused and kept with their reason")
    superseded: Mapped[int] = mapped_column(comment="older versions of a key within the same window")
    reasons: Mapped[dict[str, int]] = mapped_column(JSONB, comment="quarantined rows by reason")
    content_hash: Mapped[str] = mapped_column(comment="hash of the published rows")
    published_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), comment="null: its rows only came by a replay"
    )


class DeclaredSource(Base):
    """Grain: one source in use, as its file declares it."""

    __tablename__ = "source"
    __table_args__ = {"schema": "ops"}

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    is_required: Mapped[bool] = mapped_column(comment="whether the day's refresh waits for it")
    fresh_hours: Mapped[int] = mapped_column(comment="hours after its end that the newest day may stay the newest")


class NewField(Base):
    """Grain: one field of a stream's records that its source file does not know. Its values are kept in `extra`."""

    __tablename__ = "new_field"
    __table_args__ = {"schema": "ops"}

    source: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    first_seen: Mapped[date] = mapped_column(comment="earliest partition with the field")
    last_seen: Mapped[date] = mapped_column(comment="latest partition with the field")


class Turn(Base):
    """Grain: one account of an outside system: until when its turns to be called are given away."""

    __tablename__ = "turn"
    __table_args__ = {"schema": "ops"}

    account: Mapped[str] = mapped_column(primary_key=True, comment="name of the connection")
    free_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
