"""The typer application, and the options that commands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from audience.house import House

app = typer.Typer(
    help="E-mail audience segmentation: every step that the DAGs take, for one UTC day (partition) at a time.",
    no_args_is_help=True,
    add_completion=False,
    # Without markup and rich tracebacks: those print local variables, and those may be personal data.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Day = Annotated[str, typer.Option("--partition", metavar="DAY", help="UTC day, such as 2026-11-20.")]
NewestDay = Annotated[
    str | None, typer.Option("--partition", metavar="DAY", help="UTC day; the newest one when it is not given.")
]


@contextmanager
def house() -> "Iterator[House]":
    """The stores and connections of the environment, with a warehouse that was migrated."""
    import os

    from audience.house import House
    from audience.reporting import check_migrated

    opened = House.open(os.environ)
    try:
        check_migrated(opened.warehouse)
        yield opened
    finally:
        opened.close()
