"""Commands about rows that were refused: look at them, land them once their source was mended, give them up."""

import os
import pwd
from typing import Annotated

import typer

from audience.cli.app import app, house
from audience.cli.screen import facts, say, table

commands = typer.Typer(
    help="Rows that were refused: list, show, replay, discard.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(commands, name="quarantine")

Source = Annotated[str, typer.Argument(help="Name of a source file, such as shop.")]
AnyDay = Annotated[str | None, typer.Option("--partition", metavar="DAY", help="Only this UTC day.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Only reasons that contain this text.")]


@commands.command("list")
def list_(
    source: Annotated[str | None, typer.Argument(help="Only this source.")] = None, partition: AnyDay = None
) -> None:
    """Count the open rows by source, day, entity and reason."""
    from audience.quality import quarantine

    rows = []
    with house() as stores, stores.engine() as session, stores.warehouse.begin() as connection:
        for name in [source] if source else quarantine.sources(stores.lake):
            found = quarantine.listed(stores.lake, session, connection, quarantine.choose(name, partition, partition))
            rows += [(name, r["partition"], r["entity"], r["reason"], r["rows"]) for r in found]
    table("Quarantine", ("source", "day", "entity", "reason", "rows"), rows)


@commands.command()
def show(
    source: Source,
    partition: AnyDay = None,
    reason: Reason = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, metavar="N", help="At most so many rows.")] = 20,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show values, personal ones too. That you did is recorded.")
    ] = False,
) -> None:
    """Show open rows as lines of JSON, each value by its shape.

    A shape tells how a value is written: letters are x, digits are 9.
    """
    import json

    from audience.quality import quarantine

    with house() as stores:
        chosen = quarantine.choose(source, partition, partition, reason)
        with stores.engine() as session, stores.warehouse.begin() as connection:
            rows = quarantine.shown(
                stores.lake, session, connection, chosen, most=most, reveal_to=person() if reveal else None
            )
    # Outside of the transaction: nothing is on the screen that is not on record.
    for row in rows:
        say(json.dumps(row, ensure_ascii=False))
    if not rows:
        say("no open rows")


@commands.command()
def replay(source: Source, partition: AnyDay = None, reason: Reason = None) -> None:
    """Land rows that pass now: the DAG replay_quarantine.

    For when the source file or a declaration was mended. What still fails stays, with its new reason.
    """
    from audience import steps

    with house() as stores:
        became = steps.replay(stores, source, by=person(), first=partition, last=partition, reason=reason)
    stay = sum(became["refused"].values())
    numbers = {"landed": became["replayed"], "superseded": became["superseded"], "refused again": stay}
    facts(source, numbers | {"unreadable": became["unreadable"]})
    for entity, rows in became["loaded"].items():
        say(f"  loaded {entity}: {rows:,}")
    for words, rows in became["refused"].items():
        say(f"  still refused: {rows:,} x {words}")
    if became["changed"]:
        say(f"  days changed: {', '.join(became['changed'])}")
    for day in became["stale"][:1]:
        say(f"  computed days are stale from {day} on: audience refresh --partition {day}")


@commands.command()
def discard(
    source: Source,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For whoever asks later; name no person.")],
    partition: AnyDay = None,
    reason: Reason = None,
) -> None:
    """Give up rows: they are kept in the lake and not shown as open any more."""
    from audience import steps

    with house() as stores:
        rows = steps.discard(stores, source, by=person(), why=why, first=partition, last=partition, reason=reason)
    facts(source, {"discarded": rows})


def person() -> str:
    """Who runs this process, as the machine knows them."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        return f"user {os.getuid()}"
