"""Who is one person, looked at: explained, tried with another threshold, reviewed."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from audience.core.errors import NotPublished
from audience.core.partition import Partition
from audience.core.tables import FEATURES, PERSON_KEY
from audience.steps.days import stale_days
from audience.steps.facts import Facts
from audience.steps.given import registry, trusted

if TYPE_CHECKING:
    from audience.core.lake_over import LakeOver
    from audience.house import House
    from audience.identity.explain import Explanation
    from audience.identity.preview import Preview


def explain(
    house: "House", one: str, other: str, partition: str | None, *, reveal_to: str | None = None
) -> tuple["Explanation", list[Facts]]:
    """Why two records are, or are not, one person; and what they hold, for who asked to see it, which is recorded."""
    from audience.identity.decisions import decisions_of, record_reveal
    from audience.identity.explain import explain as explain_records
    from audience.identity.explain import shown
    from audience.identity.identify import Identity
    from audience.identity.review import SHOWN

    day = _resolved_day(house, partition)
    with house.warehouse.begin() as connection:
        decisions = decisions_of(connection, day)
    with house.engine() as session:
        identity = Identity(_try_on(house), session, house.settings.pseudonym_key, trusted())
        told = explain_records(identity, day, decisions, one, other)
        if reveal_to is None:
            return told, []
        with house.warehouse.begin() as connection:
            record_reveal(connection, "explain", day, records=2, to=reveal_to)
        return told, shown(identity, day, (one, other), SHOWN)


def preview(house: "House", accept: float, partition: str | None) -> tuple["Preview", dict[str, tuple[int, int]]]:
    """What another threshold would change; and of each segment the members now and then. Nothing is published."""
    from audience.activation import destinations
    from audience.features.compute import compute
    from audience.features.imputing.filling import fill
    from audience.identity.decisions import decisions_of
    from audience.identity.identify import Identity
    from audience.identity.preview import preview as try_threshold
    from audience.models.scoring import score
    from audience.segments.check import declared
    from audience.segments.evaluate import evaluate

    day = _resolved_day(house, partition)
    with house.warehouse.begin() as connection:
        decisions = decisions_of(connection, day)
    known = declared(house.settings.segments, destinations.names())
    over = _try_on(house)
    with house.engine() as session:
        identity = Identity(over, session, house.settings.pseudonym_key, trusted())
        before = evaluate(house.lake, session, known, day) if house.lake.files(FEATURES.name, day) else None
        tried = try_threshold(identity, day, decisions, accept)
        if before is None:
            return tried, {}
        compute(over, session, day)
        fill(over, session, day)
        score(over, session, registry(house), day)
        after = evaluate(over, session, known, day)
    sizes = [Counter(evaluated.members["segment"].to_pylist()) for evaluated in (before, after)]
    return tried, {segment.name: (sizes[0][segment.name], sizes[1][segment.name]) for segment in after.segments}


def review_export(house: "House", out: Path, partition: str | None, *, most: int, by: str) -> int:
    """Writes the pairs that wait for a decision to a file, with personal data; that somebody did is recorded."""
    from audience.identity.decisions import decisions_of, record_reveal
    from audience.identity.identify import Identity
    from audience.identity.review import export, queue

    day = _resolved_day(house, partition)
    with house.warehouse.begin() as connection:
        decisions = decisions_of(connection, day)
    with house.engine() as session:
        identity = Identity(_try_on(house), session, house.settings.pseudonym_key, trusted())
        found = identity.of(day, decisions)
        matching = identity.matching
        asked = queue(found, matching.published(day), decisions, review=matching.rules.review, most=most)
        with house.warehouse.begin() as connection:
            record_reveal(connection, "review export", day, records=most * 2, to=by)
        return export(session, found, asked, day, out)


def review_import(house: "House", file: Path, *, since: str | None, by: str) -> Facts:
    """Remembers the decisions of a file. All of them, or none when one cannot be: the error names its line.

    `stale` are the computed days that saw other decisions.
    """
    from audience.identity.decisions import remember
    from audience.identity.review import check_consistent, check_known, read_decisions

    decided = read_decisions(file, since=Partition.parse(since).day if since else None)
    with house.engine() as session:
        check_known(house.lake, session, file.name, decided)
    with house.warehouse.begin() as connection:
        check_consistent(connection, file.name, decided)
        new = remember(connection, [decision for _, decision in decided], by=by)
    first = min((decision.since.isoformat() for _, decision in decided), default=None)
    stale = [day for day in stale_days(house) if day >= first] if new and first else []
    return {"answers": len(decided), "new": new, "stale": stale}


def _resolved_day(house: "House", partition: str | None) -> Partition:
    """The partition, or the newest one with people. Raises NotPublished when there is none."""
    if partition is not None:
        return Partition.parse(partition)
    newest = house.lake.newest(PERSON_KEY.name)
    if newest is None:
        raise NotPublished("person_key: no partition is published, expected one: audience refresh")
    return newest


def _try_on(house: "House") -> "LakeOver":
    """The lake, with a place of this process above it that takes what is written."""
    import atexit
    import shutil
    import tempfile

    from audience.core.lake import Lake
    from audience.core.lake_over import LakeOver

    place = tempfile.mkdtemp(prefix="audience-try-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return LakeOver(house.lake, Lake.at(place))
