"""The pages of docs/ that are made of declarations: written by `audience docs`, compared by `audience docs --check`."""

from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]


def render() -> Iterator[tuple[str, str]]:
    """Each page's file name below docs/ and its text."""
    from audience.cli.pages import commands, dags, destinations, quality, segments, settings, sources, tables

    yield "tables.md", tables.page()
    yield "quality.md", quality.page()
    yield "sources.md", sources.page()
    yield "destinations.md", destinations.page()
    yield "dags.md", dags.page(REPOSITORY / "dags")
    yield "segments.md", segments.page(REPOSITORY / "include" / "segments")
    yield "cli.md", commands.page()
    yield "settings.md", settings.page()
