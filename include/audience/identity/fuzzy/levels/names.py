"""Names: typing errors, particles, compound and short names, first and last name swapped."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audience.identity.fuzzy.encoding import UNKNOWN, Coded, Codes, Levels, Texts, Truths, by_value_pair, coded
from audience.identity.fuzzy.levels.alike import edits, jaro_winkler
from audience.identity.fuzzy.nicknames import nickname_groups

PARTICLES = frozenset(
    [
        "d",
        "da",
        "das",
        "de",
        "del",
        "della",
        "den",
        "der",
        "des",
        "di",
        "do",
        "dos",
        "du",
        "e",
        "el",
        "la",
        "le",
        "les",
        "o",
        "of",
        "st",
        "ste",
        "t",
        "te",
        "ter",
        "van",
        "vande",
        "von",
        "y",
        "zu",
    ]
)
"""Words that a family name is written with or without."""

CLOSE = 0.92
SIMILAR = 0.80
"""Jaro-Winkler."""

MOST_PARTS = 4


def compact(names: pa.Array) -> pa.Array:
    """Without spaces: `Le Goff` is `LeGoff`, `Jean-Pierre` is `Jeanpierre`."""
    return pc.replace_substring(names, " ", "")


def core(names: pa.Array) -> pa.Array:
    """Without particles, `mac` and `mc` the same: `de La Tour` is `Tour`, `MacDonald` is `McDonald`."""
    kept = compact(pc.replace_substring_regex(names, rf"\b(?:{'|'.join(sorted(PARTICLES))})\b", ""))
    whole = pc.if_else(pc.equal(kept, ""), compact(names), kept)
    return pc.replace_substring_regex(whole, r"^mac([^aeiouhk][a-z]{3})", r"mc\1")


@dataclass(frozen=True)
class Swapped:
    """Whether the first name of each record is the last name of the other."""

    first: Codes
    last: Codes
    values: Texts

    @classmethod
    def of(cls, first: Coded, last: Coded) -> "Swapped":
        both = coded(compact(pa.concat_arrays([first.texts, last.texts])))
        of_first, of_last = (np.append(n, np.int32(UNKNOWN)) for n in np.split(both.codes, [len(first.texts)]))
        return cls(of_first[first.codes], of_last[last.codes], both.values)

    def of_pairs(self, left: Codes, right: Codes) -> Truths:
        """One is the same crosswise, the other at least close."""
        a, b, c, d = self.first[left], self.last[left], self.first[right], self.last[right]
        crossed: Truths = (a == d) | (b == c)
        crossed &= (a >= 0) & (b >= 0) & (c >= 0) & (d >= 0) & (a != c) & (b != d)
        some = np.flatnonzero(crossed)
        if len(some):
            alike = np.minimum(self._alike(a[some], d[some]), self._alike(b[some], c[some]))
            crossed[some] = alike >= CLOSE
        return crossed

    def _alike(self, one: Codes, other: Codes) -> npt.NDArray[np.float32]:
        return jaro_winkler(self.values, one, other)


@dataclass(frozen=True)
class Names:
    """The levels of one kind of name."""

    how: str
    column: Coded
    compact: Coded
    joined: Texts
    core: Codes
    parts: npt.NDArray[np.int32]
    short: npt.NDArray[np.int32]
    short_for: Truths
    swapped: Swapped | None

    @classmethod
    def of(cls, how: str, column: Coded, swapped: Swapped | None) -> "Names":
        short, short_for = _nicknames(column.values if how == "first_name" else column.values[:0])
        return cls(
            how=how,
            column=column,
            compact=column.mapped(compact),
            joined=compact(column.texts).to_numpy(zero_copy_only=False),
            core=coded(core(column.texts)).codes,
            parts=_parts(column.texts),
            short=short if how == "first_name" else np.full(len(column.texts), UNKNOWN, dtype=np.int32),
            short_for=short_for,
            swapped=swapped,
        )

    def levels(self, left: Codes, right: Codes) -> Levels:
        found = by_value_pair(self.column.codes[left], self.column.codes[right], self._same, self._different)
        if self.swapped is not None:
            # Said once, by the first name: the last name says nothing more.
            found[self.swapped.of_pairs(left, right)] = 4 if self.how == "first_name" else UNKNOWN
        return found

    @property
    def _same(self) -> int:
        return 5 if self.how == "first_name" else 4

    def _different(self, left: Codes, right: Codes) -> Levels:
        """Of numbers of values, not of records."""
        texts = self.joined
        alike = jaro_winkler(texts, left, right)
        is_close = (alike >= CLOSE) | ((alike >= SIMILAR - 0.1) & (edits(texts, left, right, most=1) <= 1))
        found = np.where(is_close, 2, np.where(alike >= SIMILAR, 1, 0)).astype(np.int8)
        found[self._is_variant(left, right)] = 3
        found[texts[left] == texts[right]] = self._same
        return found

    def _is_variant(self, left: Codes, right: Codes) -> Truths:
        """The same but for particles; a part of a compound name; a short form."""
        variant: Truths = self.core[left] == self.core[right]
        one, other = self.parts[left], self.parts[right]
        shared = np.zeros(len(left), dtype=np.int8)
        for i in range(MOST_PARTS):
            shared += ((one[:, i : i + 1] == other) & (other >= 0)).any(axis=1)
        known = np.minimum((one >= 0).sum(axis=1), (other >= 0).sum(axis=1))
        variant |= (shared > 0) & (shared == known)
        a, b = self.short[left], self.short[right]
        variant |= (a >= 0) & (b >= 0) & self.short_for[a, b]
        return variant


def _parts(names: pa.Array) -> npt.NDArray[np.int32]:
    """The numbers of the words of each name that have at least three letters and are no particles."""
    lists = pc.split_pattern(names, " ")
    words, rows = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    wanted = pc.and_(pc.greater(pc.utf8_length(words), 2), pc.invert(pc.is_in(words, pa.array(sorted(PARTICLES)))))
    wanted = wanted.to_numpy(zero_copy_only=False).astype(np.bool_)
    rows, codes = rows[wanted], coded(words).codes[wanted]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    parts = np.full((len(names), MOST_PARTS), UNKNOWN, dtype=np.int32)
    few = place < MOST_PARTS
    parts[rows[few], place[few]] = codes[few]
    return parts


def _nicknames(values: Texts) -> tuple[npt.NDArray[np.int32], Truths]:
    """The number of each name that has short forms or is one, and which of them may be the same."""
    numbers = {name: i for i, name in enumerate(nickname_groups())}
    return np.array([numbers.get(v, UNKNOWN) for v in values], dtype=np.int32), _may_be_the_same()


@cache
def _may_be_the_same() -> Truths:
    """By the numbers of two names."""
    names = list(nickname_groups().values())
    return np.array([[bool(a & b) for b in names] for a in names], dtype=np.bool_)
