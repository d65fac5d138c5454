"""Rows about people who were erased: dropped before anything of them is published or quarantined, and counted."""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.masked import Secret
from audience.privacy.erasing.tombstones import Tombstones

ErasedBy = Mapping[str, Mapping[str, int]]
"""Rows that were dropped, by entity and day."""

REASON = "about a person who was erased"


def leave_out(
    session: Backend, gone: Tombstones, judged: Mapping[str, ir.Table], broken: ir.Table, *, source: str, key: Secret
) -> tuple[dict[str, ir.Table], ir.Table, ErasedBy]:
    """The judged rows by entity and the broken records without those of people who were erased, and how many those were.

    The lines of an order that is dropped are dropped with it.
    """
    if not gone:
        return dict(judged), broken, {}
    meant = {entity: _meant(rows, gone, source, key) for entity, rows in judged.items()}
    if "order" in judged and "order_line" in judged:
        orders = judged["order"].filter(meant["order"]).select("order_id").distinct()
        lines = judged["order_line"].order_id.isin(orders.order_id).fill_null(False)
        meant["order_line"] = meant["order_line"] | lines
    kept = {entity: keep(session, rows.filter(~meant[entity])) for entity, rows in judged.items()}
    dropped = {entity: _by_day(session, rows.filter(meant[entity])) for entity, rows in judged.items()}
    is_named = gone.is_named(broken.row, key)
    for row in session.to_pyarrow(broken.filter(is_named).group_by("entity", "_day").agg(rows=_.count())).to_pylist():
        days = dropped.setdefault(row["entity"], {})
        days[row["_day"]] = days.get(row["_day"], 0) + row["rows"]
    return kept, keep(session, broken.filter(~is_named)), dropped


def refuse_erased(judged: ir.Table, gone: Tombstones, source: str, key: Secret) -> ir.Table:
    """The same rows; those about people who were erased are refused."""
    if not gone:
        return judged
    reason = _meant(judged, gone, source, key).ifelse(ibis.literal(REASON), judged._reason)
    return judged.mutate(_reason=reason)


def _meant(rows: ir.Table, gone: Tombstones, source: str, key: Secret) -> ir.BooleanValue:
    return gone.is_erased(rows, source, key) | gone.is_named(rows._row, key)


def _by_day(session: Backend, rows: ir.Table) -> dict[str, int]:
    counted = session.to_pyarrow(rows.group_by("_day").agg(rows=_.count()))
    return {row["_day"]: row["rows"] for row in counted.to_pylist()}
