"""What was pushed last, in numbers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Plan


@dataclass(frozen=True)
class Push:
    """One planned push.

    Args:
        as_of: partition of the segments.
        state: planned, held, pushing, done, superseded.
        adds, changes, removals: memberships to be added, contacts to be made or updated, memberships to be taken away.
        acknowledged, dead, withheld: what became of them; all numbers are 0 until the push is done.
        problem: why a person has or had to look first; empty otherwise.
        planned_at, finished_at: UTC; `finished_at` is None until then.
    """

    plan_id: int
    destination: str
    as_of: date
    state: str
    adds: int
    changes: int
    removals: int
    acknowledged: int
    dead: int
    withheld: int
    calls: int
    problem: str
    planned_at: datetime
    finished_at: datetime | None


def read_pushes(
    warehouse: Warehouse, *, newest: int = 5, destination: str | None = None, until: datetime | None = None
) -> list[Push]:
    """The newest plans of a destination, or of all, that were made until a moment; newest first."""
    query = sa.select(*sa.inspect(Plan).columns).order_by(Plan.plan_id.desc()).limit(newest)
    if destination is not None:
        query = query.where(Plan.destination == destination)
    if until is not None:
        query = query.where(Plan.planned_at <= until)
    with warehouse.begin() as connection:
        rows = connection.execute(query).all()
    return [
        Push(
            plan_id=row.plan_id,
            destination=row.destination,
            as_of=row.as_of,
            state=row.state,
            **{name: int(row.counts.get(name, 0)) for name in _COUNTED},
            problem=row.problem or "",
            planned_at=row.planned_at.astimezone(UTC),
            finished_at=row.finished_at and row.finished_at.astimezone(UTC),
        )
        for row in rows
    ]


_COUNTED = ("adds", "changes", "removals", "acknowledged", "dead", "withheld", "calls")
