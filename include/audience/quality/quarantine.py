"""The quarantine as people work with it: which rows are open, what they look like, which ones nobody wants.

Rows stay in the lake for good, in `quarantine_<source>`. What was decided about them is in the warehouse, in
`ops.quarantine_decision`. A row is open until it was replayed, superseded or discarded.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import batches, keep
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import QUARANTINE, quarantine
from audience.core.warehouse.models import QuarantineReveal
from audience.quality.decisions import KEY, decisions, lock, record
from audience.quality.shape import shapes

_PART = 1_000
"""Rows in memory at once: a row may have 4 MB."""


@dataclass(frozen=True)
class Chosen:
    """Which rows of a source are meant: those of days first..last whose reason contains the text; None means all."""

    source: str
    first: Partition | None = None
    last: Partition | None = None
    reason: str | None = None


def choose(source: str, first: str | None, last: str | None, reason: str | None = None) -> Chosen:
    """The same from what a form or a command line says: nothing and an empty text mean all."""
    days = [Partition.parse(day) if day else None for day in (first, last)]
    return Chosen(source, days[0], days[1], reason or None)


def sources(lake: Lake) -> list[str]:
    """The sources that ever had a row refused, sorted."""
    prefix = quarantine("").name
    return [name.removeprefix(prefix) for name in lake.tables() if name.startswith(prefix)]


def open_rows(lake: Lake, session: Backend, connection: sa.Connection, chosen: Chosen) -> ir.Table:
    """The chosen rows that wait for a decision, without what they hold.

    Gives  one row per open row: its key (partition, generation, entity, stream, position), `kind`, `reason` (of the last
           replay, when there was one), `number` (0.. in the order of partition, generation, stream, position).

    The same row refused in two extractions of a partition is one: the newest counts, and a decision about one is a
    decision about both.
    """
    rows = _history(lake, session, chosen).mutate(digest=_.row.hexdigest("md5"))
    decided = decisions(session, connection, chosen.source)
    known = rows.left_join(decided, list(KEY)).select(
        *(rows[c] for c in (*KEY, "kind", "digest")),
        reason=(decided.decision == "refused").ifelse(decided.why, rows.reason),
        is_closed=(decided.decision != "refused").fill_null(False),
    )
    same = ibis.window(group_by=["partition", "entity", "stream", "digest"])
    marked = known.mutate(closed=_.is_closed.any().over(same), newest=_.generation.max().over(same))
    found = marked.filter(~_.closed & (_.generation == _.newest))
    if chosen.reason is not None:
        found = found.filter(_.reason.contains(chosen.reason))
    order = ibis.window(order_by=["partition", "generation", "stream", "position"])
    return keep(session, found.select(*KEY, "kind", "reason", number=ibis.row_number().over(order)))


def with_rows(lake: Lake, session: Backend, chosen: Chosen, opened: ir.Table) -> ir.Table:
    """Open rows with what they hold: the column `row`, personal data."""
    rows = _history(lake, session, chosen).select(*KEY, "row")
    return opened.inner_join(rows, list(KEY)).select(*opened.columns, "row")


def listed(lake: Lake, session: Backend, connection: sa.Connection, chosen: Chosen) -> list[dict[str, Any]]:
    """How many rows are open: one row per partition, entity and reason: `partition`, `entity`, `reason`, `rows`."""
    place = ["partition", "entity", "reason"]
    counted = open_rows(lake, session, connection, chosen).group_by(place).agg(rows=_.count()).order_by(place)
    found: list[dict[str, Any]] = session.to_pyarrow(counted).to_pylist()
    return found


def shown(
    lake: Lake, session: Backend, connection: sa.Connection, chosen: Chosen, *, most: int, reveal_to: str | None = None
) -> list[dict[str, Any]]:
    """The first open rows: key, `kind`, `reason`, `row` (as JSON reads it).

    Every value is a shape (`audience.quality.shape`), because a row that broke may hold an address where nobody declared
    one. With `reveal_to`, the name of a person, values are as they came, and the transaction records who was shown them.
    """
    first = open_rows(lake, session, connection, chosen).filter(_.number < most)
    rows = session.to_pyarrow(with_rows(lake, session, chosen, first).order_by("number")).to_pylist()
    if reveal_to is not None and rows:
        seen = {"source": chosen.source, "first": rows[0]["partition"], "last": rows[-1]["partition"]}
        connection.execute(sa.insert(QuarantineReveal).values(seen | {"rows": len(rows), "shown_to": reveal_to}))
    return [
        {c: one[c] for c in (*KEY, "kind", "reason")} | {"row": _read(one["row"], is_shape=reveal_to is None)}
        for one in rows
    ]


def discard(lake: Lake, session: Backend, connection: sa.Connection, chosen: Chosen, *, by: str, why: str) -> int:
    """Closes the chosen open rows without landing them; they stay in the lake. Gives their number."""
    lock(connection, chosen.source)
    opened = open_rows(lake, session, connection, chosen)
    decided = opened.mutate(decision=ibis.literal("discarded"), why=ibis.literal(why))
    return record(session, connection, chosen.source, decided, by)


def raw_records(
    lake: Lake, session: Backend, chosen: Chosen, opened: ir.Table
) -> Iterator[tuple[int, str, Partition, str]]:
    """The open raw records in order: number, stream, partition, JSON as it came."""
    waiting = opened.filter(_.kind == "record")
    if not session.to_pyarrow(waiting.count()).as_py():
        return
    waiting = with_rows(lake, session, chosen, waiting)
    ordered = waiting.order_by("number").select("number", "stream", "partition", "row")
    for part in batches(session, ordered, size=_PART):
        for one in part.to_pylist():
            yield one["number"], one["stream"], Partition.parse(one["partition"]), one["row"]


def _read(row: str, *, is_shape: bool) -> Any:
    try:
        value = json.loads(row)
    except ValueError:  # a record of megabytes is kept up to a length
        value = row
    return shapes(value) if is_shape else value


def _history(lake: Lake, session: Backend, chosen: Chosen) -> ir.Table:
    table = quarantine(chosen.source)
    last = chosen.last or lake.newest(table.name) or Partition.parse("0001-01-01")
    rows = lake.history(session, table, through=last, since=chosen.first)
    return rows.select(*QUARANTINE.names, "partition", generation=rows.generation.cast("int64"))
