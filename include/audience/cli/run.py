"""Commands that change something: the steps of the DAGs."""

from typing import Annotated

import typer

from audience.cli.app import Day, NewestDay, app, house
from audience.cli.screen import facts, say, table, warn


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Name of a source file, such as shop.")],
    partition: Day,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First load: the first UTC day to fetch.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only show what N records of each stream become.")
    ] = None,
) -> None:
    """Fetch, audit and publish one source: the DAG ingest_SOURCE.

    With --sample nothing is stored, and nothing but the source's connection is needed.
    """
    from audience import steps

    if sample is not None:
        show_samples(source, partition, sample)
        return
    with house() as stores:
        extraction = steps.extract(stores, source, partition, since)
        published = steps.publish(stores, extraction)
    counted = ("taken", "loaded", "quarantined", "superseded", "changed_days")
    table(
        f"{source}, {f'{since} to ' if since else ''}{partition}",
        ("entity", "rows in", "loaded", "quarantined", "superseded", "days changed"),
        [(entity, *(numbers[name] for name in counted)) for entity, numbers in published.items()],
    )
    for entity, numbers in published.items():
        for reason, rows in numbers["reasons"].items():
            say(f"  quarantined {entity}: {rows:,} x {reason}")


def show_samples(source: str, partition: str, records: int) -> None:
    """The first records of each stream as rows, personal values masked, and what would be quarantined."""
    import json
    import os

    from audience.cli.sample import samples
    from audience.core.connection import Connection
    from audience.core.engine import engine
    from audience.core.partition import Partition
    from audience.sources.contract import source_named

    declared, day = source_named(source), Partition.parse(partition)
    with engine(memory_limit="1GB") as session:
        for one in samples(declared, Connection.from_environment(source, os.environ), day, records, session):
            for entity, rows in one.rows.items():
                say(f"{one.stream}: {len(rows)} of {entity}")
                for row in rows:
                    say(f"  {json.dumps(row, ensure_ascii=False)}")
            for field in one.added:
                warn(f"{one.stream}: field {field!r} is not known to the source file; it would be kept in extra")
            for reason in one.reasons:
                warn(f"would be quarantined: {reason}")


@app.command()
def refresh(partition: Day) -> None:
    """Compute one day, people to segments: the DAG refresh_audience.

    Later days whose input has changed, and days that have landed since, are computed too.
    """
    from audience import steps

    with house() as stores:
        chosen = steps.days_to_compute(stores, partition)
        if not chosen["days"]:
            say(f"{partition}: nothing that it is computed from has changed")
        for name, step in (
            ("identity", steps.identity),
            ("features", steps.features),
            ("review", steps.review),
            ("scores", steps.scores),
        ):
            for day in chosen["days"]:
                facts(f"{day} {name}", step(stores, day))
        for day, fingerprint in chosen["days"].items():
            moved = steps.segments(stores, day, fingerprint)
            table(
                f"{day} segments",
                ("segment", "members", "entered", "left"),
                [(segment, m["members"], m["entered"], m["left"]) for segment, m in moved.items()],
            )
    if left := chosen["left_stale"]:
        warn(
            f"{len(left)} later days were computed from other input: {left[0]} to {left[-1]}; refresh them, or restate"
        )


@app.command()
def train(
    as_of: Annotated[str, typer.Option(metavar="DAY", help="The last UTC day the models may learn from.")],
) -> None:
    """Fit, compare and promote the models: the DAG train_models."""
    from audience import steps

    with house() as stores:
        report = steps.train(stores, as_of)
    for name, outcome in report["models"].items():
        facts(f"{report['as_of']} {name}", {k: outcome[k] for k in ("version", "promoted", "champion", "is_rerun")})
        say(f"  {outcome['reason']}")
        for metric, value in outcome["metrics"].items():
            say(f"  {metric} {value:.4g}")
    facts(f"{report['as_of']} imputers", {"version": report["imputers"]})


@app.command()
def activate(
    destination: Annotated[str, typer.Argument(help="Name of a platform, such as brevo.")],
    partition: NewestDay = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send and change nothing; say what a push would do.")
    ] = False,
    approve: Annotated[bool, typer.Option("--approve", help="Push although the guard asks for a person: you.")] = False,
) -> None:
    """Push what changed to a platform: the DAG activate_DESTINATION.

    Lists end as the segment tables are, for people who consented; removals are pushed too.
    """
    import json
    import os
    import socket

    from audience import steps

    with house() as stores:
        holder = f"command line on {socket.gethostname()}, process {os.getpid()}"
        report = steps.activate(stores, destination, partition, holder=holder, approved=approve, dry_run=dry_run)
    if report["skipped"]:
        warn(f"{destination}: nothing was pushed: {report['skipped']}")
        return
    place = f"{destination} {report['as_of']}"
    if dry_run:
        facts(
            f"{place} would be told",
            {n: report[n] for n in ("creates", "changes", "adds", "removals", "calls", "seconds")},
        )
        for sample in report["samples"]:
            say(f"  {json.dumps(sample, ensure_ascii=False)}")
    else:
        counted = ("adds", "changes", "removals", "acknowledged", "dead", "withheld", "withdrawn", "erased", "opted_out",
                   "calls", "in_sync")  # fmt: skip
        facts(place, {n: report[n] for n in counted})
        columns = ("desired", "on_platform", "ghosts", "unknown", "missing", "opted_out", "outdated")
        table(
            "Lists, read back",
            ("list", "desired", "on platform", "ghosts", "unknown", "missing", "opted out there", "outdated"),
            [(one["name"] or "(all contacts)", *(one[c] for c in columns)) for one in report["lists"]],
        )
    if report["waiting_seconds"]:
        warn(f"{destination} is still at work: run this again in {report['waiting_seconds']:.0f} s")
    for words in report["stale"]:
        warn(f"optional: {words}")
    for reason in report["problems"]:
        warn(f"a person has to look: {reason}")


@app.command()
def migrate() -> None:
    """Bring the warehouse to the current schema, and tell it which sources are in use.

    Doing it again changes nothing.
    """
    import os

    from audience.core.settings import Settings
    from audience.core.warehouse import Warehouse
    from audience.reporting import record_declared
    from audience.sources.contract import sources_in_use

    warehouse = Warehouse.of(Settings.read(os.environ))
    try:
        warehouse.migrate()
        record_declared(warehouse, sources_in_use(os.environ))
    finally:
        warehouse.close()
    say("the warehouse has the current schema")
