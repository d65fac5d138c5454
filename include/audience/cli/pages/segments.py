"""docs/segments.md: every segment, its rule in words."""

from collections.abc import Iterator
from pathlib import Path

from audience.activation import destinations
from audience.cli.pages import markdown
from audience.segments.check import declared
from audience.segments.columns import COLUMNS, can_be_unknown
from audience.segments.rule import All, Any, Condition, Count, Not, Rule
from audience.segments.segment import Segment
from audience.segments.value import Value
from audience.segments.window import EVENTS

_WORDS = {
    "is": "is",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
    "between": "is between",
    "one_of": "is one of",
    "none_of": "is none of",
}

_EVENTS_OF = {
    "event": "E-mails",
    "web_event": "Site and app, of people who are known by their record or address",
    "order": "Paid orders",
}

_DUE = {
    "daily": "every day",
    "weekly": "on Sundays",
    "monthly": "on the last day of the month",
    "quarterly": "on the last day of the quarter",
}


def page(folder: Path) -> str:
    segments = declared(folder, destinations.names())
    return markdown.page(
        "Segments",
        "Marketing owns the files in `include/segments/`; a file's name is the segment's and the list's on the"
        " platform. `audience check` reads them all, `audience why SEGMENT PERSON_ID` explains one person.",
        *(_section(s) for s in segments),
        "## Events a rule may count",
        "`count: {event: click, within: 24 h, at_least: 3}`: at least three clicks in the 24 hours before the end of the day; the"
        " moment 24 hours ago counts, the end does not. `event` is one name or a list of names, any of which counts; `within` is a"
        " whole number of `min`, `h` or `d` (24 hours), at most 366 d; then one of `at_least`, `at_most`, `above`, `below`,"
        " `between`, `is`. What machines did is not counted. What did not happen is 0, so a count is never unknown.",
        markdown.table(
            ("Of", "Events"),
            (
                (title, markdown.codes(name for name, (of, _) in EVENTS.items() if of == entity))
                for entity, title in _EVENTS_OF.items()
            ),
        ),
        "## Columns a rule may ask about",
        markdown.table(
            ("Column", "Type", "Meaning", "Can be unknown"),
            ((markdown.code(c.name), c.type, c.doc, "yes" if can_be_unknown(c.name) else "") for c in COLUMNS.values()),
        ),
    )


def _section(segment: Segment) -> str:
    fewest, most = segment.expect.size
    facts = (
        ("Consent needed to be written to", markdown.code(segment.consent)),
        ("Delivered to", markdown.codes(segment.deliver_to) or "nowhere, it is only watched"),
        ("Objective", segment.objective),
        ("Evaluated", _DUE[segment.refresh]),
        (
            "Expected",
            f"{fewest:,} to {most:,} members, less than {segment.expect.overlap_below:.0%} shared with another",
        ),
    )
    listed = "\n".join(f"- {name}: {value}" for name, value in facts)
    rule = "\n".join(_lines(segment.members, 0))
    return f"## {segment.title}\n\n`{segment.name}`. {segment.why}\n\n{listed}\n\n**Members**\n\n{rule}"


def _lines(rule: Rule, depth: int, *, before: str = "") -> Iterator[str]:
    bullet = f"{'  ' * depth}- {before}"
    match rule:
        case All(rules):
            yield f"{bullet}all of"
            for part in rules:
                yield from _lines(part, depth + 1)
        case Any(rules):
            yield f"{bullet}at least one of"
            for part in rules:
                yield from _lines(part, depth + 1)
        case Not(part):
            yield from _lines(part, depth, before=f"{before}not: ")
        case Condition():
            yield f"{bullet}{_condition(rule)}"
        case Count(window, operator):
            values = " and ".join(map(_value, rule.operands))
            yield f"{bullet}the count of {markdown.codes(window.events)} within {window.length} {_WORDS[operator]} {values}"


def _condition(condition: Condition) -> str:
    """In words; what an unknown value means is said where it can be unknown."""
    name = markdown.code(condition.column)
    if condition.operator == "known":
        return f"{name} is {'known' if condition.value else 'unknown'}"
    joined = " and " if condition.operator == "between" else ", "
    values = joined.join(_value(v) for v in condition.operands)
    unknown = f"; unknown counts as {'yes' if condition.if_unknown == 'keep' else 'no'}"
    return f"{name} {_WORDS[condition.operator]} {values}{unknown if can_be_unknown(condition.column) else ''}"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) else str(value)
