"""Schema `ops`: what people were alerted of, so that each violation and each recovery is told once."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base


class Alert(Base):
    """Grain: one violation, from when it was first seen until it was over. A subject has one open alert at most."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_open_key", "subject", unique=True, postgresql_where=text("closed_at IS NULL")),
        {"schema": "ops"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    subject: Mapped[str] = mapped_column(comment="what is not as declared: `source shop`")
    words: Mapped[str] = mapped_column(comment="what was found and what was expected; no personal data")
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="null: it lasts")


class AlertSent(Base):
    """Grain: one message of an alert, its beginning or its end, that one channel took."""

    __tablename__ = "alert_sent"
    __table_args__ = {"schema": "ops"}

    alert_id: Mapped[int] = mapped_column(ForeignKey("ops.alert.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True, comment="log, email, webhook")
    is_recovery: Mapped[bool] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
