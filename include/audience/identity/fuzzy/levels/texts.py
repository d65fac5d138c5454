"""Texts, codes and postal codes."""

import re

import numpy as np

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair, numbered
from audience.identity.fuzzy.levels.alike import edit_similarity, edits

CLOSE = 0.85
SIMILAR = 0.65


def text_level(column: Coded) -> LevelOf:
    """Addresses and cities. A house number is no typing error: with another number texts are similar at most."""
    numbers = numbered("".join(re.findall("[0-9]+", v)) for v in column.values)[0]

    def different(left: Codes, right: Codes) -> Levels:
        alike = edit_similarity(column.values, left, right)
        same_number = numbers[left] == numbers[right]
        close = (alike >= CLOSE) & same_number
        similar = (alike >= CLOSE) | ((alike >= SIMILAR) & same_number)
        return np.where(close, 2, np.where(similar, 1, 0)).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 3, different)


def code_level(column: Coded) -> LevelOf:
    """Telephones and references: one character wrong is close."""

    def different(left: Codes, right: Codes) -> Levels:
        return (edits(column.values, left, right, most=1) <= 1).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 2, different)


def place_level(column: Coded) -> LevelOf:
    """Postal codes: one character wrong is close; the first two are an area (in France, the department)."""
    areas = numbered(v[:2] for v in column.values)[0]

    def different(left: Codes, right: Codes) -> Levels:
        close = edits(column.values, left, right, most=1) <= 1
        return np.where(close, 2, areas[left] == areas[right]).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 3, different)
