"""Days of which nothing was published because a gate said no, until they are judged well or published otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.views import QUALITY_CHECK, QUALITY_DAY
from audience.reporting.source_day import Check
from audience.sources.contract import Source


@dataclass(frozen=True)
class Blocked:
    """One source on one day.

    Args:
        checks: those that stop it.
    """

    source: str
    is_required: bool
    partition: date
    checks: tuple[Check, ...]

    @property
    def words(self) -> str:
        """`order: refused rows are at most 5%: found 20 of 30 rows`."""
        return "; ".join(f"{c.entity}: {c.expectation}: found {c.found or 'others'}" for c in self.checks)


def read_blocked(warehouse: Warehouse, sources: Iterable[Source]) -> list[Blocked]:
    """Every blocked day of the sources in use, newest first."""
    is_required = {source.name: source.required for source in sources}
    columns = ("entity", "expectation", "severity", "verdict", "rows", "failed", "observed")
    check = QUALITY_CHECK.c
    query = (
        sa.select(check.source, check.partition, *(check[name] for name in columns))
        .join(QUALITY_DAY, sa.and_(QUALITY_DAY.c.source == check.source, QUALITY_DAY.c.partition == check.partition))
        .where(QUALITY_DAY.c.verdict == "blocked", check.severity == "block", check.verdict == "failed")
        .order_by(check.partition.desc(), check.source, check.entity, check.position)
    )
    with warehouse.begin() as connection:
        rows = connection.execute(query).all()
    return [
        Blocked(source, is_required[source], partition, tuple(Check(*row[2:]) for row in found))
        for (partition, source), found in groupby(rows, key=lambda row: (row.partition, row.source))
        if source in is_required
    ]


def blocked_required(found: Iterable[Blocked]) -> dict[str, str]:
    """Violations to alert of, one for each day: an optional source that is blocked is only shown."""
    return {
        f"audit of {b.source} on {b.partition}": f"nothing was published; {b.words}" for b in found if b.is_required
    }
