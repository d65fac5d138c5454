"""Pairs that names and addresses refuse alone: the rest of their records need not be prepared.

What the rest could say at most is known without preparing it, from the model and from the kept numbers of the values:
where those differ, the values do.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from audience.identity.fuzzy.blocking import Ids, Numbers
from audience.identity.fuzzy.declaration import Comparison, Rules
from audience.identity.fuzzy.levels import Question
from audience.identity.fuzzy.model import Learned, TrainedModel
from audience.identity.fuzzy.scoring import Judge, least_weight, narrowed

Bits = npt.NDArray[np.float64]

ASKED_FIRST = ("last_name", "first_name", "address")
"""Of 65,000 pairs that one day's changes met among 300,000 invented contacts, these left 7 %; any two of them 12 % or more."""

ROUNDING = 0.01
"""Bits: weights are added up in other orders and in single precision."""


def asked_first(rules: Rules) -> Rules:
    """The rules with those comparisons only."""
    return replace(rules, comparisons=tuple(c for c in rules.comparisons if c.column in ASKED_FIRST))


def still_open(
    model: TrainedModel,
    first: tuple[Question, ...],
    numbers: Mapping[str, Numbers],
    pair: tuple[Ids, Ids],
    placed: tuple[Ids, Ids],
) -> tuple[Ids, Ids]:
    """The pairs that could still be worth a look.

    Args:
        first: the questions of `asked_first`.
        numbers: by id, as `blocking.blocks_of` takes them.
        pair: ids of the records; `placed`: of their values in the questions.
    """
    learned = {one.column: one for one in model.learned}
    judges = [Judge(question, learned[question.comparison.column]) for question in first]
    asked = {question.comparison.column for question in first}
    rest = [most_of(c, learned[c.column], numbers, pair) for c in model.rules.comparisons if c.column not in asked]
    least = least_weight(model) - ROUNDING
    places, bits, _ = narrowed(judges, *placed, beside=model.prior_weight + np.sum(rest, axis=0), least=least)
    places = places[bits >= least]
    return pair[0][places], pair[1][places]


def most_of(comparison: Comparison, learned: Learned, numbers: Mapping[str, Numbers], pair: tuple[Ids, Ids]) -> Bits:
    """The bits that pairs could get of a comparison at most. Values that differ are not on the last level, "same"."""
    by_level = np.maximum(learned.weights, 0.0)
    for shares in learned.shares:
        by_level[shares.level] = np.log2(learned.m[shares.level] / min([shares.rare, *shares.common.values()]))
    most: Bits = np.full(len(pair[0]), max(0.0, by_level.max()))
    for column in comparison.columns:
        if column in numbers:
            left, right = (numbers[column][side] for side in pair)
            most[(left != right) & (left != 0) & (right != 0)] = max(0.0, by_level[:-1].max())
            if comparison.columns == (column,):
                most[(left == 0) | (right == 0)] = 0.0
    return most
