"""What people see of pushes afterwards: each call, and each list as it was read back."""

from collections.abc import Sequence

import sqlalchemy as sa

from audience.activation.destination import Request as Call
from audience.activation.reconcile import Drift
from audience.core.warehouse.models import ListReading, Request
from audience.core.warehouse.statement import Statement, given

KEPT = "30 days"
"""How long requests are kept."""

_NOTE = Statement.of(
    sa.insert(Request).values(
        destination=given("by"), epoch=given("under"), call=given("said"),
        status=given("answered"), seconds=given("lasted"),
        called_at=sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))
        - sa.func.make_interval(0, 0, 0, 0, 0, 0, given("ago", sa.Float)),
    )
)  # fmt: skip


def log_requests(connection: sa.Connection, destination: str, epoch: int, calls: Sequence[tuple[Call, float]]) -> None:
    """Writes calls down, each with the seconds since it was answered, and forgets old ones.

    The warehouse's clock gives the time, so that machines need not agree about it.
    """
    for call, since in calls:
        _NOTE.run(
            connection, by=destination, under=epoch, said=call.call, answered=call.status, lasted=call.seconds,
            ago=call.seconds + since,
        )  # fmt: skip


def forget_old_requests(connection: sa.Connection, destination: str) -> None:
    old = sa.func.now() - sa.cast(sa.literal(KEPT), sa.Interval)
    connection.execute(sa.delete(Request).where(Request.destination == destination, Request.called_at < old))


def note_lists(connection: sa.Connection, plan_id: int, drifts: Sequence[Drift]) -> None:
    """Writes down how true each list is: one row per list of a plan."""
    counted = ("desired", "on_platform", "ghosts", "unknown", "missing", "opted_out", "outdated")
    rows = [{"plan_id": plan_id, "list_name": d.state.name} | {c: getattr(d.state, c) for c in counted} for d in drifts]
    if rows:
        connection.execute(sa.insert(ListReading), rows)
