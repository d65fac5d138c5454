"""Addresses of mail: the name before the @ says who somebody is, the provider hardly."""

import re

import numpy as np

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair, numbered
from audience.identity.fuzzy.levels.alike import edits, jaro_winkler

CLOSE = 0.92


def mailbox_name(address: str) -> str:
    return re.sub("[._-]", "", address.split("@", maxsplit=1)[0].split("+", maxsplit=1)[0])


def email_level(column: Coded) -> LevelOf:
    """Most mailboxes are called as their owner: what tells two of the same name apart are the digits behind it. Names with
    other digits are different."""
    names, texts = numbered(mailbox_name(v) for v in column.values)
    digits = numbered("".join(re.findall("[0-9]+", v)) for v in texts)[0]

    def different(left: Codes, right: Codes) -> Levels:
        one, other = names[left], names[right]
        found: Levels = np.zeros(len(left), dtype=np.int8)
        some = np.flatnonzero(digits[one] == digits[other])
        found[some] = (jaro_winkler(texts, one[some], other[some]) >= CLOSE) | (
            edits(texts, one[some], other[some], most=1) <= 1
        )
        found[one == other] = 2
        return found

    return lambda left, right: by_value_pair(column.codes[left], column.codes[right], 3, different)
