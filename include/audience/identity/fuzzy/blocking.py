"""Pairs of records that share a block: numbers are sorted once, and neighbours with the same number are pairs.

Beside a join of the same numbers in DuckDB it takes two thirds of the processor time (docs/decisions/0008-fuzzy-matching.md).
Memory is that of the numbers and of PAIRS_AT_ONCE pairs, however many there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from audience.identity.fuzzy.declaration import Block, Rules

Ids = npt.NDArray[np.int32]
Truths = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.uint64]
"""By id, the number of something; 0 for nothing."""

Names: TypeAlias = "pd.Index[int]"
"""The numbers of some blocks."""

PAIRS_AT_ONCE = 500_000


@dataclass(frozen=True)
class Found:
    """What a block gives: pairs, also those that another block gives, and what was set aside because so many share it."""

    block: str
    pairs: int = 0
    blocks_set_aside: int = 0
    records_set_aside: int = 0
    pairs_set_aside: int = 0


@dataclass(frozen=True)
class Blocks:
    """For each declared block the number of each record's block, 0 where it compares nothing."""

    numbers: tuple[Numbers, ...]
    found: tuple[Found, ...]

    @property
    def pairs(self) -> int:
        """At most; a pair that several blocks give counts for each."""
        return sum(f.pairs for f in self.found)


def blocks_of(parts: Mapping[str, Numbers], rules: Rules, changed: Truths | None = None) -> Blocks:
    """The blocks of all records, or of those that a changed record is in.

    Args:
        parts: the numbers of the values of each column and key that the rules name.
    """
    made = [_block(parts, block, changed) for block in rules.blocks]
    return Blocks(tuple(numbers for numbers, _ in made), tuple(found for _, found in made))


def pairs_of(blocks: Blocks, *, one_in: int = 1, changed: Truths | None = None) -> Iterator[tuple[Ids, Ids]]:
    """Each pair that shares a block once, in parts, the lower id left.

    Args:
        one_in: every so manieth pair only, the same ones each time.
        changed: only pairs with at least one of these records are given.
    """
    waiting: list[tuple[Ids, Ids]] = []
    for i, numbers in enumerate(blocks.numbers):
        for one, other in _neighbours(numbers):
            touched = slice(None) if changed is None else changed[one] | changed[other]
            left, right = one[touched], other[touched]
            wanted = np.ones(len(left), dtype=np.bool_)
            if one_in > 1:
                wanted &= (left.astype(np.int64) * 40_503 + right) % 65_537 % one_in == 0
            for earlier in blocks.numbers[:i]:
                # A pair belongs to the first block that gives it.
                number = earlier[left]
                wanted &= (number != earlier[right]) | (number == 0)
            waiting.append((left[wanted], right[wanted]))
            if sum(len(part[0]) for part in waiting) >= PAIRS_AT_ONCE:
                yield _joined(waiting)
                waiting = []
    if any(len(part[0]) for part in waiting):
        yield _joined(waiting)


def share_a_block(blocks: Blocks, left: Ids, right: Ids) -> Truths:
    """Of pairs, whether any block gives them."""
    found = np.zeros(len(left), dtype=np.bool_)
    for numbers in blocks.numbers:
        found |= (numbers[left] == numbers[right]) & (numbers[left] != 0)
    return found


def _joined(parts: Sequence[tuple[Ids, Ids]]) -> tuple[Ids, Ids]:
    return np.concatenate([left for left, _ in parts]), np.concatenate([right for _, right in parts])


def _neighbours(numbers: Numbers) -> Iterator[tuple[Ids, Ids]]:
    """Pairs of records with the same number, by how far apart they are among those."""
    ids = np.flatnonzero(numbers).astype(np.int32)
    # Keeping the order of the ids, too, takes five times as long.
    order: Ids = ids[np.argsort(numbers[ids])]
    ordered = numbers[order]
    # Whoever has no neighbour at one distance has none farther off.
    places = np.arange(len(order))
    for distance in range(1, len(order)):
        places = places[: np.searchsorted(places, len(order) - distance)]
        places = places[ordered[places] == ordered[places + distance]]
        if not len(places):
            return
        one, other = order[places], order[places + distance]
        yield np.minimum(one, other), np.maximum(one, other)


def _block(parts: Mapping[str, Numbers], block: Block, changed: Truths | None) -> tuple[Numbers, Found]:
    numbers = together([parts[part] for part in block.on])
    ids = np.flatnonzero(numbers).astype(np.int32)
    fitting = []
    for part in (*block.then, None):
        places = _grouped(numbers[ids]) if changed is None else places_in(named(numbers[changed]), numbers[ids])
        numbers[ids[places < 0]] = 0
        ids, places = ids[places >= 0], places[places >= 0]
        sizes = np.bincount(places)
        large = sizes > block.most_records
        fitting.append(sizes[~large])
        ids = ids[large[places]]
        if part is None or not len(ids):
            break
        numbers[ids] = together([numbers[ids], parts[part][ids]])
        ids = ids[numbers[ids] != 0]
    numbers[ids] = 0
    aside = sizes[large]
    return numbers, Found(block.name, _pairs(np.concatenate(fitting)), len(aside), int(aside.sum()), _pairs(aside))


def _grouped(numbers: Numbers) -> npt.NDArray[np.intp]:
    """The place of each number among the different ones."""
    order = np.argsort(numbers)
    ordered = numbers[order]
    places = np.empty(len(numbers), dtype=np.intp)
    places[order] = np.cumsum(np.append(np.zeros(1, np.intp), ordered[1:] != ordered[:-1]))[: len(numbers)]
    return places


def named(*numbers: Numbers) -> Names:
    """The blocks that some records are in."""
    names = np.unique(np.concatenate(numbers))
    found: Names = pd.Index(names[names != 0])
    return found


def places_in(names: Names, numbers: Numbers) -> npt.NDArray[np.intp]:
    """Where each number stands among the names, -1 where it does not."""
    # Most numbers are of nobody's block: their last bits tell that sooner than looking them up.
    ends = np.zeros(1 << 20, dtype=np.bool_)
    last_bits = np.uint64(len(ends) - 1)
    ends[names.to_numpy() & last_bits] = True
    maybe = np.flatnonzero(ends[numbers & last_bits])
    places = np.full(len(numbers), -1, dtype=np.intp)
    places[maybe] = names.get_indexer(pd.Index(numbers[maybe]))
    return places


def _pairs(sizes: npt.NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def together(parts: Sequence[Numbers]) -> Numbers:
    """One number for several; 0 where one of them is."""
    number = parts[0].copy()
    for part in parts[1:]:
        unknown = (number == 0) | (part == 0)
        # The finalizer of MurmurHash3 (public domain, A. Appleby), so that sums of parts do not meet by chance.
        mixed = (number ^ (number >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD) + part
        number = mixed ^ (mixed >> np.uint64(29))
        number[unknown] = 0
    return number
