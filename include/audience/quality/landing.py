"""The numbers of `ops.landing` after rows left the quarantine."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.counts import Counts
from audience.core.lake import Written
from audience.core.partition import Partition
from audience.core.warehouse.models import Landing


@dataclass(frozen=True)
class Moved:
    """Rows of one entity and partition that are somewhere else now.

    Args:
        loaded, superseded: rows that are counted there now.
        reason, left: rows that are not quarantined for this reason any more.
        new_reason: what they are quarantined for instead; None: they left the quarantine.
    """

    entity: str
    partition: Partition
    loaded: int = 0
    superseded: int = 0
    reason: str = ""
    left: int = 0
    new_reason: str | None = None


def restate_landing(
    connection: sa.Connection,
    source: str,
    moved: Iterable[Moved],
    written: Mapping[str, Mapping[Partition, Written]],
) -> None:
    """Moves the numbers of each entity and partition; rows in stay rows loaded, quarantined and superseded.

    The numbers are those of the last publication of a partition. Rows of an earlier one that it does not count as
    quarantined are not taken off a second time.
    """
    by_place: dict[tuple[str, Partition], list[Moved]] = defaultdict(list)
    for one in moved:
        by_place[one.entity, one.partition].append(one)
    for (entity, partition), rows in sorted(by_place.items()):
        place = {"source": source, "entity": entity, "partition": partition.day}
        found = connection.execute(sa.select(Landing).filter_by(**place).with_for_update()).mappings().one_or_none()
        counts = _after(found, rows)
        hashes = {d: w.content_hash for d, w in written.get(entity, {}).items()}
        content_hash = hashes.get(partition) or (found["content_hash"] if found else "")
        new = insert(Landing).values(place | counts.as_dict() | {"content_hash": content_hash, "published_at": None})
        names = ("taken", "loaded", "quarantined", "superseded", "reasons", "content_hash")
        connection.execute(
            new.on_conflict_do_update(index_elements=list(place), set_={n: new.excluded[n] for n in names})
        )


def _after(found: sa.RowMapping | None, moved: Iterable[Moved]) -> Counts:
    loaded, superseded = (found["loaded"], found["superseded"]) if found else (0, 0)
    reasons: dict[str, int] = dict(found["reasons"]) if found else {}
    for one in moved:
        loaded += one.loaded
        superseded += one.superseded
        left = min(one.left, reasons.get(one.reason, 0))
        reasons[one.reason] = reasons.get(one.reason, 0) - left
        if one.new_reason is not None:
            reasons[one.new_reason] = reasons.get(one.new_reason, 0) + left
    reasons = {reason: rows for reason, rows in sorted(reasons.items()) if rows}
    quarantined = sum(reasons.values())
    return Counts(loaded + quarantined + superseded, loaded, quarantined, superseded, reasons)
