"""What a segment is: a rule with a reason, the consent it needs, what is expected of it, and where it goes."""

from dataclasses import dataclass
from typing import Literal

from audience.core.partition import Partition
from audience.segments.rule import Rule

Objective = Literal["open", "click", "conversion", "retention", "clv"]
Refresh = Literal["daily", "weekly", "monthly", "quarterly"]


@dataclass(frozen=True)
class Expect:
    """What marketing expects; anything else is shown to a person and changes nothing.

    Args:
        size: fewest and most members, both included.
        overlap_below: shared members / members of either, for every other segment: lists that are nearly the same
            are one list.
    """

    size: tuple[int, int]
    overlap_below: float


@dataclass(frozen=True)
class Segment:
    """One segment file.

    Args:
        name: the name of the file and of the list on the platform.
        consent: the purpose a member must have consented to before being written to.
        deliver_to: destinations; empty for a segment that is only watched.
    """

    name: str
    title: str
    why: str
    consent: str
    members: Rule
    expect: Expect
    objective: Objective
    refresh: Refresh
    deliver_to: tuple[str, ...]

    def is_due(self, partition: Partition) -> bool:
        """Whether it is evaluated as of this day: every day, or the last day of an ISO week, month or quarter."""
        is_month_end = partition.next.day.day == 1
        match self.refresh:
            case "daily":
                return True
            case "weekly":
                return partition.day.isoweekday() == 7
            case "monthly":
                return is_month_end
            case "quarterly":
                return is_month_end and partition.day.month % 3 == 0
