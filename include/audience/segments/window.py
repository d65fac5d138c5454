"""Windows of events: what happened to a person within so long before the end of a partition.

`count: {event: click, within: 24 h, at_least: 3}` asks how many clicks there were in `[as_of - 24 h, as_of)`: the moment a day
ago counts, the end of the partition does not. What machines did is not counted. Nothing that happened is 0, and never unknown.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from audience.core.errors import DeclarationError, nearest
from audience.core.tables.entities import EVENT_TYPES, WEB_EVENTS
from audience.segments.value import shown

EVENTS: dict[str, tuple[str, str]] = {
    **{name: ("event", name) for name in EVENT_TYPES},
    **{f"web_{name}" if name in EVENT_TYPES else name: ("web_event", name) for name in WEB_EVENTS},
    "order": ("order", "paid"),
}
"""What can be counted: name -> entity, and type (status of an order). E-mail and web both know a click: that of the web is
`web_click`."""

UNITS = {"min": 60, "h": 3600, "d": 86_400}
"""Seconds of each unit; a day is 24 hours."""

LONGEST_S = 366 * UNITS["d"]

_LENGTH = re.compile(r"([1-9][0-9]{0,5}) ?(min|h|d)")


@dataclass(frozen=True, order=True)
class Window:
    """Any of these events within so many seconds before the end of a partition.

    Args:
        events: sorted, each once.

    Raises:
        DeclarationError: there is no such event, or no such length.
    """

    events: tuple[str, ...]
    seconds: int

    def __post_init__(self) -> None:
        for name in self.events:
            if name not in EVENTS:
                raise DeclarationError("event", f"no event {name!r}{nearest(name, EVENTS)}")
        if list(self.events) != sorted(set(self.events)) or not self.events:
            raise DeclarationError("event", f"found {shown(self.events)}, expected at least one event, each once")
        if not 0 < self.seconds <= LONGEST_S:
            raise DeclarationError("within", f"found {self.length}, expected at most 366 d")

    @property
    def column(self) -> str:
        """The column of the counts, beside those of the features."""
        return f"count of {self}"

    @property
    def length(self) -> str:
        """As a file says it, in the largest unit that is exact; a day stays 24 h: `24 h`, `7 d`."""
        if self.seconds % UNITS["d"] == 0 and self.seconds > UNITS["d"]:
            return f"{self.seconds // UNITS['d']} d"
        return (
            f"{self.seconds // UNITS['h']} h"
            if self.seconds % UNITS["h"] == 0
            else f"{self.seconds // UNITS['min']} min"
        )

    @property
    def span(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    def __str__(self) -> str:
        return f"{' or '.join(self.events)} within {self.length}"


def read_window(event: object, within: object) -> Window:
    """A window from what a file says of it. Raises DeclarationError at `event` or `within`."""
    names: list[str] = []
    for name in event if isinstance(event, list) else [event]:
        if not isinstance(name, str):
            raise DeclarationError("event", f"found {shown(name)}, expected the name of an event, or a list of names")
        names.append(name)
    length = _LENGTH.fullmatch(within) if isinstance(within, str) else None
    if length is None:
        raise DeclarationError(
            "within", f"found {shown(within)}, expected a whole number and min, h or d, such as 24 h"
        )
    if len(set(names)) != len(names):
        raise DeclarationError("event", f"found {shown(names)}, expected each event once")
    return Window(tuple(sorted(names)), int(length[1]) * UNITS[length[2]])


def entities(windows: Iterable[Window]) -> set[str]:
    """The entities that these windows count rows of."""
    return {EVENTS[name][0] for window in windows for name in window.events}
