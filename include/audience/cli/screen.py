"""Plain text that is the same on a terminal, in a log and in a file."""

from collections.abc import Iterable, Mapping, Sequence

import typer


def say(text: str = "") -> None:
    typer.echo(text)


def warn(text: str) -> None:
    typer.secho(text, fg=typer.colors.YELLOW, err=True)


def problem(text: str) -> None:
    typer.secho(text, fg=typer.colors.RED, err=True)


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A title and aligned columns; numbers to the right. Says so when there are no rows."""
    typer.secho(title, bold=True)
    listed = [list(row) for row in rows]
    if not listed:
        say("  none")
        return
    cells = [list(headings), *([_shown(value) for value in row] for row in listed)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(headings))]
    is_number = [all(isinstance(row[i], int) for row in listed) for i in range(len(headings))]
    for line in cells:
        aligned = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        )
        say(f"  {'  '.join(aligned)}".rstrip())


def facts(place: str, numbers: Mapping[str, object]) -> None:
    """One line: `2026-11-20 features: people 790, changed yes`."""
    say(f"{place}: " + ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in numbers.items()))


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
