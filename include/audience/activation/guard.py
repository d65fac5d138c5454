"""When a change is too large, or its data too old, to be pushed without asking a person. Numbers in, reasons out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


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
class Change:
    """What a plan would do, and how old its data are.

    Args:
        as_of: partition that is pushed.
        evaluated: segments of the destination that were evaluated for `as_of`.
        newest_acknowledged: newest partition the platform acknowledged; None on the first push.
    """

    as_of: date
    evaluated: int
    newest_acknowledged: date | None
    lists: Sequence[ListChange]


def hold_reasons(change: Change, limits: Limits) -> list[str]:
    """Why a person has to look at this change first; empty when it can go. A first push is no large change."""
    reasons = []
    if change.evaluated == 0:
        reasons.append(f"no segment was evaluated for {change.as_of}")
    if change.newest_acknowledged is not None and change.as_of < change.newest_acknowledged:
        reasons.append(f"{change.as_of} is older than {change.newest_acknowledged}, which was pushed already")
    for found in change.lists:
        reasons += _about(found, limits)
    return reasons


def is_mass_removal(removed: int, of: int, limits: Limits) -> bool:
    """More than the share, and more than the number, that may go without asking."""
    return removed > limits.removed_people and removed > limits.removed_share * of


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
