"""Similarity of texts, elementwise over two arrays, on all cores."""

from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from audience.identity.fuzzy.encoding import Codes, Texts

WORKERS = 2


def jaro_winkler(values: Texts, left: Codes, right: Codes) -> npt.NDArray[np.float32]:
    """0 to 1; names that begin alike are alike."""
    return _compared(values[left], values[right], scorer=JaroWinkler.similarity, dtype=np.float32)


def edits(values: Texts, left: Codes, right: Codes, *, most: int) -> npt.NDArray[np.uint8]:
    """Letters to insert, remove, replace or swap with their neighbour; more than `most` are `most + 1`."""
    return _compared(values[left], values[right], scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)


def edit_similarity(values: Texts, left: Codes, right: Codes) -> npt.NDArray[np.float32]:
    """One minus the share of letters to edit, 0 to 1."""
    return shared_letters(values[left], values[right])


def shared_letters(one: Texts, other: Texts) -> npt.NDArray[np.float32]:
    """The same of texts themselves."""
    return _compared(one, other, scorer=OSA.normalized_similarity, dtype=np.float32)


def _compared(one: Texts, other: Texts, **how: Any) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = cpdist(one, other, workers=WORKERS, **how)
    return found
