"""What a person is told about: late or blocked sources, people unlike the population, destinations that are not as desired."""

from datetime import datetime
from typing import TYPE_CHECKING

from audience.steps.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audience.house import House
    from audience.quality.alerts import Channel
    from audience.sources.contract import Source


def watch(house: "House", sources: "Iterable[Source]", channels: "Mapping[str, Channel]", now: datetime) -> Facts:
    """Alerts of required sources that are late at a moment or blocked on a day, of people who are unlike the population, of
    destinations that are not as desired, and of their recovery, once each.

    Args:
        sources: all that are in use; what they declare is recorded for `ops.quality_freshness`.
    """
    from audience.quality.alerts import follow
    from audience.quality.people import bias
    from audience.reporting import (
        blocked_required,
        late_required,
        push_problems,
        read_blocked,
        read_freshness,
        record_declared,
    )

    sources = list(sources)
    record_declared(house.warehouse, sources)
    late = read_freshness(house.warehouse, sources, now)
    blocked = read_blocked(house.warehouse, sources)
    violations = late_required(late) | blocked_required(blocked) | push_problems(house.warehouse, now)
    with house.warehouse.begin() as connection:
        violations |= bias(connection)
    sent = follow(house.warehouse, violations, channels, now)
    return {
        "late": [f.source for f in late if f.is_late],
        "blocked": [f"{b.source} {b.partition}" for b in blocked],
        "messages": sent,
    }
