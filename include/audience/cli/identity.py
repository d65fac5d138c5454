"""Commands about who is one person."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from audience.cli.app import app
from audience.cli.screen import facts, say, table

commands = typer.Typer(help="Who is one person.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(commands, name="identity")


@commands.command()
def match(
    people: Annotated[Path, typer.Argument(help="CSV file with a header, one row per record.", metavar="PEOPLE_CSV")],
    out: Annotated[Path, typer.Option(help="CSV file to write: the key of each row, and its cluster.")],
    truth: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Names the person of each row, to measure by; COLUMN:PATTERN takes a part of it."
        ),
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=ROLE", help="What a column holds; may be repeated.")
    ] = None,
    engine: Annotated[
        Literal["own", "splink"],
        typer.Option(help="What compares the pairs: our own, or splink where it is installed."),
    ] = "own",
) -> None:
    """Find the same people in any file, without labels; nothing but the answer is stored.

    The rules and the way of learning are those of a refresh. Roles: record_key, first_name, last_name, birth_date,
    address, postal_code, city, email, phone, reference; columns with usual names are recognised.
    """
    from audience.core.engine import engine as duckdb
    from audience.identity.match_file import match_file

    with duckdb(memory_limit="4GB") as session:
        found = match_file(session, people, out, mapped=_mapped(map_ or []), truth=truth, engine=engine)
    for role, columns in found.columns.items():
        say(f"{role}: {' + '.join(columns)}")
    facts(str(people), {"records": found.records, "clusters": found.clusters, "pairs": found.accepted,
                        "pairs to review": found.to_review, "model": found.model})  # fmt: skip
    table(
        "Set aside",
        ("what", "why", "values"),
        [*((column, "a placeholder, a single letter, or not of its form", n) for column, n in found.nothing_told.items()),
         *((f"block {b.block}", f"more than the rule allows: {b.blocks_set_aside:,} blocks", b.records_set_aside)
           for b in found.blocks if b.records_set_aside)],
    )  # fmt: skip
    if found.scores:
        table(
            "Measured by the truth",
            ("of", "found", "expected", "right", "precision", "recall", "F1"),
            [(name, s.found, s.expected, s.right, f"{s.precision:.4f}", f"{s.recall:.4f}", f"{s.f1:.4f}")
             for name, s in found.scores.items()],
        )  # fmt: skip
    say(f"written: {out}")


def _mapped(told: list[str]) -> dict[str, str]:
    from audience.core.errors import DeclarationError

    found = {}
    for one in told:
        column, equals, role = one.rpartition("=")
        if not equals or not column:
            raise DeclarationError(f"--map {one}", "expected COLUMN=ROLE, such as --map naissance=birth_date")
        found[column] = role
    return found
