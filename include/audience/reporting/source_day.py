"""One source on one day: what was judged, what came in, what waits in quarantine, and the days before. Numbers only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Landing, NewField
from audience.core.warehouse.views import QUALITY_CHECK, QUALITY_DAY, QUALITY_DECISION, QUALITY_REFUSAL
from audience.reporting.freshness import Freshness, read_freshness
from audience.sources.contract import Source

TREND_DAYS = 30

_ORDER = {"block": 0, "warn": 1, "reject": 2}


@dataclass(frozen=True)
class DayNumbers:
    """A row of `ops.quality_day`, which says what each column means."""

    source: str
    partition: date
    verdict: str
    rows_in: int
    loaded: int
    quarantined: int
    superseded: int
    checks: int
    blocks: int
    warnings: int
    judged_at: datetime | None
    published_at: datetime | None


@dataclass(frozen=True)
class Check:
    """A row of `ops.quality_check`: one expectation of one entity, as it was judged."""

    entity: str
    expectation: str
    severity: str
    verdict: str
    rows: int
    failed: int
    observed: float | None

    @property
    def found(self) -> str:
        """What was found, in as many words as there are numbers."""
        if self.verdict == "not judged":
            return "too little to judge"
        if self.failed:
            return f"{self.failed:,} of {self.rows:,} rows"
        number = "" if self.observed is None else f"{self.observed:.4g}"
        return number if self.verdict == "failed" else ("" if number == "0" else number)


@dataclass(frozen=True)
class EntityRows:
    """What came in of one entity on the day: taken = loaded + quarantined + superseded.

    Args:
        trend: rows loaded on each day of the trend; None: nothing was published.
    """

    entity: str
    taken: int
    loaded: int
    quarantined: int
    superseded: int
    trend: tuple[int | None, ...]


@dataclass(frozen=True)
class Refused:
    """Rows of an entity that were refused for a reason, and not replayed since; some may have been discarded."""

    entity: str
    reason: str
    rows: int


@dataclass(frozen=True)
class SourceDay:
    """What there is to say about one source and one day.

    Args:
        numbers: None: the day was neither judged nor published.
        checks: those that failed first, worst first.
        judged_with: the day whose checks also are about this one, for a day that came with a longer window.
        judged_rows: rows that came in with the judged window.
        decided: quarantined rows that were decided about, by decision.
        new_fields: `stream.field` that the system had on this day and the source file does not know.
        in_use: the newest day before this one that was published; it stays in use while this one is not.
        trend: the TREND_DAYS that end with this one, oldest first; None: nothing is known of that day.
    """

    source: str
    title: str
    is_required: bool
    partition: date
    numbers: DayNumbers | None
    checks: tuple[Check, ...]
    judged_with: date | None
    judged_rows: int
    entities: tuple[EntityRows, ...]
    refused: tuple[Refused, ...]
    decided: Mapping[str, int]
    new_fields: tuple[str, ...]
    freshness: Freshness | None
    in_use: date | None
    trend: Mapping[date, DayNumbers | None]

    @property
    def verdict(self) -> str:
        return self.numbers.verdict if self.numbers else "unknown"

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.verdict == "failed")

    @property
    def is_judged_as_window(self) -> bool:
        """Whether the checks are of more days than this one."""
        return self.numbers is not None and self.judged_rows > self.numbers.rows_in > 0


def read_source_day(warehouse: Warehouse, source: Source, partition: Partition, now: datetime) -> SourceDay:
    """A source on a day, as of a moment (for its freshness)."""
    day = partition.day
    days = [day - timedelta(days=n) for n in reversed(range(TREND_DAYS))]
    with warehouse.begin() as connection:
        known = {d.partition: d for d in _days(connection, QUALITY_DAY.c.source == source.name,
                                               QUALITY_DAY.c.partition.between(days[0], day))}  # fmt: skip
        checks = _checks(connection, source.name, day)
        entities = _entities(connection, source.name, days)
        refused = [
            Refused(*row)
            for row in connection.execute(
                sa.select(QUALITY_REFUSAL.c.entity, QUALITY_REFUSAL.c.reason, QUALITY_REFUSAL.c.rows)
                .where(*_of(QUALITY_REFUSAL, source.name, day))
                .order_by(QUALITY_REFUSAL.c.rows.desc(), QUALITY_REFUSAL.c.entity, QUALITY_REFUSAL.c.reason)
            )
        ]
        decided = connection.execute(
            sa.select(QUALITY_DECISION.c.decision, sa.func.sum(QUALITY_DECISION.c.rows))
            .where(*_of(QUALITY_DECISION, source.name, day))
            .group_by(QUALITY_DECISION.c.decision)
        ).all()
        new = connection.execute(
            sa.select(NewField.stream, NewField.field)
            .where(NewField.source == source.name, NewField.first_seen <= day, NewField.last_seen >= day)
            .order_by(NewField.stream, NewField.field)
        ).all()
        in_use = connection.scalar(
            sa.select(sa.func.max(QUALITY_DAY.c.partition)).where(
                QUALITY_DAY.c.source == source.name,
                QUALITY_DAY.c.partition < day,
                QUALITY_DAY.c.published_at.is_not(None),
            )
        )
        judged_with = connection.scalar(
            sa.select(sa.func.min(QUALITY_CHECK.c.partition)).where(
                QUALITY_CHECK.c.source == source.name, QUALITY_CHECK.c.partition > day
            )
        )
    numbers = known.get(day)
    return SourceDay(
        source=source.name,
        title=source.title,
        is_required=source.required,
        partition=day,
        numbers=numbers,
        checks=checks,
        judged_with=judged_with if numbers is not None and numbers.verdict == "loaded" else None,
        judged_rows=sum({c.entity: c.rows for c in checks if c.severity == "reject"}.values()),
        entities=entities,
        refused=tuple(refused),
        decided={decision: int(rows) for decision, rows in decided},
        new_fields=tuple(f"{stream}.{field}" for stream, field in new),
        freshness=next(iter(read_freshness(warehouse, [source], now)), None),
        in_use=in_use,
        trend={d: known.get(d) for d in days},
    )


def read_days(warehouse: Warehouse, partition: Partition | None) -> list[DayNumbers]:
    """Every source that is known on a day, sorted by name; without a day the newest one of each source."""
    newest = sa.select(QUALITY_DAY.c.source, sa.func.max(QUALITY_DAY.c.partition)).group_by(QUALITY_DAY.c.source)
    wanted = (
        QUALITY_DAY.c.partition == partition.day
        if partition is not None
        else sa.tuple_(QUALITY_DAY.c.source, QUALITY_DAY.c.partition).in_(newest)
    )
    with warehouse.begin() as connection:
        return _days(connection, wanted)


def newest_day(warehouse: Warehouse, source: str) -> Partition | None:
    """The newest day of a source that was judged or published."""
    with warehouse.begin() as connection:
        day = connection.scalar(sa.select(sa.func.max(QUALITY_DAY.c.partition)).where(QUALITY_DAY.c.source == source))
    return Partition(day) if day else None


def _days(connection: sa.Connection, *wanted: sa.ColumnElement[bool]) -> list[DayNumbers]:
    query = sa.select(QUALITY_DAY).where(*wanted).order_by(QUALITY_DAY.c.source, QUALITY_DAY.c.partition)
    return [
        DayNumbers(**{name: _utc(value) for name, value in row.items()}) for row in connection.execute(query).mappings()
    ]


def _checks(connection: sa.Connection, source: str, day: date) -> tuple[Check, ...]:
    columns = ("entity", "expectation", "severity", "verdict", "rows", "failed", "observed")
    query = (
        sa.select(*(QUALITY_CHECK.c[name] for name in columns))
        .where(*_of(QUALITY_CHECK, source, day))
        .order_by(QUALITY_CHECK.c.entity, QUALITY_CHECK.c.position)
    )
    found = [Check(**row) for row in connection.execute(query).mappings()]
    return tuple(sorted(found, key=lambda c: (c.verdict != "failed", _ORDER[c.severity], c.verdict == "not judged")))


def _entities(connection: sa.Connection, source: str, days: list[date]) -> tuple[EntityRows, ...]:
    query = sa.select(Landing).where(Landing.source == source, Landing.partition.between(days[0], days[-1]))
    by_entity: dict[str, dict[date, Any]] = {}
    for row in connection.execute(query.order_by(Landing.entity)).mappings():
        by_entity.setdefault(row["entity"], {})[row["partition"]] = row
    counted = ("taken", "loaded", "quarantined", "superseded")
    return tuple(
        EntityRows(
            entity,
            **{name: landed[days[-1]][name] if days[-1] in landed else 0 for name in counted},
            trend=tuple(landed[d]["loaded"] if d in landed else None for d in days),
        )
        for entity, landed in by_entity.items()
    )


def _of(view: sa.Table, source: str, day: date) -> tuple[sa.ColumnElement[bool], ...]:
    return view.c.source == source, view.c.partition == day


def _utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
