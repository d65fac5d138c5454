"""How often what happened to each person, for all windows of all rules at once: one pass over the events."""

from collections.abc import Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core import history
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.segments.window import EVENTS, Window, entities


def counted(happened: ir.Table, windows: Sequence[Window], *, as_of: datetime) -> ir.Table:
    """How many events of each window every person has.

    Takes  one row per event: `person_id`, `event` (a name of EVENTS), `occurred_at` (UTC).
    Gives  one row per person with an event in the longest window: `person_id`, and `Window.column` of each window.
    """
    longest = max(window.span for window in windows)
    recent = happened.filter((_.occurred_at >= ibis.literal(as_of - longest)) & (_.occurred_at < ibis.literal(as_of)))
    return recent.group_by("person_id").agg(
        **{
            w.column: (recent.event.isin(w.events) & (recent.occurred_at >= ibis.literal(as_of - w.span))).sum()
            for w in windows
        }
    )


def happened(lake: Lake, session: Backend, partition: Partition, windows: Sequence[Window]) -> ir.Table:
    """What happened to people known at the end of a partition, as far as a window asks: the input of `counted`."""
    needed = entities(windows)
    parts = []
    if "event" in needed:
        rows = history.email_events(lake, session, partition)
        parts.append(rows.filter(~_.is_machine).select("person_id", event=_.type, occurred_at=_.occurred_at))
    if "web_event" in needed:
        rows = history.web_events(lake, session, partition)
        parts.append(rows.filter(~_.is_machine).select("person_id", event=_named(rows.type), occurred_at=_.occurred_at))
    if "order" in needed:
        rows = history.orders(lake, session, partition).filter(_.status == "paid")
        parts.append(rows.select("person_id", event=ibis.literal("order"), occurred_at=_.ordered_at))
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def _named(kind: ir.StringValue) -> ir.StringValue:
    """The name of a web event among EVENTS."""
    others = {of: name for name, (entity, of) in EVENTS.items() if entity == "web_event" and of != name}
    return ibis.cases(*((kind == of, name) for of, name in others.items()), else_=kind)
