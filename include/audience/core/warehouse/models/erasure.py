"""Schema `privacy`, erasure: who asked, what is gone from which store, and what keeps it away. Keys only, no addresses."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base

KINDS = ("person", "former", "address", "record", "label", "order", "visitor")
"""What a subject is known by: pseudonym; pseudonym of an earlier day; contact key; `<source>:<record_id>`;
`email:` and the keyed hash that the lake has of the address;
`<source>:<order_id>`; `<source>:` and the keyed hash of a visitor's identifier."""


class ErasureRequest(Base):
    """Grain: one request. Its number is random, so that who reads it (Airflow's database) learns nothing of anybody."""

    __tablename__ = "erasure_request"
    __table_args__ = {"schema": "privacy"}

    request_id: Mapped[str] = mapped_column(primary_key=True, comment="16 random hexadecimal digits")
    reason: Mapped[str] = mapped_column(comment="erased: the person asked; expired: kept for as long as declared")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    people: Mapped[int]
    addresses: Mapped[int]
    records: Mapped[int] = mapped_column(comment="records of sources")
    finished_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="null: not in every store yet"
    )


class ErasureSubject(Base):
    """Grain: one key of who is erased by a request that is not finished. Deleted when it is."""

    __tablename__ = "erasure_subject"
    __table_args__ = {"schema": "privacy"}

    request_id: Mapped[str] = mapped_column(ForeignKey(ErasureRequest.request_id, ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True, comment=", ".join(KINDS))
    key: Mapped[str] = mapped_column(primary_key=True, comment="pseudonym, keyed hash or a source's own number")


class ErasureReceipt(Base):
    """Grain: one store of one request: it holds nothing of the subject any more."""

    __tablename__ = "erasure_receipt"
    __table_args__ = {"schema": "privacy"}

    request_id: Mapped[str] = mapped_column(ForeignKey(ErasureRequest.request_id, ondelete="CASCADE"), primary_key=True)
    store: Mapped[str] = mapped_column(primary_key=True, comment="lake, warehouse, vault, or a destination")
    rows: Mapped[int] = mapped_column(BigInteger, comment="rows, or contacts of a destination, that were there")
    erased_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ErasedRecord(Base):
    """Grain: one record of a source whose person was erased: its rows are not published again. Survives erasure."""

    __tablename__ = "erased_record"
    __table_args__ = {"schema": "privacy"}

    record_key: Mapped[str] = mapped_column(primary_key=True, comment="keyed hash of `<source>:<record_id>`")
    erased_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
