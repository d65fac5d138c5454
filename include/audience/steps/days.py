"""Which days have to be computed, and from what input each was."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from audience.core.errors import PartitionError
from audience.core.partition import Partition
from audience.core.tables import ENTITIES, FEATURES, raw
from audience.steps.facts import Facts

if TYPE_CHECKING:
    from audience.house import House


MOST_AT_ONCE = 14
"""Later days that one refresh computes beside its own, beyond, the newest computed one only; and earlier ones."""


def days_to_compute(house: "House", partition: str | None) -> Facts:
    """The partition, if it was computed from other input than there is now, and the other days that wait.

    Those are the later computed days whose input has changed, the days that have landed since the newest computed one,
    and the earlier days that its sources have read again (`reread_days`) when a late row changed them. Sources of
    different days land in any order; whatever the order, each day ends as if it had been computed last, and the first run
    of many does the work of all. A day whose input has not changed is left out: the same input gives the same content.

    Returns:
        `days`, oldest first, each with the fingerprint of its input; `left_stale`, computed days beyond MOST_AT_ONCE.
    """
    wanted = Partition.parse(partition)
    computed = house.lake.partitions(FEATURES.name)
    stale = [day for day in computed if day > wanted and _is_stale(house, day)]
    later = [*stale, *_landed_after(house, max([wanted, *computed]))]
    chosen = later if len(later) <= MOST_AT_ONCE else stale[-1:]
    if _is_stale(house, wanted):
        chosen = [wanted, *chosen]
    reread = wanted.plus(-_reread_days(house))
    chosen = [*(day for day in computed if reread <= day < wanted and _saw_other_rows(house, day)), *chosen]
    return {
        "days": {day.key: input_fingerprint(house, day) for day in chosen},
        "left_stale": [day.key for day in stale if day not in chosen],
    }


def _reread_days(house: "House") -> int:
    """How many days before its own a run of a source that has published may have changed, at most MOST_AT_ONCE."""
    from audience.sources.contract import all_sources

    published = {source for entity in ENTITIES for source in house.lake.sources_of(entity)}
    reread = [s.reread_days for source in all_sources() if source.name in published for s in source.streams]
    return min(max(reread, default=0), MOST_AT_ONCE)


def _landed_after(house: "House", day: Partition) -> list[Partition]:
    """The days that follow without a gap, each with every table of every required source."""
    from audience.sources.contract import all_sources

    required = [raw(source.name, entity) for source in all_sources() if source.required for entity in source.entities]
    published = [house.lake.partitions(table.name, since=day.next) for table in required]
    landed = []
    while published and all(day.next in days for days in published):
        day = day.next
        landed.append(day)
    return landed


def stale_days(house: "House") -> list[str]:
    """Computed days whose input has changed since, oldest first."""
    return [day.key for day in house.lake.partitions(FEATURES.name) if _is_stale(house, day)]


def _is_stale(house: "House", day: Partition) -> bool:
    return house.lake.note("refresh", day).get("input") != input_fingerprint(house, day)


def _saw_other_rows(house: "House", day: Partition) -> bool:
    """Whether raw rows have changed since a day was computed. Other code, models or segments are no late rows."""
    told = str(house.lake.note("refresh", day).get("input", "")).partition(" ")[0]
    return told != _told(house, day)


def input_fingerprint(house: "House", partition: Partition) -> str:
    """Changes when anything changes that the partition is computed from: raw files, and, after a blank, models,
    imputers, segment files, what reviewers decided and this code."""
    from audience.features.imputing.stored import versions
    from audience.identity.decisions import decisions_of

    lake = house.lake
    segments = [file.name.encode() + file.read_bytes() for file in sorted(house.settings.segments.glob("*.yaml"))]
    models = [(day.key, note) for day, note in lake.notes("models").items() if day < partition]
    imputers = [(day.key, content) for day, content in versions(lake).items() if day < partition]
    with house.warehouse.begin() as connection:
        decided = decisions_of(connection, partition)
    rules = f"{_code()} {hashlib.sha256(b'|'.join(segments)).hexdigest()} {models} {imputers} {decided}"
    return f"{_told(house, partition)} {hashlib.sha256(rules.encode()).hexdigest()[:32]}"


def _told(house: "House", partition: Partition) -> str:
    """Changes when sources tell other rows of the days up to the partition."""
    tables = [raw(source, entity) for entity in ENTITIES for source in house.lake.sources_of(entity)]
    return house.lake.fingerprint(tables, through=partition)


@cache
def _code() -> str:
    """A hash of the rooms that compute."""
    rooms = Path(__file__).parents[1]
    files = [
        f
        for room in ("core", "privacy", "identity", "features", "models", "segments")
        for f in rooms.glob(f"{room}/**/*.py")
    ]
    return hashlib.sha256(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()


def end_of_week(monday: str | None) -> str:
    """The Sunday of a week named by its Monday. Raises PartitionError for any other day."""
    first = Partition.parse(monday)
    if first.day.isoweekday() != 1:
        raise PartitionError(f"partition: found {first} ({first.day:%A}), expected the Monday of a week")
    return first.plus(6).key


def days_between(first: str, last: str) -> list[str]:
    """Keys of the days first..last. Raises PartitionError when there are none."""
    days = [day.key for day in Partition.between(Partition.parse(first), Partition.parse(last))]
    if not days:
        raise PartitionError(f"range: found {first} to {last}, expected the first day not after the last")
    return days
