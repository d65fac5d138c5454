"""Commands about what is declared: whether it can be used, what Airflow needs for it, how it reads."""

from pathlib import Path
from typing import Annotated

import typer

from audience.cli.app import app
from audience.cli.screen import problem, say

SLOTS = 4
"""Tasks that may talk to one outside system at the same time."""


@app.command()
def check(
    without_settings: Annotated[
        bool,
        typer.Option("--without-settings", help="Only the files: not whether this machine's environment is complete."),
    ] = False,
) -> None:
    """Check settings, sources, tables, suites of expectations and segment files.

    Every problem is one line, and any makes the exit code 1.
    """
    import os

    from audience.cli import checks
    from audience.core.settings import VARIABLES

    folder = checks.segments_folder(os.environ)
    found: dict[str, list[str]] = {}
    if not without_settings:
        say("Settings")
        for name in VARIABLES:
            say(f"  {name:<24} {'set' if os.environ.get(name) else 'not set'}")
        found["settings"] = checks.in_settings(os.environ)
    found |= {"sources": checks.in_sources(), "tables": checks.in_tables(), "suites": checks.in_suites()}
    found |= {"segments": checks.in_segments(folder)}
    for area, problems in found.items():
        say(f"{area}: {'fine' if not problems else f'{len(problems)} to mend'}")
    for line in (line for problems in found.values() for line in problems):
        problem(line)
    if any(found.values()):
        raise typer.Exit(1)


@app.command()
def new_source(
    name: Annotated[str, typer.Argument(help="Of the source, its file, its tables, its DAG and its connection.")],
    title: Annotated[str | None, typer.Option(help="For people; the name when it is not given.")] = None,
) -> None:
    """Begin a source: a file that works, and the recording by which it is tested.

    Change both to what your system really answers.
    """
    from audience.cli.new_source import begin
    from audience.cli.pages import REPOSITORY

    for file in begin(name, title or name.replace("_", " ").capitalize(), REPOSITORY):
        say(f"wrote {file.relative_to(REPOSITORY)}")
    say(f"try it:   audience ingest {name} --partition DAY --sample 20   (with AIRFLOW_CONN_{name.upper()} set)")
    say(f'test it:  make test ARGS="tests/sources/test_conformance.py -k {name}"')


@app.command()
def pools() -> None:
    """Print the pools for `airflow pools import`.

    JSON with one pool per source and per destination, so that no system is called by too many tasks at once.
    """
    import json
    import os

    from audience.activation import destinations
    from audience.sources.contract import sources_in_use

    calls = {source.name: f"calls to {source.title}" for source in sources_in_use(os.environ)}
    calls |= {name: f"calls to {name}" for name in destinations.in_use(os.environ)}
    named = {n: {"slots": SLOTS, "description": d, "include_deferred": False} for n, d in sorted(calls.items())}
    say(json.dumps(named, indent=2))


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when a page is stale.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where the pages are; docs/ of the repository when it is not given.")
    ] = None,
) -> None:
    """Write the generated pages of docs/, or compare them.

    They are made of the declarations: tables, DAGs, segments, commands, settings.
    """
    from audience.cli.pages import REPOSITORY, render

    place = folder or REPOSITORY / "docs"
    stale = []
    for name, text in render():
        file = place / name
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(file)
        if not check:
            place.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            say(f"wrote {file}")
    if check and stale:
        for file in stale:
            problem(f"{file}: found another text than the declarations give; run: audience docs")
        raise typer.Exit(1)
    if not stale:
        say("every page is as declared")
