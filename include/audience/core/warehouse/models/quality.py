"""Schema `ops`, what the gates found: numbers only, no row values."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, func
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base


class Validation(Base):
    """Grain: one (table, partition, expectation). Its last judgement; the view `ops.audit` sums them up by partition."""

    __tablename__ = "validation"
    __table_args__ = (
        CheckConstraint("severity IN ('reject', 'block', 'warn')", name="validation_severity_check"),
        {"schema": "ops"},
    )

    table_name: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[date] = mapped_column(primary_key=True, comment="last day of the audited window")
    expectation: Mapped[str] = mapped_column(primary_key=True, comment="in words, with its limits")
    position: Mapped[int] = mapped_column(comment="place in the suite, from 0")
    severity: Mapped[str] = mapped_column(
        comment="reject: its rows are quarantined; block: nothing of the source is published; warn: it is shown"
    )
    rows: Mapped[int] = mapped_column(BigInteger, comment="rows that were asked")
    failed: Mapped[int] = mapped_column(BigInteger, comment="rows that break it")
    observed: Mapped[float | None] = mapped_column(
        comment="what was compared: a share, hours, rows, an index; null: too little to judge"
    )
    passed: Mapped[bool]
    validated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Histogram(Base):
    """Grain: one (table, partition, column, bucket). Published rows by bucket, which later days are compared with."""

    __tablename__ = "histogram"
    __table_args__ = {"schema": "ops"}

    table_name: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[date] = mapped_column(primary_key=True)
    column_name: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[str] = mapped_column(primary_key=True, comment="a declared value, or the bound of a number")
    rows: Mapped[int] = mapped_column(BigInteger)
