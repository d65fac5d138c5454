"""How old what each source published is, against what its file promises."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Landing
from audience.sources.contract import Source


@dataclass(frozen=True)
class Freshness:
    """One source at one moment.

    Args:
        newest: the last partition that was published; None: nothing ever was.
        due: when the next one has to be there, UTC; None: it is not known, because there is no first one.
        is_late: it is not there.
    """

    source: str
    is_required: bool
    newest: date | None
    due: datetime | None
    is_late: bool

    @property
    def words(self) -> str:
        """`newest day 2026-11-18, the next one was due at 2026-11-20 12:00 UTC`."""
        if self.newest is None or self.due is None:
            return "nothing was ever published"
        return f"newest day {self.newest}, the next one was due at {self.due:%Y-%m-%d %H:%M} UTC"


def read_freshness(warehouse: Warehouse, sources: Iterable[Source], now: datetime) -> list[Freshness]:
    """The sources in use at a moment, sorted by name.

    Those that never published anything are left out when they are optional, and all of them before a first one has.
    """
    is_published = Landing.published_at.is_not(None)
    newest = sa.select(Landing.source, sa.func.max(Landing.partition)).where(is_published).group_by(Landing.source)
    with warehouse.begin() as connection:
        published: dict[str, date] = {row[0]: row[1] for row in connection.execute(newest)}
    if not published:
        return []
    found = [freshness(source, published.get(source.name), now) for source in sources]
    return sorted((f for f in found if f.newest or f.is_required), key=lambda f: f.source)


def freshness(source: Source, newest: date | None, now: datetime) -> Freshness:
    """A source is late when its newest day ended more than `fresh_hours` ago, or, when it is required, never was."""
    if newest is None:
        return Freshness(source.name, source.required, None, None, is_late=source.required)
    due = source.due_after(Partition(newest))
    return Freshness(source.name, source.required, newest, due, is_late=now > due)


def late_required(found: Iterable[Freshness]) -> dict[str, str]:
    """Violations to alert of: an optional source that is late is only marked."""
    return {f"source {f.source}": f.words for f in found if f.is_late and f.is_required}
