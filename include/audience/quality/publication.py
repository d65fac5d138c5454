"""Write, audit, publish: what was extracted becomes raw tables, or nothing does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend
from sqlalchemy.dialects.postgresql import insert

from audience.core.counts import Counts
from audience.core.engine import keep
from audience.core.errors import AudienceError, LakeError
from audience.core.lake import Lake, Written
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.tables import ENTITIES, QUARANTINE, quarantine, raw
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Landing
from audience.privacy.erasing.tombstones import tombstones
from audience.quality.admission import PLACE, admitted, judge, refused
from audience.quality.audit import Audit, audit, refuse
from audience.quality.decisions import lock
from audience.quality.exchange import known_rates
from audience.quality.left_out import leave_out
from audience.quality.newest import mark_newest
from audience.quality.one_pass import Group, one_pass, refused_records
from audience.quality.past import read_past
from audience.quality.related import related
from audience.quality.results import record_histograms, record_validations
from audience.quality.staged import BROKEN, texts, together
from audience.quality.suites import suite

Reasons = Mapping[str, Mapping[str, int]]
"""Rows by day and reason."""


@dataclass(frozen=True)
class Published:
    """What became of one entity of one extraction, and which days it changed."""

    entity: str
    counts: Counts
    changed: tuple[Partition, ...]


def publish(
    lake: Lake,
    session: Backend,
    warehouse: Warehouse,
    *,
    key: Secret,
    source: str,
    folder: str,
    staged: Mapping[str, int],
    last: Partition,
    keep_result: Callable[[Audit], None],
) -> list[Published]:
    """Audits every staged entity of a source, then publishes all of them, each row in the partition of its day.

    The last day is published even without rows. Refused rows land in `quarantine_<source>`. Doing it again with the
    same rows changes nothing. Publications of one source land one after the other.

    Args:
        staged: how many rows the extraction says it staged, by entity; `_broken` for records that could not be tidied.
        keep_result: is given what was found of each table, also when nothing is published for it.

    Raises:
        AuditFailed: a gate did not pass; nothing of the source was published, the last good partitions stay.
        AudienceError: rows in are not rows loaded, quarantined and superseded: an error of ours; the day is not
            announced.
        LakeError: nothing is staged in the folder.
    """
    with warehouse.begin() as connection:
        gone = tombstones(connection, key)
    judged, broken = _judged(lake, session, folder, key)
    for entity, rows in judged.items():
        _prove(f"{source}: {entity}: rows judged", _number(session, rows), staged.get(entity, 0))
    _prove(f"{source}: records set aside", _number(session, broken), staged.get(BROKEN, 0))
    judged, broken, erased_by = leave_out(session, gone, judged, broken, source=source, key=key)
    set_aside = _set_aside(session, judged, broken)
    broken_by = _broken_by(session, set_aside)
    groups = {entity: _counted(lake, session, judged, entity, source=source, last=last) for entity in judged}
    with warehouse.begin() as connection:
        audits = [
            audit(
                f"raw_{source}__{entity}",
                [c for c in admitted(rows, ENTITIES[entity]).columns if c != "_day"],
                suite(ENTITIES[entity]),
                groups[entity],
                past=read_past(connection, source, entity, last),
                last=last,
                broken=_summed(broken_by.get(entity, {}).values()),
                records=partial(refused_records, session, rows),
            )
            for entity, rows in judged.items()
        ]
        record_validations(connection, audits)
    for one in audits:
        keep_result(one)
    refuse(audits)

    with warehouse.begin() as turn:
        # Two runs of a source can hold rows of one day (`reread_days`), whose newest version is in one newest file.
        lock(turn, source)
        if tombstones(turn, key) != gone:
            raise AudienceError(f"{source}: somebody was erased while rows were judged; run it again")
        if refusals := _number(session, set_aside):
            kept = lake.write_days(session, quarantine(source), set_aside)
            _prove(f"{source}: rows in quarantine", _in_files(kept), refusals)
        published = []
        for entity, rows in judged.items():
            written = lake.write_days(session, raw(source, entity), admitted(rows, ENTITIES[entity]), always=last)
            counts = _counts(groups[entity], broken_by.get(entity, {}), erased_by.get(entity, {}))
            _prove(f"{source}: {entity}: rows published", _in_files(written), sum(c.loaded for c in counts.values()))
            _record_landing(warehouse, source, entity, counts, written)
            changed = tuple(day for day, one in sorted(written.items()) if one.changed)
            published.append(Published(entity, sum(counts.values(), Counts.none()), changed))
    with warehouse.begin() as connection:
        record_histograms(connection, audits)
    lake.unstage(folder)
    return published


def _judged(lake: Lake, session: Backend, folder: str, key: Secret) -> tuple[dict[str, ir.Table], ir.Table]:
    """Every staged row judged, by entity; and all records that could not be tidied."""
    lake.attach(session)
    staged: dict[str, list[ir.Table]] = {}
    for name in lake.staged(folder):
        entity, stream = Path(name).stem.split(".", 1)
        columns = ("entity", "kind", "reason", "row") if entity == BROKEN else ENTITIES[entity].staged_names
        rows = texts(session, lake.staging_url(f"{folder}/{name}"), ("_day", "_position", *columns))
        staged.setdefault(entity, []).append(rows.mutate(_stream=ibis.literal(stream)).select(*PLACE, *columns))
    if not staged:
        raise LakeError(f"{folder}: nothing is staged; it was published or never extracted: extract it again")
    place = {"stream": _._stream, "position": _._position.cast("int64")}
    broken = together(staged.pop(BROKEN)).mutate(**place).select("_day", *QUARANTINE.names)
    rates = known_rates(lake, session)
    judged = {}
    for entity in sorted(staged):
        rows = keep(session, judge(together(staged[entity]), ENTITIES[entity], key, rates))
        judged[entity] = mark_newest(session, rows, ENTITIES[entity])
    return judged, keep(session, broken)


def _set_aside(session: Backend, judged: Mapping[str, ir.Table], broken: ir.Table) -> ir.Table:
    """All refused rows together."""
    parts = [broken]
    for entity, rows in judged.items():
        parts.append(refused(rows, entity).mutate(kind=ibis.literal("row")).select("_day", *QUARANTINE.names))
    return keep(session, together(parts))


def _prove(place: str, found: int, expected: int) -> None:
    """Raises AudienceError when rows were lost or made between two steps."""
    if found != expected:
        raise AudienceError(f"{place}: found {found}, expected {expected}: rows were lost or made on the way")


def _number(session: Backend, rows: ir.Table) -> int:
    return int(session.to_pyarrow(rows.count()).as_py())


def _in_files(written: Mapping[Partition, Written]) -> int:
    return sum(one.rows for one in written.values())


def _counted(
    lake: Lake, session: Backend, judged: Mapping[str, ir.Table], entity: str, *, source: str, last: Partition
) -> list[Group]:
    """The rows of one entity counted for its suite. Raises AudienceError naming table and expectation."""
    expected = suite(ENTITIES[entity])
    try:
        beside = related(lake, session, judged, entity, expected, source=source, last=last)
        return one_pass(session, judged[entity], expected, beside, last=last)
    except AudienceError as error:
        raise AudienceError(f"raw_{source}__{entity}: {error}") from None


def _broken_by(session: Backend, set_aside: ir.Table) -> dict[str, dict[str, dict[str, int]]]:
    """Records that could not be tidied, by entity, day and reason."""
    broken = set_aside.filter(_.kind != "row").group_by("entity", "_day", "reason").agg(rows=_.count())
    found: dict[str, dict[str, dict[str, int]]] = {}
    for row in session.to_pyarrow(broken).to_pylist():
        found.setdefault(row["entity"], {}).setdefault(row["_day"], {})[row["reason"]] = row["rows"]
    return found


def _summed(reasons: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in reasons:
        for reason, rows in one.items():
            total[reason] = total.get(reason, 0) + rows
    return total


def _counts(groups: Iterable[Group], broken: Reasons, erased: Mapping[str, int]) -> dict[Partition, Counts]:
    """Numbers by day; records that could not be tidied count as rows, rows of who was erased as superseded by that."""
    good: dict[str, int] = {}
    superseded = dict(erased)
    reasons = {day: dict(found) for day, found in broken.items()}
    for group in groups:
        if group.reason is not None:
            of_day = reasons.setdefault(group.day, {})
            of_day[group.reason] = of_day.get(group.reason, 0) + group.rows
        else:
            of_end = good if group.is_newest else superseded
            of_end[group.day] = of_end.get(group.day, 0) + group.rows
    numbers = {}
    for day in {*good, *superseded, *reasons}:
        quarantined = sum(reasons.get(day, {}).values())
        numbers[Partition.parse(day)] = Counts(
            taken=good.get(day, 0) + superseded.get(day, 0) + quarantined,
            loaded=good.get(day, 0),
            quarantined=quarantined,
            superseded=superseded.get(day, 0),
            reasons=dict(sorted(reasons.get(day, {}).items())),
        )
    return numbers


def _record_landing(
    warehouse: Warehouse, source: str, entity: str, counts: dict[Partition, Counts], written: dict[Partition, Written]
) -> None:
    rows = [
        {"source": source, "entity": entity, "partition": day.day}
        | counts.get(day, Counts.none()).as_dict()
        | {"content_hash": written[day].content_hash if day in written else ""}
        for day in sorted({*counts, *written})
    ]
    statement = insert(Landing)
    key = [c.name for c in sa.inspect(Landing).primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in key}
    again = statement.on_conflict_do_update(index_elements=key, set_=replaced | {"published_at": sa.func.now()})
    with warehouse.begin() as connection:
        connection.execute(again, rows)
