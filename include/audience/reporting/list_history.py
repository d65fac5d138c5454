"""How true each list was over 30 days, as it was read back after pushes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import ListReading, Plan
from audience.reporting.lists import COUNTED, ListTruth

DAYS = 30


@dataclass(frozen=True)
class ListHistory:
    """One list up to a moment.

    Args:
        newest: its last reading until then, on whichever day.
        days: the last reading of each of DAYS UTC days, oldest first; None: it was not read back that day.
    """

    newest: ListTruth
    days: Sequence[tuple[date, ListTruth | None]]

    @property
    def in_sync(self) -> int:
        """Contacts that are on it and should be."""
        return self.newest.on_platform - self.newest.ghosts - self.newest.unknown

    @property
    def lowest(self) -> float:
        """The smallest share that was true in these days; that of the newest reading when there is none."""
        return min((one.truth for _, one in self.days if one), default=self.newest.truth)


def read_list_history(warehouse: Warehouse, until: datetime, destination: str | None = None) -> list[ListHistory]:
    """Every list of a destination, or of all, that was read back until a moment; by destination and name."""
    day = sa.cast(sa.func.timezone("UTC", ListReading.read_at), sa.Date).label("day")
    query = (
        sa.select(Plan.destination, ListReading.list_name, day, Plan.as_of, ListReading.read_at,
                  *(getattr(ListReading, c) for c in COUNTED))
        .join_from(ListReading, Plan, Plan.plan_id == ListReading.plan_id)
        .where(ListReading.read_at <= until)
        .distinct(Plan.destination, ListReading.list_name, day)
        .order_by(Plan.destination, ListReading.list_name, day.desc(), ListReading.read_at.desc(), Plan.plan_id.desc())
    )  # fmt: skip
    if destination is not None:
        query = query.where(Plan.destination == destination)
    with warehouse.begin() as connection:
        rows = connection.execute(query).all()
    found: dict[tuple[str, str], dict[date, ListTruth]] = {}
    for row in rows:
        numbers = {c: getattr(row, c) for c in COUNTED}
        read_at = row.read_at.astimezone(UTC)
        truth = ListTruth(row.destination, row.list_name, row.as_of, read_at, **numbers, before=None)
        found.setdefault((row.destination, row.list_name), {})[row.day] = truth
    last = until.astimezone(UTC).date()
    window = [last - timedelta(days=n) for n in reversed(range(DAYS))]
    return [ListHistory(days[max(days)], [(one, days.get(one)) for one in window]) for days in found.values()]
