"""Whose blocks are others because somebody else changed: a block outgrew its limit, or is within it again."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from audience.identity.fuzzy.blocking import Names, Numbers, Places, Truths, found_in, named, together
from audience.identity.fuzzy.declaration import Block, Rules

Parts = Mapping[str, Numbers]


def moved(before: Parts, now: Parts, rules: Rules, changed: Truths) -> tuple[Truths, Truths]:
    """The records that did not change and are in other blocks than before: in smaller ones or none; in larger ones.

    Args:
        before, now: by id, the numbers of the values, as `blocking.blocks_of` takes them; those of unchanged records are equal.
        changed: by id, whose values are others, who came (0 in `before`) and who left (0 in `now`).
    """
    apart, together_again = np.zeros((2, len(changed)), dtype=np.bool_)
    others = np.flatnonzero(changed)
    was, comes = ({part: numbers[others] for part, numbers in day.items()} for day in (before, now))
    for block in rules.blocks:
        for outgrown, fitting in _moved_in(block, now, changed, was, comes):
            apart[outgrown] = True
            together_again[fitting] = True
    return apart, together_again


def _moved_in(block: Block, now: Parts, changed: Truths, was: Parts, comes: Parts) -> Iterator[tuple[Places, Places]]:
    """On each step of dividing the block, who is in a part that is divided, or set aside, now only; and before only.

    Only unchanged records are given, and only the parts that changed records were or are in are looked at.

    Args:
        was, comes: the numbers of changed records.
    """
    at, same = together([now[part] for part in block.on]), np.arange(len(changed))
    at[changed] = 0
    old, new = (together([day[part] for part in block.on]) for day in (was, comes))
    for part in (*block.then, None):
        names = named(old, new)
        where, here = found_in(names, at)
        same, at = same[where], at[where]
        staying = np.bincount(here, minlength=len(names))
        of_old, of_new = (names.get_indexer(pd.Index(day)) for day in (old, new))
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


def _counted(places: Places, names: Names) -> Places:
    return np.bincount(places[places >= 0], minlength=len(names))


def _divided(numbers: Numbers, part: Numbers, further: Truths) -> Numbers:
    found: Numbers = np.where(further, together([numbers, part]), np.uint64(0))
    return found
