"""Commands for people who look at who is one person: why, what a threshold changes, and the queue."""

from pathlib import Path
from typing import Annotated

import typer

from audience.cli.app import NewestDay, house
from audience.cli.identity import commands
from audience.cli.quarantine import person
from audience.cli.screen import facts, say, table

queue = typer.Typer(help="Pairs of records that a person has to look at.", no_args_is_help=True, rich_markup_mode=None)
commands.add_typer(queue, name="review")

Record = Annotated[str, typer.Argument(help="A record, as <source>:<record_id>, such as crm:C-1.", metavar="RECORD")]


@commands.command()
def explain(
    one: Record,
    other: Record,
    partition: NewestDay = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the compared values too. That you did is recorded.")
    ] = False,
) -> None:
    """Say why two records are, or are not, one person.

    Which comparisons, what each is worth in bits, and which links lead from one to the other.
    """
    from audience import steps

    with house() as stores:
        told, values = steps.explain(stores, one, other, partition, reveal_to=person() if reveal else None)
    facts(f"{one} and {other}", {"one person": told.same, "probability by the model": _digits(told.probability)})
    if told.may_be_relative:
        say("  may be relatives: other first names, and nothing that relatives do not share")
    table(
        "Path",
        ("record", "record", "by", "bits"),
        [(link.left_key, link.right_key, link.kind, _digits(link.bits)) for link in told.path],
    )
    if told.given_up:
        table("Given up", ("record", "record", "by", "because of"),
              [(link.left_key, link.right_key, link.kind, link.given_up) for link in told.given_up])  # fmt: skip
    rows = [(said.comparison, said.level, f"{said.bits:+.2f}") for said in told.said]
    table(
        "Comparisons",
        ("compared", "level", "bits"),
        [("(any two records)", "-", _digits(told.prior_bits)), *rows] if rows else [],
    )
    if values:
        names = [name for name in values[0] if name != "record_key"]
        table(
            "Values",
            ("column", *(row["record_key"] for row in values)),
            [(n, *(row[n] for row in values)) for n in names],
        )


@commands.command()
def preview(
    threshold: Annotated[
        float,
        typer.Option("--threshold", min=0.5, max=1.0, metavar="P", help="Probability from which a pair is one person."),
    ],
    partition: NewestDay = None,
) -> None:
    """Show what another threshold would change, down to the sizes of segments.

    Nothing is published. The threshold itself is declared in the match rules.
    """
    from audience import steps

    with house() as stores:
        tried, sizes = steps.preview(stores, threshold, partition)
    columns = ("people", "pairs", "given_up", "largest")
    table(
        "Thresholds",
        ("probability", "people", "similar pairs accepted", "links given up", "records of the largest person"),
        [(f"{one.accept:g}", *(getattr(one, c) for c in columns)) for one in (tried.now, tried.then)],
    )
    facts(
        "people of now", {f"would be {what}": number for what, number in tried.changes.items()} or {"would change": 0}
    )
    table("Segments", ("segment", "members now", "then"), [(name, now, then) for name, (now, then) in sizes.items()])


@queue.command()
def export(
    out: Annotated[Path, typer.Option(help="CSV file to write; it holds personal data.", metavar="FILE")],
    partition: NewestDay = None,
    most: Annotated[
        int, typer.Option("--most", min=1, metavar="N", help="At most so many pairs, the likeliest first.")
    ] = 1_000,
) -> None:
    """Write the pairs that wait for a decision, with the values of both records.

    The file is readable by you only, opens in OpenRefine and spreadsheets, and that you wrote it is recorded. Fill in the
    column `decision` (same, different, undecided) and `why`, then import it.
    """
    from audience import steps

    with house() as stores:
        pairs = steps.review_export(stores, out, partition, most=most, by=person())
    facts(str(out), {"pairs": pairs})
    if pairs:
        say("  it holds personal data: delete it when it is decided")


@queue.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV file with left_key, right_key, decision, and why.", exists=True, dir_okay=False)
    ],
    since: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="First UTC day that counts; the day of the queue when it is not given."),
    ] = None,
) -> None:
    """Read decisions back. They are remembered with who, when and why, and count from the day of the queue on.

    A later decision about the same pair replaces an earlier one; `undecided` takes it back.
    """
    from audience import steps

    with house() as stores:
        became = steps.review_import(stores, file, since=since, by=person())
    facts(file.name, {"answers": became["answers"], "new decisions": became["new"]})
    for day in became["stale"][:1]:
        say(f"  computed days are stale from {day} on: audience refresh --partition {day}")


def _digits(number: float | None) -> str | None:
    return None if number is None else f"{number:.3g}"
