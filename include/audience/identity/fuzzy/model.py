"""What was learned: how often each level happens when two records are one person, and when they are not."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import log2
from typing import Any

from audience.core.errors import DeclarationError
from audience.identity.fuzzy.declaration import Rules

FORMAT = 1


@dataclass(frozen=True)
class Shares:
    """How often the values of one level are told: agreeing on a common one says less.

    Args:
        common: share of each common value among the known ones, by `hashed` value, so that a model names nobody.
        rare: the same for every other value, as two records that agree on one see it.
    """

    level: int
    common: Mapping[str, float]
    rare: float


@dataclass(frozen=True)
class Learned:
    """One comparison.

    Args:
        m: by level, its share among pairs that are one person.
        u: by level, its share among pairs that are not.
    """

    column: str
    m: tuple[float, ...]
    u: tuple[float, ...]
    shares: tuple[Shares, ...] = ()

    @property
    def weights(self) -> tuple[float, ...]:
        """Bits by level: how much likelier it is for one person than for two, as a logarithm of base 2."""
        return tuple(log2(m / u) for m, u in zip(self.m, self.u, strict=True))


@dataclass(frozen=True)
class TrainedModel:
    """Rules and what was learned for them.

    Args:
        prior: the share of pairs that are one person, among all pairs of all records.
        learned: one for each comparison of the rules, in their order.
        records: that it was learned from.
        pairs: candidate pairs that it was learned from.
    """

    rules: Rules
    prior: float
    learned: tuple[Learned, ...]
    records: int
    pairs: int
    seed: int

    @cached_property
    def version(self) -> str:
        """The same for the same content."""
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def prior_weight(self) -> float:
        """Bits of a pair of which nothing is known."""
        return log2(self.prior / (1 - self.prior))

    def weights(self, column: str) -> dict[str, float]:
        """Bits by name of level of a comparison."""
        for comparison, learned in zip(self.rules.comparisons, self.learned, strict=True):
            if comparison.column == column:
                return dict(zip(comparison.levels, learned.weights, strict=True))
        raise KeyError(column)

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, "version": self.version, **self._content()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "TrainedModel":
        """Raises DeclarationError for a model of another format, or one that was changed by hand."""
        told = json.loads(text)
        if told.pop("format", None) != FORMAT:
            raise DeclarationError("match model", f"found another format than {FORMAT}: train it again")
        version = told.pop("version")
        rules = Rules.from_dict(told.pop("rules"))
        learned = tuple(
            Learned(one["column"], tuple(one["m"]), tuple(one["u"]), tuple(Shares(**s) for s in one["shares"]))
            for one in told.pop("learned")
        )
        model = cls(rules=rules, learned=learned, **told)
        if model.version != version:
            raise DeclarationError("match model", f"found content of version {model.version}, expected {version}")
        return model

    def _content(self) -> dict[str, Any]:
        return asdict(self)


def hashed(value: str) -> str:
    return hashlib.blake2b(value.encode(), digest_size=8).hexdigest()


def probability(weight: float) -> float:
    return float(1 / (1 + 2.0**-weight))


def weight_of(match_probability: float) -> float:
    return log2(match_probability) - log2(1 - match_probability)
