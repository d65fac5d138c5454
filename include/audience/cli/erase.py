"""Commands by which people are forgotten: because they asked, or because their time is over."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from audience.cli.app import app, house
from audience.cli.quarantine import person
from audience.cli.screen import facts, say, table, warn

if TYPE_CHECKING:
    from audience.core.masked import Personal

commands = typer.Typer(
    help="Erase a person from every store: request, run, status.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(commands, name="erase")

Number = Annotated[str, typer.Argument(metavar="REQUEST", help="Number of a request.")]


@commands.command()
def request(
    person_id: Annotated[
        str | None, typer.Option("--person", metavar="PERSON_ID", help="Pseudonym, when the address is not known.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether who was found is meant.")] = False,
) -> None:
    """Note that a person is to be erased; from now on nothing is sent to them.

    Asks for the address, or reads it from a pipe: it is neither shown, nor an argument that a shell would remember. All
    addresses and records that identity takes for the same person are meant: the numbers are shown first.
    """
    from audience import forgetting

    address = None if person_id else _typed()

    def agree(numbers: dict[str, int]) -> bool:
        facts("found", numbers)
        return yes or typer.confirm("Erase all of it")

    with house() as stores:
        number = forgetting.request_erasure(stores, by=person(), address=address, person_id=person_id, agree=agree)
    if number is None:
        say("nothing was noted")
        return
    facts("noted", {"request": number})
    say(f"  next: audience erase run {number}, or trigger the DAG erase_contact with this number")


def _typed() -> "Personal":
    """An address from the terminal, which does not show it, or from whatever writes to this command."""
    from audience.core.masked import Personal

    if sys.stdin.isatty():
        return Personal(typer.prompt("Address of the person", hide_input=True))
    return Personal(sys.stdin.readline().strip())


@commands.command()
def run(number: Number) -> None:
    """Erase it from lake, warehouse, platforms and vault: the DAG erase_contact."""
    import os
    import socket

    from audience import forgetting
    from audience.activation import destinations

    names = destinations.in_use(os.environ)
    with house() as stores:
        facts(number, forgetting.erase_stores(stores, number))
        waiting = []
        for name in names:
            holder = f"command line on {socket.gethostname()}, process {os.getpid()}"
            done = forgetting.erase_there(stores, number, name, holder=holder)
            facts(f"{number} {name}", {"contacts": done["contacts"]})
            waiting += [name] if done["waiting_seconds"] else []
        if waiting:
            warn(f"{', '.join(waiting)}: still at work, or being pushed to: run this again in a minute")
            raise typer.Exit(1)
        ended = forgetting.end_erasure(stores, number, names)
    facts(number, {"vault": ended["vault"], "finished": True})
    for name, contacts in ended["elsewhere"].items():
        warn(f"{name}: {contacts} contacts that it was told of cannot be asked for any more: delete them there by hand")


@commands.command()
def status() -> None:
    """List requests, and what was gone of each from which store."""
    from audience import forgetting

    with house() as stores:
        found = forgetting.erasures(stores)
    table(
        "Requests",
        ("request", "reason", "asked by", "at (UTC)", "people", "addresses", "records", "finished", "rows by store"),
        [
            (
                r.request_id, r.reason, r.requested_by, f"{r.requested_at:%Y-%m-%d %H:%M}", r.people, r.addresses, r.records,
                r.finished_at and f"{r.finished_at:%Y-%m-%d %H:%M}",
                ", ".join(f"{store} {rows}" for store, rows in r.receipts.items()),
            )
            for r in found
        ],
    )  # fmt: skip


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many people would be forgotten.")] = False,
    approve: Annotated[bool, typer.Option("--approve", help="Forget them although they are many: you looked.")] = False,
) -> None:
    """Forget what is kept for long enough: the DAG apply_retention.

    People who were not heard of for three years are noted as a request of erasure; run that next.
    """
    import os
    from datetime import UTC, datetime

    from audience import forgetting
    from audience.activation import destinations

    with house() as stores:
        if dry_run:
            facts("would be forgotten", forgetting.whose_time_is_over(stores))
            return
        names = destinations.in_use(os.environ)
        done = forgetting.apply_retention(stores, datetime.now(UTC), names, approved=approve)
    facts("retention", done)
    if done["request"]:
        say(f"  next: audience erase run {done['request']}, or trigger the DAG erase_contact with this number")
