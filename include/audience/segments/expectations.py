"""What marketing expected of its segments and did not get. Nothing here stops a run: a person is shown it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from audience.segments.segment import Segment

Pair = tuple[str, str]


@dataclass(frozen=True)
class Unexpected:
    """One expectation of one segment that does not hold."""

    segment: str
    problem: str

    def __str__(self) -> str:
        return f"{self.segment}: {self.problem}"


def unexpected(segments: Sequence[Segment], together: Mapping[Pair, int]) -> tuple[Unexpected, ...]:
    """Sizes outside their bounds, then pairs that overlap too much, both by name.

    Args:
        together: people who are in both segments of a pair; a segment with itself: its members.
    """
    by_name = sorted(segments, key=lambda s: s.name)
    found = [u for s in by_name for u in _size(s, together[s.name, s.name])]
    for one, other in permutations(by_name, 2):
        both = together[one.name, other.name]
        either = together[one.name, one.name] + together[other.name, other.name] - both
        if both and both / either >= one.expect.overlap_below:
            found.append(_overlap(one, other, both / either))
    return tuple(found)


def _size(segment: Segment, members: int) -> list[Unexpected]:
    fewest, most = segment.expect.size
    if fewest <= members <= most:
        return []
    return [Unexpected(segment.name, f"found {members} members, expected {fewest} to {most}")]


def _overlap(segment: Segment, other: Segment, overlap: float) -> Unexpected:
    most = segment.expect.overlap_below
    shares = f"shares {overlap:.0%} of the members of either with {other.name}"
    return Unexpected(segment.name, f"{shares}, expected less than {most:.0%}")
