"""Whose blocks are others because somebody else changed: a block outgrew its limit, or is within it again."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from audience.identity.fuzzy.blocking import Ids, Names, Numbers, Truths, named, places_in, together
from audience.identity.fuzzy.declaration import Block, Rules

Parts = Mapping[str, Numbers]


def moved(before: Parts, now: Parts, rules: Rules, changed: Truths) -> tuple[Truths, Truths]:
    """The records that did not change and are in other blocks than before: in smaller ones or none; in larger ones.

    Args:
        before, now: by id, the numbers of the values, as `blocking.blocks_of` takes them; those of unchanged records are equal.
        changed: by id, whose values are others, who came (0 in `before`) and who left (0 in `now`).
    """
    apart, together_again = np.zeros((2, len(changed)), dtype=np.bool_)
    same, others = (np.flatnonzero(some).astype(np.int32) for some in (~changed, changed))
    was, comes = ({part: numbers[others] for part, numbers in day.items()} for day in (before, now))
    for block in rules.blocks:
        for outgrown, fitting in _moved_in(block, now, same, was, comes):
            apart[outgrown] = True
            together_again[fitting] = True
    return apart, together_again


def _moved_in(block: Block, now: Parts, same: Ids, was: Parts, comes: Parts) -> Iterator[tuple[Ids, Ids]]:
    """On each step of dividing the block, who is in a part that is divided, or set aside, now only; and before only.

    Args:
        same: the ids of unchanged records; only the parts that changed records were or are in are looked at.
        was, comes: the numbers of changed records.
    """
    at = together([now[part][same] for part in block.on])
    old, new = (together([day[part] for part in block.on]) for day in (was, comes))
    for part in (*block.then, None):
        names = named(old, new)
        here = places_in(names, at)
        same, at, here = same[here >= 0], at[here >= 0], here[here >= 0]
        staying = np.bincount(here, minlength=len(names))
        of_old, of_new = places_in(names, old), places_in(names, new)
        many_before = staying + _counted(of_old, names) > block.most_records
        many_now = staying + _counted(of_new, names) > block.most_records
        yield same[(many_now & ~many_before)[here]], same[(many_before & ~many_now)[here]]
        # The place of nobody's block, -1, is the last one.
        divided = np.append(many_before & many_now, False)
        if part is None or not divided.any():
            return
        same, at = same[divided[here]], at[divided[here]]
        at = together([at, now[part][same]])
        old, new = _divided(old, was[part], divided[of_old]), _divided(new, comes[part], divided[of_new])


def _counted(places: npt.NDArray[np.intp], names: Names) -> npt.NDArray[np.intp]:
    return np.bincount(places[places >= 0], minlength=len(names))


def _divided(numbers: Numbers, part: Numbers, further: Truths) -> Numbers:
    found: Numbers = np.where(further, together([numbers, part]), np.uint64(0))
    return found
