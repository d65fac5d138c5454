"""The steps: what one Airflow task does and what a person can do from the command line, the same functions.

Each takes the house and plain values, and gives back plain values: references and numbers, never rows, never personal
data. Heavy libraries are imported inside, so that this module can be imported by a DAG file.
"""

import hashlib
from collections import Counter
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audience.core.errors import NotPublished, PartitionError, PushHeld
from audience.core.partition import Partition
from audience.core.tables import ENTITIES, FEATURES, PERSON_KEY, raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audience.core.lake_over import LakeOver
    from audience.core.trust import Trusted
    from audience.features.imputing.compare import Measured
    from audience.house import House
    from audience.identity.explain import Explanation
    from audience.identity.preview import Preview
    from audience.privacy.keys import KeyState
    from audience.quality.alerts import Channel
    from audience.quality.quarantine import Chosen
    from audience.quality.replay import Replayed
    from audience.sources.contract import Source

Facts = dict[str, Any]

MOST_AT_ONCE = 14
"""Later days that one refresh computes beside its own, beyond, the newest computed one only; and earlier ones."""


def extract(house: "House", source: str, partition: str | None, since: str | None = None) -> Facts:
    """Fetches the partition's window (from `since` on for a first load) of one source into staging."""
    from audience.sources.contract import extract as extract_source
    from audience.sources.contract import source_named

    last = Partition.parse(partition)
    first = Partition.parse(since) if since else last
    declared = source_named(source)
    extraction = extract_source(declared, house.connection(source), house.lake, first=first, last=last)
    return {"source": source, "folder": extraction.folder, "last": last.key, "rows": extraction.rows,
            "outside": extraction.outside, "added": extraction.added}  # fmt: skip


def publish(house: "House", extraction: Facts) -> Facts:
    """Audits what was extracted and publishes it; raises AuditFailed, and publishes nothing, when a gate says no."""
    from audience.quality.drift import record_new_fields
    from audience.quality.publication import publish as publish_staged
    from audience.quality.validation import keep_result

    with house.engine() as session:
        published = publish_staged(
            house.lake,
            session,
            house.warehouse,
            key=house.key(),
            source=extraction["source"],
            folder=extraction["folder"],
            staged=extraction["rows"],
            last=Partition.parse(extraction["last"]),
            keep_result=partial(keep_result, house.lake),
        )
    record_new_fields(house.warehouse, extraction["source"], Partition.parse(extraction["last"]), extraction["added"])
    return {one.entity: one.counts.as_dict() | {"changed_days": len(one.changed)} for one in published}


def replay(house: "House", source: str, *, by: str, first: str | None = None, last: str | None = None,
           reason: str | None = None) -> Facts:  # fmt: skip
    """Lands quarantined rows that pass now, after their source file or declaration was mended; the others stay.

    `changed` are the partitions that have more rows, `stale` the computed days that saw less.

    Raises DeclarationError when there is no such source file.
    """
    from audience.quality.quarantine import choose
    from audience.sources.contract import source_named

    became = replay_of(house, source_named(source), choose(source, first, last, reason), by=by)
    changed = [day.key for day in became.changed]
    stale = [day for day in stale_days(house) if day >= changed[0]] if changed else []
    return vars(became) | {"changed": changed, "stale": stale}


def replay_of(house: "House", source: "Source", chosen: "Chosen", *, by: str) -> "Replayed":
    """The same for a source that need not be one of the folder."""
    from audience.quality.decisions import lock
    from audience.quality.quarantine import open_rows, raw_records, with_rows
    from audience.quality.replay import land
    from audience.sources.contract.replay import Waiting, tidy_again

    folder = f"{source.name}/replay"
    with house.engine() as session, house.warehouse.begin() as connection:
        lock(connection, source.name)
        opened = open_rows(house.lake, session, connection, chosen)
        house.lake.unstage(folder)
        records = raw_records(house.lake, session, chosen, opened)
        tidy_again(source, house.lake, folder, (Waiting(*record) for record in records))
        became = land(
            house.lake,
            session,
            connection,
            opened,
            with_rows(house.lake, session, chosen, opened),
            key=house.key(),
            source=source.name,
            folder=folder,
            by=by,
        )
    house.lake.unstage(folder)
    return became


def show_quarantined(house: "House", source: str, *, most: int, first: str | None = None, last: str | None = None,
                     reason: str | None = None) -> Facts:  # fmt: skip
    """Quarantined rows that wait.

    Returns:
        `open`: their number by `partition`, `entity` and `reason`; `shapes`: the first ones, each value by its shape.
    """
    from audience.quality.quarantine import choose, listed, shown

    chosen = choose(source, first, last, reason)
    with house.engine() as session, house.warehouse.begin() as connection:
        return {
            "open": listed(house.lake, session, connection, chosen),
            "shapes": shown(house.lake, session, connection, chosen, most=most),
        }


def discard(house: "House", source: str, *, by: str, why: str, first: str | None = None, last: str | None = None,
            reason: str | None = None) -> int:  # fmt: skip
    """Closes quarantined rows that nobody wants; they stay in the lake. Gives their number."""
    from audience.quality.quarantine import choose
    from audience.quality.quarantine import discard as discard_rows

    with house.engine() as session, house.warehouse.begin() as connection:
        return discard_rows(house.lake, session, connection, choose(source, first, last, reason), by=by, why=why)


def watch(house: "House", sources: "Iterable[Source]", channels: "Mapping[str, Channel]", now: datetime) -> Facts:
    """Alerts of required sources that are late at a moment or blocked on a day, of destinations that are not as
    desired, and of their recovery, once each.

    Args:
        sources: all that are in use; what they declare is recorded for `ops.quality_freshness`.
    """
    from audience.quality.alerts import follow
    from audience.reporting import (
        blocked_required,
        late_required,
        push_problems,
        read_blocked,
        read_freshness,
        record_declared,
    )

    sources = list(sources)
    record_declared(house.warehouse, sources)
    late = read_freshness(house.warehouse, sources, now)
    blocked = read_blocked(house.warehouse, sources)
    violations = late_required(late) | blocked_required(blocked) | push_problems(house.warehouse, now)
    sent = follow(house.warehouse, violations, channels, now)
    return {
        "late": [f.source for f in late if f.is_late],
        "blocked": [f"{b.source} {b.partition}" for b in blocked],
        "messages": sent,
    }


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
    rooms = Path(__file__).parent
    files = [
        f
        for room in ("core", "privacy", "identity", "features", "models", "segments")
        for f in rooms.glob(f"{room}/**/*.py")
    ]
    return hashlib.sha256(b"".join(f.read_bytes() for f in sorted(files))).hexdigest()


def identity(house: "House", day: str) -> Facts:
    """Decides who is one person, records consents and opt-outs that sources brought."""
    from audience.identity.resolve import resolve
    from audience.privacy.ledger import record_consents
    from audience.privacy.suppression import record_suppressions

    partition = Partition.parse(day)
    with house.engine() as session:
        key = house.key()
        found = resolve(house.lake, session, house.warehouse, partition, key, trusted=trusted())
        answers = record_consents(house.lake, session, house.warehouse, partition, key)
        opted_out = record_suppressions(house.lake, session, house.warehouse, partition, key)
    numbers = {"records": found.counts.taken, "people": found.counts.loaded, **found.changes, "given_up": found.given_up,
               "new_answers": answers, "new_opt_outs": opted_out}  # fmt: skip
    return numbers | {f"set_aside, {reason}": rows for reason, rows in found.set_aside.items()}


def trusted() -> "Trusted":
    """What each source file declares about its contacts."""
    from audience.sources.contract import all_sources

    return {source.name: source.trust for source in all_sources()}


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
        score(over, session, _registry(house), day)
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


def features(house: "House", day: str) -> Facts:
    """Computes the features of a day."""
    from audience.features.compute import compute

    with house.engine() as session:
        written = compute(house.lake, session, Partition.parse(day))
    return {"people": written.rows, "changed": written.changed}


def review(house: "House", day: str) -> Facts:
    """Compares the people of a day with the declared population, and its orders with their profiles. It stops nothing."""
    from audience.quality.people import review as review_people

    with house.engine() as session, house.warehouse.begin() as connection:
        found = review_people(house.lake, session, connection, Partition.parse(day))
    return {"people": found.people, "checks": len(found.findings), "warnings": len(found.warnings)}


def scores(house: "House", day: str) -> Facts:
    """Guesses what is imputed, and scores everybody; no model yet means unknown scores, no imputers yet no guesses."""
    from audience.features.imputing.filling import fill
    from audience.models.scoring import score

    with house.engine() as session:
        filled = fill(house.lake, session, Partition.parse(day))
        written = score(house.lake, session, _registry(house), Partition.parse(day))
    guessed = {f"{column}_imputed": people for column, people in filled.guessed.items()}
    return {"people": written.rows, "changed": written.changed, **guessed}


def segments(house: "House", day: str, fingerprint: str) -> Facts:
    """Evaluates every segment and loads the segment tables; notes what input the day was computed from."""
    from audience.activation import destinations
    from audience.segments.check import declared
    from audience.segments.evaluate import evaluate
    from audience.segments.membership import load

    partition = Partition.parse(day)
    known = declared(house.settings.segments, destinations.names())
    with house.engine() as session:
        evaluated = evaluate(house.lake, session, known, partition)
    moved = load(house.warehouse, partition, evaluated.members, known, evaluated.people)
    house.lake.note("refresh", partition, {"input": fingerprint})
    return {segment: vars(movement) for segment, movement in moved.items()}


def train(house: "House", partition: str | None) -> Facts:
    """Fits, compares and promotes the models on what was known at the end of a partition.

    Days after it are scored by what was promoted; the day itself and earlier ones never are, so a rerun of a past day
    gives what it gave then.
    """
    from audience.core.history import orders
    from audience.features.compute import features_at
    from audience.features.imputing.stored import learn as learn_imputers
    from audience.models.training import train as train_models

    as_of = Partition.parse(partition)
    with house.engine() as session:
        imputers = learn_imputers(house.lake, session, as_of, features_at(house.lake, session, as_of, known=as_of))
        report = train_models(
            session,
            _registry(house),
            as_of=as_of,
            features_at=lambda cutoff: features_at(house.lake, session, cutoff, known=as_of),
            orders=orders(house.lake, session, as_of),
        )
    house.lake.note("models", as_of, {o.model: o.champion for o in report.outcomes})
    return report.as_dict() | {"imputers": str(imputers), "match_model": match_model(house, as_of)}


def compare_imputing(house: "House", partition: str | None, by: "Iterable[str]" = ()) -> "list[Measured]":
    """The error of each way to impute each declared column, on values of a day that were masked."""
    from audience.features.imputing.compare import compare

    day = Partition.parse(partition) if partition else house.lake.newest(FEATURES.name)
    if day is None:
        raise NotPublished("features: no partition is published, expected one: audience refresh")
    with house.engine() as session:
        return compare(session, house.lake.read(session, FEATURES, day), by=tuple(by))


def match_model(house: "House", as_of: Partition) -> str | None:
    """Learns, for the days after a week, how similar records of one person are. Gives the version of the model.

    The first of those days learns it where nobody has.
    """
    from audience.identity.identify import Identity
    from audience.identity.matching import learned_on

    with house.engine() as session:
        learned = Identity(house.lake, session, house.settings.pseudonym_key, trusted()).matching.learn(
            learned_on(as_of.next)
        )
    return learned.version if learned else None


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


def is_still_asked(house: "House", destination: str, plan_id: int) -> bool:
    """Whether a held push still waits for the answer that was asked for: no later one was pushed or is held otherwise."""
    from audience.activation import plan

    with house.warehouse.begin() as connection:
        return plan.is_still_asked(connection, destination, plan_id)


def activate(house: "House", destination: str, partition: str | None, *, holder: str, approved: bool = False,
             dry_run: bool = False, patience_seconds: float | None = None) -> Facts:  # fmt: skip
    """Brings a platform's lists to the segment tables of a partition, the newest one when none is named.

    Args:
        patience_seconds: how long to wait for what the platform does later; an hour when it is not given.

    Raises PushHeld when a person has to look first.
    """
    from audience.activation import destinations
    from audience.activation.plan import newest_evaluated
    from audience.activation.push import PATIENCE_SECONDS
    from audience.activation.push import activate as push

    if partition is None:
        with house.warehouse.begin() as connection:
            newest = newest_evaluated(connection)
        if newest is None:
            raise PushHeld(f"{destination}: no segment was evaluated yet, so there is nothing to push")
        partition = newest.isoformat()
    report = push(
        destinations.find(destination)(house.connection(destination)),
        warehouse=house.warehouse,
        key=house.key(),
        as_of=Partition.parse(partition),
        holder=holder,
        approved=approved,
        dry_run=dry_run,
        patience_seconds=PATIENCE_SECONDS if patience_seconds is None else patience_seconds,
    )
    return report.as_dict()


def _registry(house: "House") -> Any:
    from audience.models.registry import Registry

    return Registry(house.mlflow_url(), house.models_url())


def key_states(house: "House") -> "list[KeyState]":
    """Every key of the setting, in order, with the rows that need it."""
    from audience.privacy.keys import states

    with house.warehouse.vault.begin() as connection:
        return states(connection, house.settings.pseudonym_key)


def rotate_keys(house: "House") -> int:
    """Takes the keys that were added to the setting into every contact key. Gives the number of rows that changed."""
    from audience.activation import destinations
    from audience.privacy.keys import rotate

    named = destinations.knowing_by_key()
    with house.warehouse.vault.begin() as connection:
        return rotate(connection, house.settings.pseudonym_key, named_by_key=named)
