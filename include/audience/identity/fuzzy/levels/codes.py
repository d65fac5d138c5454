"""Telephones and references."""

import numpy as np

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair
from audience.identity.fuzzy.levels.alike import edits


def code_level(column: Coded) -> LevelOf:
    """One character wrong is close."""

    def different(left: Codes, right: Codes) -> Levels:
        return (edits(column.values, left, right, most=1) <= 1).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 2, different)
