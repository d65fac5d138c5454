"""Commands that read: how things stand, and why somebody is in a segment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audience.cli.app import NewestDay, app, house
from audience.cli.screen import facts, say, table, warn

if TYPE_CHECKING:
    from audience.core.partition import Partition
    from audience.house import House
    from audience.segments.why import Row
    from audience.segments.window import Window


@app.command()
def status() -> None:
    """Show newest and stale days, what came in, segments, pushes."""
    import os
    from datetime import UTC, datetime

    from audience import reporting, steps
    from audience.quality.people import newest_warnings
    from audience.sources.contract import sources_in_use

    with house() as stores:
        in_use = sources_in_use(os.environ)
        freshness = reporting.read_freshness(stores.warehouse, in_use, datetime.now(UTC))
        blocked = reporting.read_blocked(stores.warehouse, in_use)
        newest = [(name, stores.lake.newest(name)) for name in stores.lake.tables()]
        stale = steps.stale_days(stores)
        sources = reporting.read_sources(stores.warehouse)
        segments = reporting.read_segments(stores.warehouse)
        pushes = reporting.read_pushes(stores.warehouse)
        with stores.warehouse.begin() as connection:
            judged_on, differences = newest_warnings(connection)
    table("Newest partitions", ("table", "day"), newest)
    if stale:
        warn(f"Stale days: {', '.join(stale)}: their input changed since; refresh them, or trigger the DAG restate")
    else:
        say("Stale days: none")
    table(
        "What came in",
        ("source", "newest", "days behind", "rows in", "loaded", "quarantined", "superseded"),
        [(s.source, s.newest, s.behind_days, s.taken, s.loaded, s.quarantined, s.superseded) for s in sources],
    )
    for f in freshness:
        if f.is_late:
            warn(f"{f.source}: {'late' if f.is_required else 'stale'}: {f.words}")
    for b in blocked[:10]:
        warn(f"{b.source}: blocked on {b.partition}: {b.words}")
    for s in sources:
        for field in s.new_fields:
            warn(f"{s.source}: {field} is not known to the source file; its values are kept in extra")
    for words in differences:
        warn(f"people of {judged_on}: {words}")
    table(
        "Segments",
        ("segment", "evaluated", "members", "entered", "left", "of people"),
        [(s.segment, s.evaluated, s.members, s.entered, s.left, s.people) for s in segments],
    )
    table(
        "Last pushes",
        ("destination", "as of", "state", "adds", "changes", "removals", "acknowledged", "dead", "problem"),
        [
            (p.destination, p.as_of, p.state, p.adds, p.changes, p.removals, p.acknowledged, p.dead, p.problem)
            for p in pushes
        ],
    )


@app.command()
def report(
    source: Annotated[str, typer.Argument(help="Name of a source file, such as shop.")],
    partition: NewestDay = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="SOURCE_DAY.html when it is not given.")
    ] = None,
) -> None:
    """Write the quality report of one source and day: the page *Data quality* of Airflow.

    One HTML file that needs nothing else: what is wrong first, then rows, 30 days, every check. Numbers only.
    """
    from datetime import UTC, datetime

    from audience import reporting
    from audience.core.errors import NotPublished
    from audience.core.partition import Partition
    from audience.sources.contract import source_named

    declared = source_named(source)
    with house() as stores:
        newest = reporting.newest_day(stores.warehouse, source)
        day = Partition.parse(partition) if partition else newest
        found = reporting.read_source_day(stores.warehouse, declared, day, datetime.now(UTC)) if day else None
    if found is None or found.numbers is None:
        known = f"the newest day is {newest}" if newest else "no day is known"
        raise NotPublished(f"{source}: partition {day or '(newest)'} was neither judged nor published; {known}")
    file = out or Path(f"{source}_{day}.html")
    file.write_text(reporting.source_day_page(found), encoding="utf-8")
    facts(f"{source} {day}", {"verdict": found.verdict, "did not hold": len(found.failed), "written to": file})


@app.command()
def lists(
    price: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="EUR", help="List price of 1,000 contacts a month where AUDIENCE_CONTACT_PRICES has none."
        ),
    ] = None,
) -> None:
    """Show how true the platforms' lists are, and what pushes cost."""
    from datetime import UTC, datetime

    from audience import reporting

    with house() as stores:
        now = datetime.now(UTC)
        truths, costs = reporting.read_lists(stores.warehouse), reporting.read_costs(stores.warehouse, now)
        problems = reporting.push_problems(stores.warehouse, now)
        prices = stores.settings.contact_prices
    table(
        "Lists, when they were last read back",
        ("destination", "list", "as of", "true", "before", "desired", "there", "ghosts", "unknown", "missing", "outdated"),
        [
            (t.destination, t.list_name, t.as_of, f"{t.truth:.1%}", "" if t.before is None else f"{t.before:.1%}",
             t.desired, t.on_platform, t.ghosts, t.unknown, t.missing, t.outdated)
            for t in truths
        ],
    )  # fmt: skip
    table(
        "Cost, 30 days",
        ("destination", "calls", "seconds", "throttled", "contacts", "EUR a month"),
        [
            (c.destination, c.calls, round(c.seconds), c.throttled, c.contacts,
             "" if (each := prices.get(c.destination, price)) is None else f"{each * c.contacts / 1000:.2f}")
            for c in costs
        ],
    )  # fmt: skip
    for subject, words in problems.items():
        warn(f"{subject}: {words}")


@app.command()
def why(
    segment: Annotated[str, typer.Argument(help="Name of a segment file.")],
    person_id: Annotated[str, typer.Argument(help="Pseudonym of a person, as in the segment tables.")],
    partition: NewestDay = None,
) -> None:
    """Say why a person is, or is not, in a segment.

    Each condition of the rule, with the value that was found.
    """
    from audience.activation import destinations
    from audience.core.errors import DeclarationError, nearest
    from audience.core.partition import Partition
    from audience.segments.check import declared
    from audience.segments.rule import windows_of
    from audience.segments.why import holds
    from audience.segments.why import why as reasons_of

    with house() as stores:
        known = {s.name: s for s in declared(stores.settings.segments, destinations.names())}
        if segment not in known:
            raise DeclarationError("segments", f"no segment {segment!r}{nearest(segment, known)}")
        day = Partition.parse(partition) if partition else _newest_features(stores)
        rule = known[segment].members
        row = _person(stores, day, person_id, windows_of([rule]))
    facts(f"{day} {segment}", {"is a member": holds(rule, row)})
    table(
        "Conditions",
        ("place", "condition", "found", "satisfied"),
        [(r.place, r.condition, "unknown" if r.found is None else r.found, r.satisfied) for r in reasons_of(rule, row)],
    )


def _newest_features(stores: "House") -> "Partition":
    from audience.core.errors import NotPublished
    from audience.core.tables import FEATURES

    newest = stores.lake.newest(FEATURES.name)
    if newest is None:
        raise NotPublished("features: no partition is published, expected one: audience refresh")
    return newest


def _person(stores: "House", day: "Partition", person_id: str, windows: "tuple[Window, ...]") -> "Row":
    """What rules are asked about, for one person. Raises NotPublished when the day does not know the person."""
    from audience.core.errors import NotPublished
    from audience.segments.people import people

    with stores.engine() as session:
        everybody = people(stores.lake, session, day, windows)
        rows = session.to_pyarrow(everybody.filter(everybody.person_id == person_id)).to_pylist()
    if not rows:
        raise NotPublished(f"features: partition {day} has no person {person_id!r}")
    row: Row = rows[0]
    return row
