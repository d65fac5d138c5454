"""What decides the content of a world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

GENERATOR_VERSION = 3
"""Raise it whenever the same options give other records: cached worlds of older versions are then left alone."""


@dataclass(frozen=True)
class WorldOptions:
    """The same options give the same bytes (with the same DuckDB).

    until   last day of data, inclusive (UTC): the last real day is moved onto it
    seed    of everything that is generated
    people  buyers to make; None makes one per real household. Any other number resamples the households
    """

    until: date
    seed: int = 7
    people: int | None = None

    def __post_init__(self) -> None:
        if self.people is not None and self.people < 1:
            raise ValueError(f"people: expected at least 1, found {self.people}")

    @property
    def cast(self) -> str:
        """Names who the people are. It leaves `until` out: people keep their addresses when the days move on."""
        return f"v{GENERATOR_VERSION}-s{self.seed}-p{self.people or 'real'}"

    @property
    def key(self) -> str:
        """Names the world in the state folder."""
        return f"{self.cast}-{self.until.isoformat()}"


def yesterday() -> date:
    """The last complete UTC day: the default `until` of a command line."""
    return datetime.now(UTC).date() - timedelta(days=1)
