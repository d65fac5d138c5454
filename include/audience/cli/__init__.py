"""The command line: what a DAG does a person can do, with the same function and the same window.

app       the typer application and the options that commands share
run       ingest, refresh, train, activate, migrate
look      status, why
quarantine  list, show, replay, discard
erase     erase request, erase run, erase status; retention
identity  match
review    identity explain, identity preview, identity review
impute    compare
keys      status, rotate
declare   check, new-source, pools, docs
sample    what a source gives, without storing it
new_source  the files of a new source
checks    every problem in what people declare
screen    tables and lines for a terminal, a log or a file
pages     the generated pages of docs/

Importing this costs a tenth of a second: commands import what they use when they run.
"""

import sys
from importlib import import_module

import typer

from audience.cli.app import app
from audience.cli.screen import problem
from audience.core.errors import AudienceError

__all__ = ["application", "main"]


def application() -> typer.Typer:
    """The application with every command, in the order in which the help lists them."""
    for commands in ("run", "look", "quarantine", "erase", "identity", "review", "impute", "keys", "declare"):
        import_module(f"{__name__}.{commands}")
    return app


def main() -> None:
    """Runs a command. What this package raises on purpose is one red line and exit code 1; a bug keeps its trace."""
    try:
        application()(prog_name="audience")
    except AudienceError as error:
        problem(str(error))
        sys.exit(1)
