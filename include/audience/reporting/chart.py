"""Where bars of small charts stand, in SVG units. What they look like is the templates' matter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One bar of stacked parts, from the bottom up.

    Args:
        x: its left edge.
        parts: top edge and height of each part; a part that is not zero is at least 1.5 high, or nobody would see it.
    """

    x: float
    parts: tuple[tuple[float, float], ...]


VISIBLE = 1.5


def bars(stacks: Iterable[Sequence[int] | None], *, step: float, height: float) -> list[Bar]:
    """Bars as high as the highest stack allows; None is a gap, and so no bar has parts there."""
    known = [None if stack is None else list(stack) for stack in stacks]
    highest = max((sum(stack) for stack in known if stack), default=0) or 1
    drawn = []
    for position, stack in enumerate(known):
        top, parts = height, []
        for value in stack or ():
            tall = max(value / highest * height, VISIBLE) if value else 0.0
            top = max(top - tall, 0.0)
            parts.append((round(top, 1), round(tall, 1)))
        drawn.append(Bar(round(position * step, 1), tuple(parts)))
    return drawn
