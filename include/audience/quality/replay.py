"""Replay: what quarantined rows become after their source was mended lands beside what their partition holds.

A replay never erases. It adds a generation to the partition of each row that passes admission now; what fails stays in
quarantine with its new reason; doing it again changes nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.lake import Lake, Written
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import ENTITIES, ROWS_PER_RECORD, raw
from audience.privacy.erasing.tombstones import tombstones
from audience.quality.admission import PLACE, judge
from audience.quality.decisions import KEY, record
from audience.quality.exchange import known_rates
from audience.quality.landing import Moved, restate_landing
from audience.quality.left_out import refuse_erased
from audience.quality.staged import BROKEN, texts, together

_CHANGED_AT = "updated_at"
"""The column by which two versions of a row are compared, where an entity has it."""


@dataclass(frozen=True)
class Replayed:
    """What became of the chosen open rows: `replayed` + `superseded` + `refused` + `unreadable` = all of them.

    Args:
        superseded: their partition held a version already that is not older.
        refused: they stay, and why.
        unreadable: they stay: only another extraction can bring what could not be read.
        loaded: rows that landed, by entity; a record may become several.
        changed: partitions that have more than before, oldest first.
    """

    replayed: int
    superseded: int
    refused: dict[str, int]
    unreadable: int
    loaded: dict[str, int]
    changed: tuple[Partition, ...]


def land(
    lake: Lake,
    session: Backend,
    connection: sa.Connection,
    opened: ir.Table,
    rows: ir.Table,
    *,
    key: Secret,
    source: str,
    folder: str,
    by: str,
) -> Replayed:
    """Judges and lands what open rows became, and records what was decided about each.

    A raw record passes with all of its rows or stays whole. A row whose key its partition holds already lands only when
    it changed later (`updated_at`); else it is superseded. The decisions are part of the connection's transaction: when
    it is rolled back after rows have landed, the next replay finds them there and decides the same.

    Args:
        opened: as `quarantine.open_rows` gives them.
        rows: the same with `row`.
        folder: where `tidy_again` staged what raw records became.
    """
    waiting = opened.filter(_.kind != "unreadable")
    gone = tombstones(connection, key)
    told = _judged(lake, session, rows, folder, key)
    judged = {e: keep(session, refuse_erased(found, gone, source, key)) for e, found in told.items()} if gone else told
    failed = _failed(lake, session, folder, judged)
    compared = {
        entity: _compared(lake, session, source, entity, good) for entity, good in _good(judged, failed, opened).items()
    }
    late = _late(session, compared)

    written: dict[str, dict[Partition, Written]] = {}
    moved = []
    for entity, good in compared.items():
        table = ENTITIES[entity]
        landing = _landing(session, good, late, table)
        moved += _landed(session, entity, landing, good)
        new = landing.filter(_._is_new).select("_day", *table.names)
        beside = _beside(lake, session, source, landing, table)
        written[entity] = lake.write_days(session, raw(source, entity), together([new, *beside]))

    verdicts = keep(session, _verdicts(waiting, failed, late))
    moved += _left(session, verdicts)
    restate_landing(connection, source, moved, written)
    changes = verdicts.filter((_.decision != "refused") | (_.why != _.reason))
    record(session, connection, source, changes, by)

    became = {
        r["decision"]: r["rows"]
        for r in session.to_pyarrow(verdicts.group_by("decision").agg(rows=_.count())).to_pylist()
    }
    refused = verdicts.filter(_.decision == "refused").group_by("why").agg(rows=_.count()).order_by("why")
    return Replayed(
        replayed=became.get("replayed", 0),
        superseded=became.get("superseded", 0),
        refused={r["why"]: r["rows"] for r in session.to_pyarrow(refused).to_pylist()},
        unreadable=int(session.to_pyarrow(opened.filter(_.kind == "unreadable").count()).as_py()),
        loaded={entity: rows for entity in compared if (rows := sum(m.loaded for m in moved if m.entity == entity))},
        changed=tuple(sorted({day for days in written.values() for day, one in days.items() if one.changed})),
    )


# -- what the rows are now ---------------------------------------------------------------------------------------------


def _judged(lake: Lake, session: Backend, rows: ir.Table, folder: str, key: Secret) -> dict[str, ir.Table]:
    """Every row judged, by entity, with the `number` of the open row that it comes from."""
    lake.attach(session)
    rates = known_rates(lake, session)
    parts: dict[str, list[ir.Table]] = {}
    for name in lake.staged(folder):
        entity, stream = Path(name).stem.split(".", 1)
        if entity != BROKEN:
            names = ENTITIES[entity].staged_names
            found = texts(session, lake.staging_url(f"{folder}/{name}"), ("_day", "_position", *names))
            parts.setdefault(entity, []).append(found.mutate(_stream=ibis.literal(stream)).select(*PLACE, *names))
    refused = rows.filter(_.kind == "row")
    for entity in (
        session.to_pyarrow(refused.select("entity").distinct().order_by("entity")).column("entity").to_pylist()
    ):
        mine = refused.filter(_.entity == entity)
        place = {
            "_day": mine.partition,
            "_stream": mine.stream,
            "_position": (mine.number * ROWS_PER_RECORD).cast("string"),
        }
        fields = {n: _text_of(mine.row, f'$."{n}"') for n in ENTITIES[entity].staged_names}
        parts.setdefault(entity, []).append(mine.select(**place, **fields))
    return {
        entity: keep(
            session,
            judge(together(found), ENTITIES[entity], key, rates).mutate(
                number=_._position.cast("int64") // ROWS_PER_RECORD, _position=_._position.cast("int64")
            ),
        )
        for entity, found in sorted(parts.items())
    }


def _failed(lake: Lake, session: Backend, folder: str, judged: dict[str, ir.Table]) -> ir.Table:
    """One row per open row that fails again: `number`, `why`."""
    none = ibis.memtable([], schema=ibis.schema({"number": "int64", "why": "string"}))
    found = [none]
    for name in lake.staged(folder):
        if name.startswith(f"{BROKEN}."):
            lines = texts(session, lake.staging_url(f"{folder}/{name}"), ("_position", "reason"))
            found.append(lines.select(number=lines._position.cast("int64") // ROWS_PER_RECORD, why=lines.reason))
    found += [rows.filter(_._reason.notnull()).select("number", why=_._reason) for rows in judged.values()]
    return keep(session, together(found).group_by("number").agg(why=_.why.min()))


def _good(judged: dict[str, ir.Table], failed: ir.Table, opened: ir.Table) -> dict[str, ir.Table]:
    """The rows of what passes whole, by entity; `is_row` is true for a row that admission had refused."""
    kinds = opened.select("number", is_row=opened.kind == "row")
    return {entity: rows.anti_join(failed, "number").inner_join(kinds, "number") for entity, rows in judged.items()}


# -- what is there already ---------------------------------------------------------------------------------------------


def _compared(lake: Lake, session: Backend, source: str, entity: str, good: ir.Table) -> ir.Table:
    """The rows with `is_there`, the same row is in its partition, and `is_late`, a version that is not older is."""
    table = ENTITIES[entity]
    good = keep(session, good)
    held = _held(lake, session, source, entity, good)
    same = good.left_join(held, [good._day == held.partition, *(good[c] == held[c] for c in table.key)])
    is_there = ibis.literal(True)
    for name in table.names:
        is_there = is_there & good[name].identical_to(held[name])
    by_key = same.select(
        *(good[c] for c in good.columns),
        is_there=is_there & held.partition.notnull(),
        key_held=held.partition.notnull(),
        key_held_at=held.held_at,
    )
    groups = held.group_by("partition", *table.version_of).agg(held_at=_.held_at.max())
    grouped = by_key.left_join(
        groups, [by_key._day == groups.partition, *(by_key[c] == groups[c] for c in table.version_of)]
    ).select(*(by_key[c] for c in by_key.columns), group_held=groups.partition.notnull(), held_at=groups.held_at)
    is_held = grouped.is_row.ifelse(grouped.key_held, grouped.group_held)
    at = grouped.is_row.ifelse(grouped.key_held_at, grouped.held_at)
    is_older = (at >= grouped[_CHANGED_AT]).fill_null(True) if _has_time(table) else ibis.literal(True)
    return keep(session, grouped.mutate(is_late=is_held & ~grouped.is_there & is_older, has_time=_has_time(table)))


def _held(lake: Lake, session: Backend, source: str, entity: str, good: ir.Table) -> ir.Table:
    """What the partitions of the rows hold of the same groups of keys, each partition as its last generation left it.

    `held_at` says when a version changed; null where the entity has no such column.
    """
    table = ENTITIES[entity]
    days = sorted(session.to_pyarrow(good.select("_day").distinct()).column("_day").to_pylist())
    first, last = (
        (Partition.parse(days[0]), Partition.parse(days[-1])) if days else (Partition.parse("0001-01-01"),) * 2
    )
    rows = lake.history(session, raw(source, entity), through=last, since=first)
    wanted = rows.semi_join(good, [rows.partition == good._day, *(rows[c] == good[c] for c in table.version_of)])
    newest = ibis.window(group_by=["partition", *table.version_of], order_by=ibis.desc("generation"))
    ranked = wanted.mutate(version_rank=ibis.rank().over(newest))
    held_at = _[_CHANGED_AT] if _has_time(table) else ibis.null(dt.Timestamp(timezone="UTC"))
    return keep(session, ranked.filter(_.version_rank == 0).select("partition", *table.names, held_at=held_at))


def _late(session: Backend, compared: dict[str, ir.Table]) -> ir.Table:
    """Numbers of what is superseded: as the rows with a time say, where a record has such rows; else as any row says."""
    none = ibis.memtable([], schema=ibis.schema({"number": "int64", "is_late": "boolean", "has_time": "boolean"}))
    rows = together([none, *(found.select("number", "is_late", "has_time") for found in compared.values())])
    said = rows.group_by("number").agg(timed=_.is_late.any(where=_.has_time), at_all=_.is_late.any())
    return keep(session, said.filter(ibis.coalesce(said.timed, said.at_all)).select("number"))


def _has_time(table: Table) -> bool:
    return _CHANGED_AT in table.names


# -- what lands --------------------------------------------------------------------------------------------------------


def _landing(session: Backend, good: ir.Table, late: ir.Table, table: Table) -> ir.Table:
    """The newest row of each key and day; `_is_new` for those of a group of which something is not there yet."""
    rows = good.anti_join(late, "number")
    last_first = ibis.window(group_by=["_day", *table.key], order_by=[ibis.desc("_stream"), ibis.desc("_position")])
    newest = rows.mutate(_rank=ibis.row_number().over(last_first)).filter(_._rank == 0)
    group = ibis.window(group_by=["_day", *table.version_of])
    marked = newest.mutate(_is_new=(~_.is_there).any().over(group), _rows_only=_.is_row.all().over(group))
    return keep(session, marked)


def _beside(lake: Lake, session: Backend, source: str, landing: ir.Table, table: Table) -> list[ir.Table]:
    """What has to land again beside refused rows: a generation counts for a whole group (an order's lines), and a single
    line that lands alone would take the others away."""
    if table.version_of == table.key:
        return []
    alone = landing.filter(_._is_new & _._rows_only)
    held = _held(lake, session, source, table.name, alone)
    others = held.anti_join(alone, [held.partition == alone._day, *(held[c] == alone[c] for c in table.key)])
    return [others.select(_day=others.partition, **{c: others[c] for c in table.names})]


# -- the numbers -------------------------------------------------------------------------------------------------------


def _landed(session: Backend, entity: str, landing: ir.Table, good: ir.Table) -> list[Moved]:
    """Rows loaded and superseded, by day."""
    loaded = {r["_day"]: r["n"] for r in session.to_pyarrow(landing.group_by("_day").agg(n=_.count())).to_pylist()}
    came = {r["_day"]: r["n"] for r in session.to_pyarrow(good.group_by("_day").agg(n=_.count())).to_pylist()}
    return [
        Moved(entity, Partition.parse(day), loaded=loaded.get(day, 0), superseded=rows - loaded.get(day, 0))
        for day, rows in sorted(came.items())
    ]


def _verdicts(waiting: ir.Table, failed: ir.Table, late: ir.Table) -> ir.Table:
    """What is decided about each open row: `decision` and `why`, its new reason when it stays."""
    superseded = late.mutate(is_late=True)
    known = waiting.left_join(failed, "number").drop("number_right").left_join(superseded, "number")
    return known.select(
        *KEY, "reason",
        decision=ibis.cases((_.why.notnull(), "refused"), (_.is_late.notnull(), "superseded"), else_="replayed"),
        why=_.why.fill_null(""),
    )  # fmt: skip


def _left(session: Backend, verdicts: ir.Table) -> list[Moved]:
    """What left the quarantine, and what stays there under another reason."""
    counted = verdicts.group_by("entity", "partition", "reason", "decision", "why").agg(rows=_.count())
    return [
        Moved(
            r["entity"],
            Partition.parse(r["partition"]),
            reason=r["reason"],
            left=r["rows"],
            new_reason=r["why"] or None,
        )
        for r in session.to_pyarrow(counted).to_pylist()
        if r["decision"] != "refused" or r["why"] != r["reason"]
    ]


@ibis.udf.scalar.builtin(name="json_extract_string")
def _text_of(row: str, path: str) -> str: ...  # type: ignore[empty-body]
