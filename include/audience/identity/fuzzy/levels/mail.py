"""Addresses of mail: the name before the @ says who somebody is, the provider hardly."""

import numpy as np
import pyarrow.compute as pc

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair, coded
from audience.identity.fuzzy.levels.alike import edits, jaro_winkler

CLOSE = 0.92


def email_level(column: Coded) -> LevelOf:
    """Most mailboxes are called as their owner: what tells two of the same name apart are the digits behind it. Names with
    other digits are different."""
    mailboxes = coded(pc.replace_substring_regex(column.texts, "[@+].*$|[._-]", ""))
    names, texts = mailboxes.codes, mailboxes.values
    digits = coded(pc.replace_substring_regex(mailboxes.texts, "[^0-9]", "")).codes

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
