"""Schema `push`: what each platform was told, what it acknowledged, and who may push now."""

from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, false, func, literal_column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from audience.core.warehouse.models.base import Base

PROFILE = ""
"""`list_name` of the contact itself (its attributes), as opposed to its membership of a list."""


IN_DOUBT = "in doubt"
"""`payload_hash` of a row that the platform may have and may not: it equals no real hash."""


class Lease(Base):
    """Grain: one destination. Whoever holds the current epoch may push; everybody else must stop."""

    __tablename__ = "lease"
    __table_args__ = {"schema": "push"}

    destination: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(comment="grows by one each time the lease is taken")
    holder: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Acknowledged(Base):
    """Grain: one (destination, contact, list): the last state the platform is known to have.

    `list_name` is empty for the contact itself, whose `payload_hash` covers its attributes. `payload_hash` is
    `IN_DOUBT` where the outcome of the last call is not known: the platform may have this row and may not, so the next
    plan tells it again, with the value of that day.
    """

    __tablename__ = "acknowledged"
    __table_args__ = (
        Index(
            "acknowledged_platform_id_idx", "destination", "platform_id",
            postgresql_where=text("platform_id IS NOT NULL"),
        ),
        {"schema": "push"},
    )  # fmt: skip

    destination: Mapped[str] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(primary_key=True)
    list_name: Mapped[str] = mapped_column(primary_key=True)
    payload_hash: Mapped[str]
    as_of: Mapped[date]
    acknowledged_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    platform_id: Mapped[str | None] = mapped_column(comment="the platform's id of the contact, where its lists need it")


class Plan(Base):
    """Grain: one planned push: the difference between what is desired and what was acknowledged."""

    __tablename__ = "plan"
    __table_args__ = {"schema": "push"}

    plan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    destination: Mapped[str]
    as_of: Mapped[date] = mapped_column(comment="partition of the segments that are pushed")
    state: Mapped[str] = mapped_column(comment="planned, held, pushing, done, superseded")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, comment="adds, changes, removals, acknowledged, dead, calls")
    carried: Mapped[dict[str, list[int]]] = mapped_column(
        JSONB,
        server_default="{}",
        comment="list -> contacts added and removed by the unfinished plans this one goes on from",
    )
    problem: Mapped[str | None] = mapped_column(comment="why it was held")
    planned_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Job(Base):
    """Grain: one piece of work that a platform does later. Found again by any process, also after a crash."""

    __tablename__ = "job"
    __table_args__ = (
        Index("job_open_idx", "destination", postgresql_where=text("finished_at IS NULL")),
        {"schema": "push"},
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    destination: Mapped[str]
    plan_id: Mapped[int | None] = mapped_column(
        ForeignKey(Plan.plan_id, ondelete="CASCADE"), comment="null: a deletion, which is in no plan"
    )
    action: Mapped[str] = mapped_column(comment="upsert, add, remove, erase")
    list_name: Mapped[str]
    job_id: Mapped[str] = mapped_column(comment="as the platform calls it")
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(comment="done, or why not")


class Item(Base):
    """Grain: one (plan, list, contact): one thing to tell the platform. Claimed in the order of its key."""

    __tablename__ = "item"
    __table_args__ = (
        Index(
            "item_in_flight_idx", "plan_id", "list_name", "action", "contact_key",
            postgresql_where=text("state = 'in_flight'"),
        ),
        {"schema": "push"},
    )  # fmt: skip

    # Of a plan that is written in the same statement and never deleted: a check per row was a third of a first plan.
    plan_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    list_name: Mapped[str] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(comment="upsert, add, remove")
    payload_hash: Mapped[str]
    is_new: Mapped[bool] = mapped_column(server_default=false(), comment="the platform was never known to have it")
    state: Mapped[str] = mapped_column(comment="planned, in_flight, acknowledged, dead, withheld, in_doubt")
    reason: Mapped[str | None] = mapped_column(comment="why it is dead or withheld; no personal data")
    epoch: Mapped[int | None] = mapped_column(comment="lease epoch that sent it")
    job: Mapped[int | None] = mapped_column(comment="number of the job that it is part of")


IN_FLIGHT = Item.state == literal_column("'in_flight'")
"""Whether an item was handed out, and its outcome is not known yet: so few of a plan that they have an index. Written out,
because a plan that PostgreSQL makes for any value of a parameter cannot use it."""


class Erasure(Base):
    """Grain: one (destination, contact) that is to be deleted there; `erased_at` is the receipt that an erasure waits for."""

    __tablename__ = "erasure"
    __table_args__ = {"schema": "push"}

    destination: Mapped[str] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), comment="null: not yet")
    job: Mapped[int | None] = mapped_column(comment="number of the job that deletes it; null: none does now")


class Remaining(Base):
    """Grain: one (destination, contact) that is on no list of ours any more. Platforms keep the contact itself, so that it is to be
    deleted there when the person is erased."""

    __tablename__ = "remaining"
    __table_args__ = {"schema": "push"}

    destination: Mapped[str] = mapped_column(primary_key=True)
    contact_key: Mapped[str] = mapped_column(primary_key=True)
    platform_id: Mapped[str | None] = mapped_column(comment="as of `acknowledged`")


class Request(Base):
    """Grain: one call to a platform, answered or not, without what names a contact. Kept for 30 days."""

    __tablename__ = "request"
    __table_args__ = (Index("request_called_at_idx", "destination", "called_at"), {"schema": "push"})

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    destination: Mapped[str]
    epoch: Mapped[int] = mapped_column(comment="lease epoch that called")
    called_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    call: Mapped[str] = mapped_column(comment="method and path, identifiers as *")
    status: Mapped[int | None] = mapped_column(comment="HTTP status; null: no answer")
    seconds: Mapped[float]


class ListReading(Base):
    """Grain: one list as it was read back at the end of a push: how true it is to what is desired."""

    __tablename__ = "list_reading"
    __table_args__ = {"schema": "push"}

    plan_id: Mapped[int] = mapped_column(ForeignKey(Plan.plan_id, ondelete="CASCADE"), primary_key=True)
    list_name: Mapped[str] = mapped_column(primary_key=True)
    desired: Mapped[int] = mapped_column(comment="contacts that should be on it")
    on_platform: Mapped[int] = mapped_column(comment="contacts that are on it")
    ghosts: Mapped[int] = mapped_column(comment="on it and not desired, known to us")
    unknown: Mapped[int] = mapped_column(comment="on it and not known to us at all")
    missing: Mapped[int] = mapped_column(comment="desired and not on it, without those the platform refused")
    opted_out: Mapped[int] = mapped_column(comment="on it, and opted out there")
    outdated: Mapped[int] = mapped_column(comment="on it with other attributes than we told")
    read_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
