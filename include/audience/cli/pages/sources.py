"""docs/sources.md: every source, as its file says and declares."""

import importlib
import inspect
import re
from collections.abc import Iterator

from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, codes, table
from audience.core.system import STANDARD
from audience.sources.contract import Source, Stream, all_sources

HEADINGS = ("API", "Grain", "Units", "Limits", "Quirks")
"""What the docstring of a source file says, each after its heading."""


def page() -> str:
    return markdown.page(
        "Sources",
        "One file in `include/audience/sources/` is one source; its name is that of its tables, its DAG, its pool and its"
        " connection. `AUDIENCE_SOURCES` names those in use. [CONTRIBUTING.md](../CONTRIBUTING.md) says how to add one. A"
        " source is late when so many hours have passed since the end of its newest published day (`fresh_hours`): of a"
        " required one people are alerted, an optional one is marked stale.",
        table(
            ("Source", "System", "Entities", "Required: the day's refresh waits for it", "Late after"),
            (
                (
                    f"[{s.name}](#{s.name})",
                    s.title,
                    codes(s.entities),
                    "yes" if s.required else "",
                    f"{s.fresh_hours} h",
                )
                for s in all_sources()
            ),
        ),
        *(part for source in all_sources() for part in _source(source)),
    )


def said(source: Source) -> tuple[str, dict[str, str]]:
    """The first sentence of a source file's docstring, and what it says under each heading.

    Raises:
        ValueError: a heading is missing; the conformance kit says which.
    """
    text = inspect.getdoc(importlib.import_module(f"audience.sources.{source.name}")) or ""
    first, _, rest = text.partition("\n\n")
    parts = re.split(rf"^({'|'.join(HEADINGS)}) +", rest, flags=re.MULTILINE)
    found = {heading: " ".join(words.split()) for heading, words in zip(parts[1::2], parts[2::2], strict=True)}
    if missing := [h for h in HEADINGS if h not in found]:
        raise ValueError(f"sources/{source.name}.py: its docstring has no {', '.join(missing)}")
    return " ".join(first.split()), found


def _source(source: Source) -> Iterator[str]:
    sentence, found = said(source)
    yield f"## {source.name}\n\n{sentence}"
    yield "\n".join(f"- **{heading}** {found[heading]}" for heading in HEADINGS)
    yield table(
        ("Stream", "Entities", "Cursor", "Read again", "Deletions", "Personal fields"),
        (
            (code(s.name), codes(s.entities), _cursor(s), _days(s.reread_days),
             s.deletions, codes(s.personal))
            for s in source.streams
        ),
    )  # fmt: skip
    yield f"Connection `{source.name}` of type `audience_{source.system.type}`:"
    yield table(
        ("Field", "In Airflow", "Example", "Meaning", "Secret"),
        (
            (f.label, code(f.name if f.name in STANDARD else f"extra.{f.name}"), code(f.example) if f.example else "",
             f.help, "yes" if f.is_secret else "")
            for f in source.system.fields
        ),
    )  # fmt: skip


def _days(number: int) -> str:
    return f"{number} day{'s' if number > 1 else ''}" if number else ""


def _cursor(stream: Stream) -> str:
    if stream.cursor is None:
        return "none: everything, each time"
    return code(stream.cursor if isinstance(stream.cursor, str) else stream.cursor.path)
