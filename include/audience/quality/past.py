"""What earlier partitions were like, from the warehouse: raw rows are not read again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse.models import Histogram, Landing

WEEKS = 8
"""Earlier days of the same weekday that a volume is compared with."""

DAYS = 28
"""Days before that a distribution is compared with: each weekday four times."""


WEEKDAYS, ROWS = 3, 20
"""Earlier days of the weekday, and rows of their median, from which on a volume is judged."""

SPREADS = 4 * 1.4826
"""Median absolute deviations that are chance: four standard deviations, where volumes are normally distributed."""


@dataclass(frozen=True)
class Past:
    """Earlier partitions of one table.

    Args:
        volumes: rows of up to WEEKS earlier days of the partition's weekday.
        last_rows_on: the newest earlier partition that has rows.
        histograms: rows by bucket of the DAYS before, by column.
    """

    volumes: tuple[int, ...] = ()
    last_rows_on: date | None = None
    histograms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def usual_volume(self) -> float | None:
        """The median of the weekday; None: too few days, or too few rows."""
        usual = median(self.volumes) if len(self.volumes) >= WEEKDAYS else 0
        return usual if usual >= ROWS else None

    @property
    def usual_spread(self) -> float:
        """How far off the median a day of this table may be by chance, rows."""
        return SPREADS * median(abs(v - median(self.volumes)) for v in self.volumes)


def read_past(connection: sa.Connection, source: str, entity: str, last: Partition) -> Past:
    """What was landed of an entity of a source before a partition."""
    days = [last.day - timedelta(weeks=n) for n in range(1, WEEKS + 1)]
    of_table = (Landing.source == source, Landing.entity == entity)
    volumes = connection.scalars(sa.select(Landing.loaded).where(*of_table, Landing.partition.in_(days)))
    last_rows_on = connection.scalar(
        sa.select(sa.func.max(Landing.partition)).where(*of_table, Landing.partition < last.day, Landing.loaded > 0)
    )
    rows = sa.cast(sa.func.sum(Histogram.rows), sa.BigInteger)
    buckets = connection.execute(
        sa.select(Histogram.column_name, Histogram.bucket, rows)
        .where(
            Histogram.table_name == f"raw_{source}__{entity}",
            Histogram.partition < last.day,
            Histogram.partition >= last.plus(-DAYS).day,
        )
        .group_by(Histogram.column_name, Histogram.bucket)
    )
    histograms: dict[str, dict[str, int]] = {}
    for column, bucket, number in buckets:
        histograms.setdefault(column, {})[bucket] = int(number)
    return Past(tuple(volumes), last_rows_on, histograms)
