"""Values as numbers, so that comparing two records starts with comparing two numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Codes = npt.NDArray[np.int32]
Levels = npt.NDArray[np.int8]
Texts = npt.NDArray[np.object_]
Truths = npt.NDArray[np.bool_]

LevelOf = Callable[[Codes, Codes], Levels]
"""The levels of pairs, elementwise."""

UNKNOWN = -1


@dataclass(frozen=True)
class Coded:
    """One column: for each record the number of its value in `texts`, UNKNOWN for none."""

    codes: Codes
    texts: pa.Array

    @cached_property
    def values(self) -> Texts:
        """The texts as Python's, which similarity is computed of."""
        found: Texts = self.texts.to_numpy(zero_copy_only=False)
        return found

    @property
    def known(self) -> Truths:
        """By record, whether it has a value."""
        return self.codes >= 0

    def mapped(self, of: Callable[[pa.Array], pa.Array]) -> "Coded":
        """The column of what the values become."""
        numbers = coded(of(self.texts))
        return Coded(np.append(numbers.codes, np.int32(UNKNOWN))[self.codes], numbers.texts)


def coded(texts: pa.ChunkedArray | pa.Array) -> Coded:
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = whole.dictionary_encode()
    codes = encoded.indices.fill_null(UNKNOWN).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return Coded(codes, encoded.dictionary)


def by_value_pair(left: Codes, right: Codes, same: int, level_of: LevelOf) -> Levels:
    """The level of each pair of values, where each two different values are compared once.

    Args:
        same: the level of equal values.
        level_of: of pairs of different known values, the lower number first; it has to be symmetric.
    """
    levels: Levels = np.full(len(left), same, dtype=np.int8)
    levels[(left < 0) | (right < 0)] = UNKNOWN
    differ = np.flatnonzero((left != right) & (levels != UNKNOWN))
    if len(differ):
        one, other = left[differ], right[differ]
        low, high = np.minimum(one, other), np.maximum(one, other)
        where, pairs = pd.factorize((low.astype(np.int64) << 32) | high)
        levels[differ] = level_of((pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32))[where]
    return levels
