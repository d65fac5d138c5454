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
from audience.quality.expectation import Expectation, Keeps, Refers, SumsTo
from audience.quality.newest import of_several
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
    reused: dict[Keeps, ir.Table] = {}
    sums: dict[SumsTo, ir.Table] = {}
    for expectation in suite:
        if isinstance(expectation, Refers) and (expectation.column, expectation.to) not in orphans:
            values = _orphans(lake, session, judged, entity, expectation, source=source, last=last)
            if values is not None:
                orphans[expectation.column, expectation.to] = values
        elif isinstance(expectation, Keeps):
            reused[expectation] = _reused(lake, session, judged[entity], entity, expectation, source=source, last=last)
        elif isinstance(expectation, SumsTo) and expectation.part in judged:
            parts = admitted(judged[expectation.part], ENTITIES[expectation.part])
            total = parts[expectation.amount].sum()
            sums[expectation] = keep(session, parts.group_by("_day", expectation.by).agg(total=total))
    return Related(orphans, sums, reused)


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
    values = rows.select(value=rows[link.column]).filter(_.value.notnull())
    if link.to in judged:
        parents = admitted(judged[link.to], ENTITIES[link.to])
        values = keep(session, values.anti_join(parents, values.value == parents[link.key]).distinct())
        if not is_landed or not session.to_pyarrow(values.count()).as_py():
            return values
    parents = lake.history(session, landed, through=last)
    return keep(session, values.anti_join(parents, values.value == parents[link.key]).distinct())


def _reused(
    lake: Lake, session: Backend, judged: ir.Table, entity: str, keeps: Keeps, *, source: str, last: Partition
) -> ir.Table:
    """The keys of the extraction of which two versions, here or in the lake, know different values."""
    kind = ENTITIES[entity].column(keeps.column).ibis_type
    known = judged.filter(_._reason.isnull())
    told = known.select(key=known[keeps.by], value=known[keeps.column].cast(kind)).filter(_.value.notnull())
    several = of_several(session, told, ("key",)).group_by("key").agg(low=_.value.min(), high=_.value.max())
    here = several.filter(_.low != _.high).select(value="key")
    history = lake.history(session, raw(source, entity), through=last)
    landed = history.select(key=history[keeps.by], other=history[keeps.column].cast(kind))
    there = told.inner_join(landed, "key").filter(_.value != _.other).select(value="key")
    return keep(session, here.union(there, distinct=True))
