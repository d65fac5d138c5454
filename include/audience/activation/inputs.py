"""How the sources stand that a push rests on: read from `ops`, where publishing and `watch_sources` write it."""

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa

from audience.activation.guard import SourceState
from audience.core.warehouse.views import QUALITY_DAY, QUALITY_FRESHNESS

UNDER_WAY = timedelta(hours=1)
"""As long as the task that judges and publishes may take: what was judged later is still being published."""


def read_inputs(connection: sa.Connection, as_of: date) -> Sequence[SourceState]:
    """Every source in use, by name: its newest published day, how old that may be, and what became of the day `as_of`.

    The warehouse's clock says how late it is. A source that is optional and never published anything is not used.
    """
    fresh, day = QUALITY_FRESHNESS.c, QUALITY_DAY.c
    is_under_way = sa.and_(day.verdict == "unfinished", day.judged_at > sa.func.now() - UNDER_WAY)
    verdict = sa.case((sa.func.coalesce(is_under_way, sa.false()), sa.null()), else_=day.verdict)
    rows = connection.execute(
        sa.select(
            fresh.source, fresh.is_required, fresh.newest, fresh.fresh_hours, fresh.due_at, fresh.is_late, verdict
        )
        .select_from(
            QUALITY_FRESHNESS.outerjoin(QUALITY_DAY, sa.and_(day.source == fresh.source, day.partition == as_of))
        )
        .where(sa.or_(fresh.is_required, fresh.newest.is_not(None)))
        .order_by(fresh.source)
    )
    return [SourceState(*row) for row in rows]
