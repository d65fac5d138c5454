"""Learning what each level is worth, without labels.

u, the shares among different people, come from random pairs; m, the shares among one person's records, from
expectation-maximisation over the pairs that share a block. Pairs outside every block count as different people, so the
prior is a share of all pairs.
"""

from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
from ibis.backends.duckdb import Backend

from audience.core.errors import ModelError
from audience.identity.fuzzy.blocking import Ids
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.declaration import Rules
from audience.identity.fuzzy.encoding import UNKNOWN, Coded
from audience.identity.fuzzy.forms import columns_of
from audience.identity.fuzzy.levels import Question
from audience.identity.fuzzy.model import Learned, Shares, TrainedModel, hashed

Weights = npt.NDArray[np.float64]

RANDOM_PAIRS = 250_000
TRAINING_PAIRS = 1_000_000
"""More of either changes the weights by less than a tenth of a bit."""

ROUNDS = 200
SETTLED = 1e-6

COMMON_AT_LEAST = 10
MOST_COMMON = 2_000
"""A value is common from so many records on, and so many of the most common ones are kept."""

LEAST_SHARE = 1e-6

MOST_DIFFERENT_NAMES = 0.5


@dataclass(frozen=True)
class Patterns:
    """Pairs by what all comparisons say of them: one row per pattern, and how many pairs have it."""

    levels: npt.NDArray[np.int8]
    pairs: Weights


def train(session: Backend, records: ir.Table, rules: Rules, *, seed: int = 1) -> TrainedModel:
    """Learns the weights of the comparisons that the records have columns for.

    Takes  `record_key` and columns of `declaration.COLUMNS`.

    Raises:
        ModelError: no two records share a block, so there is nothing to learn from; or what was learned is no person.
    """
    return learn(Candidates.of(session, records, rules.of_columns(columns_of(records))), seed=seed)


def learn(candidates: Candidates, *, seed: int = 1) -> TrainedModel:
    """The same of records that are ready."""
    asked = candidates.questions
    count = candidates.records
    one_in = max(1, candidates.blocks.pairs // TRAINING_PAIRS)
    parts = [_levels(asked, left, right) for left, right in candidates.pairs(one_in)]
    if not parts:
        raise ModelError(f"match model: none of {count} records share a block, expected pairs to learn from")
    patterns = _patterns(np.concatenate(parts), scale=one_in)
    chance = _by_chance(asked, count, seed)
    prior, m, u = _learn(patterns, chance, count * (count - 1) / 2, [len(q.comparison.levels) for q in asked])
    _check_names(asked, m)
    learned = tuple(_learned(q, m[i], u[i]) for i, q in enumerate(asked))
    return TrainedModel(candidates.rules, prior, learned, count, int(patterns.pairs.sum() / one_in), seed)


def _check_names(asked: tuple[Question, ...], m: list[Weights]) -> None:
    """Columns that follow from each other make groups that are no people: neighbours, colleagues."""
    different = [m[i][0] for i, q in enumerate(asked) if q.comparison.how in ("first_name", "last_name")]
    if different and min(different) > MOST_DIFFERENT_NAMES:
        raise ModelError(
            f"match model: found groups in which {min(different):.0%} of the pairs have different names, expected people: "
            "two columns follow from each other (a town and its code under another name?); leave one of them out"
        )


def _levels(
    asked: tuple[Question, ...], left: npt.NDArray[np.int32], right: npt.NDArray[np.int32]
) -> npt.NDArray[np.int8]:
    return np.stack([q.levels(left, right) for q in asked], axis=1)


def _patterns(levels: npt.NDArray[np.int8], scale: int) -> Patterns:
    # Base 8: no comparison has more than seven levels and "unknown".
    shifts = 8 ** np.arange(levels.shape[1], dtype=np.int64)
    numbers, counts = np.unique((levels + 1).astype(np.int64) @ shifts, return_counts=True)
    return Patterns(((numbers[:, None] // shifts) % 8 - 1).astype(np.int8), counts.astype(float) * scale)


def _by_chance(asked: tuple[Question, ...], count: int, seed: int) -> list[Weights]:
    """By comparison, the share of each level among random pairs; of "same" counted over all pairs."""
    left, right = _random_pairs(count, seed)
    found = []
    for question in asked:
        levels = question.levels(left, right)
        shares = np.bincount(levels[levels != UNKNOWN], minlength=len(question.comparison.levels)).astype(float)
        shares = shares / max(shares.sum(), 1)
        sizes = _sizes(question.values[len(question.comparison.levels) - 1])
        shares[-1] = (sizes * (sizes - 1)).sum() / max(sizes.sum() * (sizes.sum() - 1), 1)
        # Of a column that no record tells, nothing is learned: both shares are the same guess, which is worth 0 bits.
        found.append(shares / shares.sum() if shares.any() else _first_guess(len(shares)))
    return found


def _random_pairs(count: int, seed: int) -> tuple[Ids, Ids]:
    """Pairs of different records; each pair once where there are no more than are wanted."""
    if count * (count - 1) // 2 <= RANDOM_PAIRS:
        each, later = np.triu_indices(count, k=1)
        return each.astype(np.int32), later.astype(np.int32)
    random = np.random.default_rng(seed)
    left: Ids = random.integers(0, count, RANDOM_PAIRS, dtype=np.int32)
    right: Ids = random.integers(0, count - 1, RANDOM_PAIRS, dtype=np.int32)
    right[right >= left] += 1
    return left, right


def _learn(
    candidates: Patterns, chance: list[Weights], all_pairs: float, sizes: list[int]
) -> tuple[float, list[Weights], list[Weights]]:
    """Expectation-maximisation. What chance pairs hold of real matches is taken out of u in every round."""
    m = [_first_guess(n) for n in sizes]
    u = chance
    prior = min(0.1, 0.1 * candidates.pairs.sum() / all_pairs)
    for _ in range(ROUNDS):
        u = [_without(share, prior, m[i]) for i, share in enumerate(chance)]
        is_match = _probabilities(candidates.levels, prior, m, u) * candidates.pairs
        before, prior = prior, float(np.clip(is_match.sum() / all_pairs, 1e-12, 0.5))
        m = [_shares(candidates.levels[:, i], is_match, n, m[i]) for i, n in enumerate(sizes)]
        if abs(prior - before) < SETTLED * before:
            break
    return prior, m, u


def _probabilities(levels: npt.NDArray[np.int8], prior: float, m: list[Weights], u: list[Weights]) -> Weights:
    bits = np.full(len(levels), np.log2(prior / (1 - prior)))
    for i in range(levels.shape[1]):
        bits += np.append(np.log2(m[i] / u[i]), 0.0)[levels[:, i]]
    probabilities: Weights = 1 / (1 + np.exp2(-np.clip(bits, -500, 500)))
    return probabilities


def _shares(levels: npt.NDArray[np.int8], weights: Weights, size: int, before: Weights) -> Weights:
    known = levels != UNKNOWN
    counts = np.bincount(levels[known], weights=weights[known], minlength=size)
    # Half a pair, shared as before, so that a level nobody has does not become impossible.
    return _to_one(np.maximum((counts + 0.5 * before) / (counts.sum() + 0.5), LEAST_SHARE))


def _without(share: Weights, prior: float, m: Weights) -> Weights:
    return _to_one(np.maximum((share - prior * m) / (1 - prior), np.maximum(share * 0.01, LEAST_SHARE)))


def _to_one(shares: Weights) -> Weights:
    found: Weights = shares / shares.sum()
    return found


def _first_guess(size: int) -> Weights:
    guess = np.full(size, 0.2 / (size - 1))
    guess[-1] = 0.8
    return guess


def _sizes(values: Coded) -> npt.NDArray[np.int64]:
    codes = values.codes
    return np.bincount(codes[codes >= 0], minlength=max(len(values.texts), 1)).astype(np.int64)


def _learned(question: Question, m: Weights, u: Weights) -> Learned:
    values = question.values if question.comparison.common_values else {}
    last = len(u) - 1
    shares = tuple(_common(level, values[level], float(u[last])) for level in sorted(values))
    return Learned(question.comparison.column, tuple(map(float, m)), tuple(map(float, u)), shares)


def _common(level: int, values: Coded, by_chance: float) -> Shares:
    """Shares of the common values, and the mean share of the others, as different people who agree on one of them see it.

    Args:
        by_chance: the share of pairs of different people that agree on a value.
    """
    sizes = _sizes(values)
    total = max(int(sizes.sum()), 1)
    most = np.argsort(-sizes, kind="stable")[:MOST_COMMON]
    most = most[sizes[most] >= COMMON_AT_LEAST]
    common = {hashed(values.texts[int(i)].as_py()): float(sizes[i] / total) for i in most}
    told = np.array(list(common.values()))
    # What agrees by chance and not on a common value, among who has none of these.
    rare = (by_chance - (told**2).sum()) / max(1 - told.sum(), 1 / total)
    return Shares(level, common, float(max(rare, by_chance / 10, LEAST_SHARE)))
