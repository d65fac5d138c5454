"""Addresses, and towns: postal code and city as one answer."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair, coded
from audience.identity.fuzzy.levels.alike import edit_similarity, edits

CLOSE = 0.85
SIMILAR = 0.65
"""Share of letters that are the same."""

UNRELATED, AREA, ALIKE, NEAR, ONE_SAME, SAME = range(6)
"""Levels of towns."""


def address_level(column: Coded) -> LevelOf:
    """A house number is no typing error: with another one, addresses are similar at most."""
    numbers = coded(pc.replace_substring_regex(column.texts, "[^0-9]", "")).codes

    def different(left: Codes, right: Codes) -> Levels:
        alike = edit_similarity(column.values, left, right)
        same_number = numbers[left] == numbers[right]
        similar = (alike >= CLOSE) | ((alike >= SIMILAR) & same_number)
        return np.where((alike >= CLOSE) & same_number, 2, similar).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 3, different)


def town_level(values: pa.Table) -> tuple[LevelOf, Coded]:
    """The levels, and the towns, of records that have a postal code or a city or both."""
    nothing = pa.chunked_array([pa.nulls(values.num_rows, pa.string())])
    code, city = (values[n] if n in values.column_names else nothing for n in ("postal_code", "city"))
    of_code, of_city = _code_level(coded(code)), _city_level(coded(pc.replace_substring(city, " ", "")))

    def levels(left: Codes, right: Codes) -> Levels:
        one, other = of_code(left, right), of_city(left, right)
        most: Levels = np.maximum(one, other)
        contradicted = (most == SAME) & (one != other) & (np.minimum(one, other) >= 0)
        most[contradicted] = ONE_SAME
        return most

    return levels, coded(pc.coalesce(city, code))


def _code_level(column: Coded) -> LevelOf:
    """The first two characters are an area (in France, the department); one character wrong is close."""
    areas = coded(pc.utf8_slice_codeunits(column.texts, 0, 2)).codes

    def different(left: Codes, right: Codes) -> Levels:
        close = edits(column.values, left, right, most=1) <= 1
        return np.select([close, areas[left] == areas[right]], [NEAR, AREA], UNRELATED).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], SAME, different)


def _city_level(column: Coded) -> LevelOf:
    def different(left: Codes, right: Codes) -> Levels:
        alike = edit_similarity(column.values, left, right)
        return np.select([alike >= CLOSE, alike >= SIMILAR], [NEAR, ALIKE], UNRELATED).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], SAME, different)
