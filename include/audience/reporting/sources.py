"""What came in, by source."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import sqlalchemy as sa

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Landing, NewField


@dataclass(frozen=True)
class SourceNumbers:
    """One source over all partitions it ever published.

    Args:
        newest: the last partition that was published.
        published_at: when anything of the source was last published, UTC.
        taken: rows that came in = loaded + quarantined + superseded.
        reasons: quarantined rows by reason, most frequent first.
        behind_days: how much older its newest partition is than the newest of any source, days.
        new_fields: `stream.field` that the system has and the source file does not know.
    """

    source: str
    newest: date
    published_at: datetime
    taken: int
    loaded: int
    quarantined: int
    superseded: int
    reasons: dict[str, int] = field(default_factory=dict)
    behind_days: int = 0
    new_fields: tuple[str, ...] = ()


def read_sources(warehouse: Warehouse) -> list[SourceNumbers]:
    """Every source that ever published, sorted by name."""
    totals = (
        sa.select(
            Landing.source,
            sa.func.max(Landing.partition).label("newest"),
            sa.func.max(Landing.published_at).label("published_at"),
            *(sa.cast(sa.func.sum(column), sa.BigInteger).label(column.key) for column in _COUNTED),
        )
        .group_by(Landing.source)
        .order_by(Landing.source)
    )
    with warehouse.begin() as connection:
        reasons = _reasons(connection)
        rows = connection.execute(totals).all()
        unknown = connection.execute(
            sa.select(NewField.source, NewField.stream, NewField.field).order_by(NewField.stream, NewField.field)
        ).all()
        new_fields = [(one.source, f"{one.stream}.{one.field}") for one in unknown]
    newest = max((row.newest for row in rows), default=None)
    return [
        SourceNumbers(
            source=row.source,
            newest=row.newest,
            published_at=row.published_at.astimezone(UTC),
            taken=row.taken,
            loaded=row.loaded,
            quarantined=row.quarantined,
            superseded=row.superseded,
            reasons=reasons.get(row.source, {}),
            behind_days=(newest - row.newest).days if newest else 0,
            new_fields=tuple(name for source, name in new_fields if source == row.source),
        )
        for row in rows
    ]


_COUNTED = (Landing.taken, Landing.loaded, Landing.quarantined, Landing.superseded)


def _reasons(connection: sa.Connection) -> dict[str, dict[str, int]]:
    each = sa.func.jsonb_each_text(Landing.reasons).table_valued("key", "value").lateral("each")
    rows = sa.cast(sa.func.sum(sa.cast(each.c.value, sa.BigInteger)), sa.BigInteger).label("rows")
    query = (
        sa.select(Landing.source, each.c.key, rows)
        .select_from(sa.join(Landing, each, sa.true()))
        .group_by(Landing.source, each.c.key)
        .order_by(Landing.source, rows.desc(), each.c.key)
    )
    found: dict[str, dict[str, int]] = {}
    for source, reason, count in connection.execute(query):
        found.setdefault(source, {})[reason] = count
    return found
