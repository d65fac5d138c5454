"""A partition is a UTC day; its window is half-open, `[00:00, next 00:00)`, and `as_of` is its end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from audience.core.errors import PartitionError


@dataclass(frozen=True, order=True)
class Window:
    """A half-open span of UTC time: `start <= t < end`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not UTC or self.end.tzinfo is not UTC or self.start >= self.end:
            raise PartitionError(f"window: found [{self.start}, {self.end}), expected two UTC times in order")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, order=True)
class Partition:
    """One UTC day, the unit that is written, audited, published, announced and computed again."""

    day: date

    @classmethod
    def parse(cls, key: str | None) -> Self:
        """Reads `2026-11-20`. Raises PartitionError for anything else, a missing key included."""
        try:
            day = date.fromisoformat(key or "")
            if day.isoformat() != key:  # 20261120 and 2026-W47-5 are days of ISO 8601 too
                raise ValueError
            return cls(day)
        except ValueError:
            raise PartitionError(f"partition: found {key!r}, expected a UTC day such as '2026-11-20'") from None

    @classmethod
    def between(cls, first: Self, last: Self) -> Iterator[Self]:
        """Every day from first to last, both included."""
        current = first
        while current <= last:
            yield current
            current = current.next

    @property
    def key(self) -> str:
        return self.day.isoformat()

    @property
    def window(self) -> Window:
        start = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return Window(start, start + timedelta(days=1))

    @property
    def as_of(self) -> datetime:
        """The end of the window: what happens at or after it is the future."""
        return self.window.end

    @property
    def next(self) -> Self:
        return self.plus(1)

    @property
    def previous(self) -> Self:
        return self.plus(-1)

    def plus(self, days: int) -> Self:
        return type(self)(self.day + timedelta(days=days))

    def __str__(self) -> str:
        return self.key
