"""docs/quality.md: what is expected of every table, and what happens when it does not hold."""

from audience.cli.pages import markdown
from audience.cli.pages.markdown import table
from audience.core.table import Table
from audience.core.tables import ENTITIES
from audience.quality.audit import DISTRIBUTED, SMALL
from audience.quality.expectation import Expectation, Severity
from audience.quality.past import DAYS, ROWS, WEEKDAYS, WEEKS
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
    )


def _suite(declared: Table) -> str:
    order: tuple[Severity, ...] = ("block", "warn", "reject")
    expectations = sorted(suite(declared), key=lambda e: order.index(e.severity))
    return f"## {declared.name}\n\n" + table(
        ("Expectation", "Severity"), ((_words(e), e.severity) for e in expectations)
    )


def _words(expectation: Expectation) -> str:
    return expectation.words.replace("|", "\\|")
