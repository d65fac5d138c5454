"""How people answer e-mails. Opens and clicks by machines do not count."""

from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from audience.features.purchases import DAY_S, elapsed


def engagement(events: ir.Table, *, as_of: datetime) -> ir.Table:
    """What each person did with e-mails before `as_of`.

    Takes  one row per event: `person_id`, `type`, `occurred_at` (UTC), `is_machine`.
    Gives  one row per person with an event: counts of the last 90 days, whole days since the last open and click.
    """
    past = events.filter(_.occurred_at < as_of)
    recent = past.occurred_at >= ibis.literal(as_of - timedelta(days=90))
    opened = (past.type == "open") & ~past.is_machine
    clicked = (past.type == "click") & ~past.is_machine
    return (
        past.group_by("person_id")
        .agg(
            sent_90d=((past.type == "sent") & recent).sum(),
            opens_90d=(opened & recent).sum(),
            clicks_90d=(clicked & recent).sum(),
            last_opened_at=past.occurred_at.max(where=opened),
            last_clicked_at=past.occurred_at.max(where=clicked),
        )
        .mutate(
            last_open_days=elapsed(_.last_opened_at, as_of, DAY_S),
            last_click_days=elapsed(_.last_clicked_at, as_of, DAY_S),
        )
        .drop("last_opened_at", "last_clicked_at")
    )
