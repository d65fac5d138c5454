"""When a change is too large, or its data too old, to be pushed without asking a person. Numbers in, reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True)
class Limits:
    """What may be pushed without asking. Defaults of this project; a programme that changes faster raises them.

    Args:
        removed_share: of the acknowledged contacts of a list, 0..1; more than this is held ...
        removed_people: ... when it is also more than this many.
        growth: additions of more than so many times the acknowledged contacts of a list are held ...
        growth_from: ... when more than this many were acknowledged.
    """

    removed_share: float = 0.30
    removed_people: int = 50
    growth: float = 10.0
    growth_from: int = 100


@dataclass(frozen=True)
class ListChange:
    """What a plan would do to one list: contacts acknowledged before, to be added, to be removed."""

    name: str
    acknowledged: int
    added: int
    removed: int


@dataclass(frozen=True)
class SourceState:
    """One source in use at the moment of a push.

    Args:
        newest: its newest published day; None: nothing ever was.
        fresh_hours, due_at: how long after its end that day may be the newest, and until when (UTC).
        is_late: it is later than that.
        verdict: what became of the day that is pushed, as in `ops.quality_day`; None: it was neither judged nor published.
    """

    source: str
    is_required: bool
    newest: date | None
    fresh_hours: int
    due_at: datetime | None
    is_late: bool
    verdict: str | None


@dataclass(frozen=True)
class Change:
    """What a plan would do, and how old its data are.

    Args:
        as_of: partition that is pushed.
        evaluated: segments of the destination that were evaluated for `as_of`.
        newest_acknowledged: newest partition the platform acknowledged; None on the first push.
        sources: what the segments were computed from; empty when the plan has nothing to tell.
    """

    as_of: date
    evaluated: int
    newest_acknowledged: date | None
    lists: Sequence[ListChange]
    sources: Sequence[SourceState] = ()


def hold_reasons(change: Change, limits: Limits) -> list[str]:
    """Why a person has to look at this change first; empty when it can go. A first push is no large change.

    The words stay the same while the reason does: an answer counts for the reason that was shown.
    """
    reasons = []
    if change.evaluated == 0:
        reasons.append(f"no segment was evaluated for {change.as_of}")
    if change.newest_acknowledged is not None and change.as_of < change.newest_acknowledged:
        reasons.append(f"{change.as_of} is older than {change.newest_acknowledged}, which was pushed already")
    for source in change.sources:
        if source.is_required:
            reasons += _against(source, change.as_of)
    for found in change.lists:
        reasons += _about(found, limits)
    return reasons


def stale_inputs(change: Change) -> list[str]:
    """What optional sources lack: it is shown, and the push goes on without it."""
    return [words for source in change.sources if not source.is_required for words in _against(source, change.as_of)]


def is_mass_removal(removed: int, of: int, limits: Limits) -> bool:
    """More than the share, and more than the number, that may go without asking."""
    return removed > limits.removed_people and removed > limits.removed_share * of


def _against(source: SourceState, as_of: date) -> list[str]:
    place = f"source {source.source}"
    if source.newest is None or source.due_at is None:
        return [f"{place}: nothing was ever published"]
    if source.verdict in _FAILED:
        return [f"{place}: {_FAILED[source.verdict].format(as_of)}"]
    if source.is_late:
        until = f"{source.due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return [
            f"{place}: newest day {source.newest}, expected a later one within {source.fresh_hours} hours of its end ({until})"
        ]
    if source.is_required and source.newest < as_of:
        return [f"{place}: newest day {source.newest}, expected {as_of}, which is pushed"]
    return []


_FAILED = {
    "blocked": "found {} blocked by a gate, expected it published; what was published before stands for it",
    "unfinished": "found {} judged and not published, expected it published; what was published before stands for it",
}
"""Verdicts of `ops.quality_day` that leave a day without its rows."""


def _about(found: ListChange, limits: Limits) -> list[str]:
    reasons = []
    if found.acknowledged > 0 and found.removed >= found.acknowledged and found.added == 0:
        reasons.append(f"list {found.name}: would become empty (has {found.acknowledged})")
    elif is_mass_removal(found.removed, found.acknowledged, limits):
        reasons.append(
            f"list {found.name}: would lose {found.removed} of {found.acknowledged} contacts"
            f" (at most {limits.removed_share:.0%} without asking)"
        )
    if found.acknowledged > limits.growth_from and found.added > limits.growth * found.acknowledged:
        reasons.append(
            f"list {found.name}: would gain {found.added} contacts and has {found.acknowledged}"
            f" (at most {limits.growth:g} times without asking)"
        )
    return reasons
