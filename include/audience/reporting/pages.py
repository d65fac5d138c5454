"""The pages that people look at, as whole HTML documents: no script, no picture, nothing from elsewhere.

The same functions serve Airflow's UI, where links lead on, and files, where there is nothing to lead to.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audience.reporting.blocked import Blocked
from audience.reporting.chart import bars
from audience.reporting.freshness import Freshness
from audience.reporting.list_history import ListHistory
from audience.reporting.lists import Cost
from audience.reporting.pushes import Push
from audience.reporting.segments import SegmentNumbers
from audience.reporting.source_day import DayNumbers, SourceDay
from audience.reporting.sources import SourceNumbers

if TYPE_CHECKING:
    from audience.privacy.erasing.request import Request

Leads = Callable[[str, date], str]
"""Where the report of a source and day is; an empty text where there is none to go to."""


def problem_page(problem: str) -> str:
    """Says why there is nothing to show."""
    return _render("problem.html", problem=problem, home="")


def audience_page(
    *,
    segments: Iterable[SegmentNumbers],
    sources: Iterable[SourceNumbers],
    freshness: Iterable[Freshness],
    blocked: Iterable[Blocked],
    pushes: Iterable[Push],
    leads: Leads,
) -> str:
    """Segments, sources and last pushes."""
    late = {f.source: f for f in freshness if f.is_late}
    return _render(
        "audience.html", segments=list(segments), sources=list(sources), late=late, blocked=list(blocked), pushes=list(pushes),
        leads=leads, home="",
    )  # fmt: skip


def days_page(days: Iterable[DayNumbers], partition: date | None, *, leads: Leads, home: str = "") -> str:
    """Sources side by side: on a day, or each on its newest one."""
    worst = sorted(days, key=lambda d: (_WORST.index(d.verdict), d.source))
    return _render("days.html", days=worst, partition=partition, leads=leads, home=home, verdicts=VERDICTS)


def source_day_page(day: SourceDay, *, leads: Leads = lambda _source, _day: "", home: str = "") -> str:
    """One source on one day: what is wrong first, then the rest."""
    trend = list(day.trend.items())
    checks: dict[str, list[Any]] = {}
    for check in day.checks:
        checks.setdefault(check.entity, []).append(check)
    parts = [(d.loaded, d.superseded, d.quarantined) if d else None for _, d in trend]
    return _render(
        "source_day.html",
        day=day,
        checks=dict(sorted(checks.items(), key=lambda one: (all(c.verdict != "failed" for c in one[1]), one[0]))),
        trend=list(zip(trend, bars(parts, step=_STEP, height=_HEIGHT), strict=True)),
        highest=max((sum(part) for part in parts if part), default=0),
        small={e.entity: bars(((n,) if n is not None else None for n in e.trend), step=4, height=22)
               for e in day.entities},
        step=_STEP,
        height=_HEIGHT,
        before=_beside(day, -1),
        after=_beside(day, 1),
        leads=leads,
        home=home,
        verdicts=VERDICTS,
    )  # fmt: skip


def lists_page(
    *,
    lists: Iterable[ListHistory],
    pushes: Iterable[Push],
    costs: Iterable[Cost],
    prices: Mapping[str, float],
    destination: str | None = None,
    until: datetime | None = None,
    home: str = "",
) -> str:
    """How true lists are, with 30 days of it, the last pushes and what they cost.

    Args:
        prices: EUR a month for 1,000 contacts, by destination.
        destination: the one that all of it is about; None: all.
        until: the moment it is as of; None: now, and the page does not say so.
    """
    drawn = [
        (h, list(zip(h.days, bars(((t.ghosts + t.unknown, t.missing) if t else None for _, t in h.days), step=4, height=22),
                     strict=True)))
        for h in lists
    ]  # fmt: skip
    return _render("lists.html", lists=drawn, pushes=list(pushes), costs=list(costs), prices=prices, destination=destination,
                   until=until, home=home, share=_share)  # fmt: skip


def erasure_page(
    *,
    requests: "Sequence[Request]",
    home: Callable[[str], str],
    numbers: Mapping[str, int] | None,
    mark: str,
    problem: str,
) -> str:
    """Requests of erasure with their receipts, and the form by which the next one is noted.

    Args:
        home: where a page is.
        numbers: how much an address that was typed leads to, to be confirmed with `mark`; None: nothing was typed yet.
        problem: what was wrong with what was typed.
    """
    return _render("erasure.html", requests=requests, home=home, numbers=numbers, mark=mark, problem=problem)


def _share(truth: float) -> str:
    """A share in percent that is 100 % only when nothing is wrong."""
    return "100 %" if truth == 1 else f"{min(truth, 0.9999):.2%}".replace("%", " %")


VERDICTS: Mapping[str, str] = {
    "blocked": "blocked",
    "unfinished": "not published",
    "warned": "published with warnings",
    "loaded": "published with a longer window",
    "passed": "published",
    "unknown": "nothing known",
}
"""`ops.quality_day.verdict` in words, worst first."""

_WORST = tuple(VERDICTS)
_STEP, _HEIGHT = 22, 110


def _beside(day: SourceDay, by: int) -> date:
    return date.fromordinal(day.partition.toordinal() + by)


def _render(name: str, **known: Any) -> str:
    page: str = _templates().get_template(name).render(known)
    return page


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["n"] = "{:,}".format
    return environment
