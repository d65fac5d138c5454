"""docs/quality.md: what is expected of every table, and what happens when it does not hold."""

from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, table
from audience.core.table import Table
from audience.core.tables import ENTITIES
from audience.quality.audit import DISTRIBUTED, SMALL
from audience.quality.exchange import rate_reasons
from audience.quality.expectation import Expectation, Severity
from audience.quality.past import DAYS, ROWS, WEEKDAYS, WEEKS
from audience.quality.people import NOT_BEFORE, NOT_GONE, OF_SOMEBODY, REPRESENTATIVE
from audience.quality.reference import REFERENCE
from audience.quality.suites import suite

_CONSEQUENCES: dict[Severity, str] = {
    "reject": "the row goes to quarantine, the rest goes on",
    "block": "nothing of the source is published",
    "warn": "published, and shown",
}


def page() -> str:
    return markdown.page(
        "Quality",
        "What is expected of the rows of every table, before they are published. What rejects follows from the columns"
        " ([tables](tables.md)); the rest is declared in `include/audience/quality/suites.py`. All of a table is counted"
        " in one query; what was found is in `ops.validation` and, as a result of Great Expectations, in the lake below"
        " `_notes/validations/`. Neither holds a row's values.",
        table(("Severity", "When it does not hold"), _CONSEQUENCES.items()),
        f"A share of fewer than {SMALL} rows says nothing. A volume is compared with up to {WEEKS} earlier days of the"
        f" weekday, from {WEEKDAYS} on whose median is at least {ROWS}, and holds within their own spread (four times the"
        f" scaled median absolute deviation); a table without rows is old only where its weekday usually has some; a"
        f" distribution is compared with the {DAYS} days before, from"
        f" {DISTRIBUTED} rows on, now and then. Until there is as much, the expectation holds and its `observed` is null."
        " A source is asked about parents only that it has.",
        *(_suite(t) for t in ENTITIES.values()),
        _people(),
    )


def _suite(declared: Table) -> str:
    order: tuple[Severity, ...] = ("block", "warn", "reject")
    expectations = sorted(suite(declared), key=lambda e: order.index(e.severity))
    listed = table(("Expectation", "Severity"), ((_words(e), e.severity) for e in expectations))
    return "\n\n".join(part for part in (f"## {declared.name}", listed, _rates(declared)) if part)


def _rates(declared: Table) -> str:
    """What is said of rows whose amounts cannot be had in EUR."""
    reasons = rate_reasons(declared)
    return (
        f"A row whose amount cannot be had in EUR is refused as well: {' or '.join(code(r) for r in reasons)}. It waits in"
        " quarantine; once the rate is there, a replay lands it."
        if reasons
        else ""
    )


def _people() -> str:
    rows = [(f"{c}: {', '.join(f'{g} {s:.0%}' for g, s in of.items())}", "warn") for c, of in REFERENCE.shares.items()]
    return (
        "## People of a day\n\nAfter the features are computed (`include/audience/quality/people.py`), recorded as the table"
        " `customers`. Shares are of the people of whom the value is known, and compared with"
        f" {REFERENCE.name} (`include/audience/quality/reference.py`: put your population there), within"
        f" {REFERENCE.within:.0%} of all; fewer than {REPRESENTATIVE} people say nothing, and while the newest"
        " people are further off, an alert is open. Orders are the paid ones that landed that day.\n\n"
        + table(
            ("Expectation", "Severity"), [*rows, *((e.words, e.severity) for e in (OF_SOMEBODY, NOT_BEFORE, NOT_GONE))]
        )
    )


def _words(expectation: Expectation) -> str:
    return expectation.words.replace("|", "\\|")
