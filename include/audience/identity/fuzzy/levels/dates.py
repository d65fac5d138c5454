"""Dates as eight digits: one digit wrong, neighbours swapped, day and month swapped, two of three parts right."""

import numpy as np

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair


def date_level(column: Coded) -> LevelOf:
    digits = np.array([list(v.encode()) for v in column.values], dtype=np.uint8).reshape(-1, 8)

    def different(left: Codes, right: Codes) -> Levels:
        a, b = digits[left], digits[right]
        wrong = a != b
        count = wrong.sum(axis=1)
        neighbours = (wrong[:, :-1] & wrong[:, 1:] & (a[:, :-1] == b[:, 1:]) & (a[:, 1:] == b[:, :-1])).any(axis=1)
        crossed = (a[:, 4:6] == b[:, 6:8]).all(axis=1) & (a[:, 6:8] == b[:, 4:6]).all(axis=1)
        same_year = ~wrong[:, :4].any(axis=1)
        close = (count == 1) | ((count == 2) & neighbours) | (crossed & same_year)
        parts = same_year.astype(np.int8) + ~wrong[:, 4:6].any(axis=1) + ~wrong[:, 6:8].any(axis=1)
        return np.where(close, 2, np.where(parts == 2, 1, 0)).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 3, different)
