"""Addresses of mail: the name before the @ says who somebody is, the provider hardly."""

import numpy as np

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair, numbered
from audience.identity.fuzzy.levels.alike import edits, jaro_winkler

CLOSE = 0.92


def mailbox_name(address: str) -> str:
    return (
        address.split("@", maxsplit=1)[0].split("+", maxsplit=1)[0].replace(".", "").replace("-", "").replace("_", "")
    )


def email_level(column: Coded) -> LevelOf:
    names, texts = numbered(mailbox_name(v) for v in column.values)

    def different(left: Codes, right: Codes) -> Levels:
        one, other = names[left], names[right]
        close = (jaro_winkler(texts, one, other) >= CLOSE) | (edits(texts, one, other, most=1) <= 1)
        return np.where(one == other, 2, close).astype(np.int8)

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 3, different)
