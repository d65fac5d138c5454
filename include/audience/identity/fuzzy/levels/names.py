"""Names: typing errors, particles, compound and short names, first and last name swapped."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience.identity.fuzzy.encoding import UNKNOWN, Coded, Codes, Levels, Texts, Truths, by_value_pair, numbered
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


def compact(name: str) -> str:
    """Without spaces: `Le Goff` is `LeGoff`, `Jean-Pierre` is `Jeanpierre`."""
    return name.replace(" ", "")


def core(name: str) -> str:
    """Without particles, `mac` and `mc` the same: `de La Tour` is `Tour`, `MacDonald` is `McDonald`."""
    kept = [w for w in name.split() if w not in PARTICLES] or name.split()
    return re.sub("^mac(?=[^aeiouhk]{1}[a-z]{3})", "mc", "".join(kept))


@dataclass(frozen=True)
class Swapped:
    """Whether the first name of each record is the last name of the other."""

    first: Codes
    last: Codes
    values: Texts

    @classmethod
    def of(cls, first: Coded, last: Coded) -> "Swapped":
        numbers, values = numbered(compact(v) for v in (*first.values, *last.values))
        of_first, of_last = (np.append(n, np.int32(UNKNOWN)) for n in np.split(numbers, [len(first.values)]))
        return cls(of_first[first.codes], of_last[last.codes], values)

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
        values = column.values
        short, short_for = _nicknames(values if how == "first_name" else values[:0])
        return cls(
            how=how,
            column=column,
            compact=column.mapped(compact),
            joined=np.array([compact(v) for v in values], dtype=object),
            core=numbered(core(v) for v in values)[0],
            parts=_parts(values),
            short=short if how == "first_name" else np.full(len(values), UNKNOWN, dtype=np.int32),
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


def _parts(values: Texts) -> npt.NDArray[np.int32]:
    """The numbers of the words of each name that have at least three letters and are no particles."""
    words: dict[str, int] = {}
    parts = np.full((len(values), MOST_PARTS), UNKNOWN, dtype=np.int32)
    for i, value in enumerate(values):
        told = dict.fromkeys(w for w in value.split() if len(w) > 2 and w not in PARTICLES)
        for j, word in enumerate(list(told)[:MOST_PARTS]):
            parts[i, j] = words.setdefault(word, len(words))
    return parts


def _nicknames(values: Texts) -> tuple[npt.NDArray[np.int32], Truths]:
    """The number of each name that has short forms or is one, and which of them may be the same."""
    groups = nickname_groups()
    numbers = {name: i for i, name in enumerate(groups)}
    short = np.array([numbers.get(v, UNKNOWN) for v in values], dtype=np.int32)
    names = list(groups.values())
    return short, np.array([[bool(a & b) for b in names] for a in names], dtype=np.bool_)
