"""Commands about guesses of what is not known."""

from typing import Annotated

import typer

from audience.cli.app import NewestDay, app, house
from audience.cli.screen import table

commands = typer.Typer(help="Guesses of what is not known.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(commands, name="impute")


@commands.command()
def compare(
    partition: NewestDay = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Try a guess per value of this text, too; may be repeated."),
    ] = None,
) -> None:
    """Measure each way to guess each declared column, on known values that are masked, and propose the best.

    The error is the mean distance from what was masked, +- its standard error; lower is better. Nothing is stored.
    """
    from audience import steps

    with house() as stores:
        found = steps.compare_imputing(stores, partition, by or ())
    table(
        "Imputing, measured on masked values",
        ("column", "strategy", "by", "error", "+-", "unit", "masked", ""),
        [
            (m.rule.column, m.rule.strategy, m.rule.by or "", f"{m.error:.3f}", f"{m.spread:.3f}", m.unit, m.masked,
             ", ".join(w for w, holds in (("proposed", m.is_proposed), ("declared", m.is_declared)) if holds))
            for m in found
        ],
    )  # fmt: skip
