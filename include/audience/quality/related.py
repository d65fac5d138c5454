"""Rows of other entities of the same source that expectations need: from the same extraction, then from the lake."""

from collections.abc import Mapping, Sequence

import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import ENTITIES, raw
from audience.quality.admission import admitted
from audience.quality.expectation import Expectation, Refers, SumsTo
from audience.quality.one_pass import Related


def related(
    lake: Lake,
    session: Backend,
    judged: Mapping[str, ir.Table],
    entity: str,
    suite: Sequence[Expectation],
    *,
    source: str,
    last: Partition,
) -> Related:
    """What the suite of an entity needs. What a source never had is left out: it cannot be asked then."""
    orphans: dict[tuple[str, str], ir.Table] = {}
    sums: dict[SumsTo, ir.Table] = {}
    for expectation in suite:
        if isinstance(expectation, Refers) and (expectation.column, expectation.to) not in orphans:
            values = _orphans(lake, session, judged, entity, expectation, source=source, last=last)
            if values is not None:
                orphans[expectation.column, expectation.to] = values
        elif isinstance(expectation, SumsTo) and expectation.part in judged:
            parts = admitted(judged[expectation.part], ENTITIES[expectation.part])
            total = parts[expectation.amount].sum()
            sums[expectation] = keep(session, parts.group_by("_day", expectation.by).agg(total=total))
    return Related(orphans, sums)


def _orphans(
    lake: Lake,
    session: Backend,
    judged: Mapping[str, ir.Table],
    entity: str,
    link: Refers,
    *,
    source: str,
    last: Partition,
) -> ir.Table | None:
    """Values of the child that are no key of the parent; None when the source has no such parent.

    The lake is read for values only that the extraction does not settle, and its key column only.
    """
    landed = raw(source, link.to)
    is_landed = bool(lake.publications(landed, through=last))
    if link.to not in judged and not is_landed:
        return None
    rows = admitted(judged[entity], ENTITIES[entity])
    values = rows.select(value=rows[link.column]).filter(_.value.notnull()).distinct()
    if link.to in judged:
        parents = admitted(judged[link.to], ENTITIES[link.to])
        values = values.anti_join(parents, values.value == parents[link.key])
    values = keep(session, values)
    if is_landed and session.to_pyarrow(values.count()).as_py():
        parents = lake.history(session, landed, through=last)
        values = keep(session, values.anti_join(parents, values.value == parents[link.key]))
    return values
