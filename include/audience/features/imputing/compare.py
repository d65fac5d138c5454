"""The error of each strategy on known values that were masked: what to declare."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend

from audience.core.tables import FEATURES
from audience.features.imputing.declaration import (
    BEHAVIOUR,
    DECLARED,
    READS_OTHERS,
    SCALES,
    STRATEGIES,
    Impute,
    is_ordered,
)
from audience.features.imputing.learning import codes, fit_frame, guesses, known

FOLDS = 5
"""Each known value is masked once, with a fifth of the others, and guessed from the four fifths that are left."""

MOST = 5_000
"""Known values that are masked at most."""


@dataclass(frozen=True)
class Measured:
    """How far the guesses of one strategy were from what was masked.

    Args:
        error: mean absolute error, in `unit`; of texts without a scale the share of wrong guesses.
        spread: standard error of `error`: two strategies that differ by less are alike.
        masked: values that were masked and guessed.
        is_declared: this is how the column is imputed.
        is_proposed: the simplest of those whose error is not more than its spread above the lowest.
    """

    rule: Impute
    error: float
    spread: float
    unit: str
    masked: int
    is_declared: bool = False
    is_proposed: bool = False


def compare(session: Backend, rows: ir.Table, rules: Sequence[Impute] = DECLARED, *, by: Sequence[str] = (),
            seed: int = 0) -> list[Measured]:  # fmt: skip
    """Each column of the rules with every strategy that it can have, the lowest error first.

    It is known of the masked values only, and whoever tells an age may not be like whoever does not.

    Args:
        rows: FEATURES of a day.
        by: columns whose groups are tried, beside those of the rules.

    Raises:
        DeclarationError: a column of `by` is not a text of FEATURES.
    """
    found = []
    for rule in rules:
        tried = list(_candidates(rule, by))
        people = known(session, rows, [rule, *tried], most=MOST)
        part = np.random.default_rng(seed).permutation(len(people)) % FOLDS
        measured = [one for candidate in tried if (one := _measured(people, candidate, part))]
        ranked = sorted(measured, key=lambda one: (round(one.error, 6), tried.index(one.rule)))
        alike = [one.rule for one in ranked if one.error <= ranked[0].error + ranked[0].spread]
        proposed = min(alike, key=tried.index, default=None)
        found += [replace(one, is_declared=one.rule == rule, is_proposed=one.rule == proposed) for one in ranked]
    return found


def _candidates(rule: Impute, by: Sequence[str]) -> Iterator[Impute]:
    """The simplest first, and what is declared."""
    beside = rule.beside or tuple(c for c in (*SCALES, "age_years", *BEHAVIOUR) if c != rule.column)
    groups = dict.fromkeys((None, rule.by, *by))
    for group in groups:
        for strategy in STRATEGIES:
            if is_ordered(FEATURES.column(rule.column)) or strategy == "most_frequent":
                yield Impute(rule.column, strategy, group, beside if strategy in READS_OTHERS else ())


def _measured(people: pd.DataFrame, rule: Impute, part: np.ndarray) -> Measured | None:
    """None when too little is known to learn from."""
    errors = []
    for fold in range(FOLDS):
        imputer = fit_frame(people[part != fold], rule)
        if imputer is None:
            return None
        masked = people[part == fold]
        guess = guesses(imputer, masked.assign(**{rule.column: None}))
        true = codes(masked[rule.column], imputer.values) if imputer.values else masked[rule.column].to_numpy("float64")
        off = np.abs(guess - true) if is_ordered(FEATURES.column(rule.column)) else (guess != true).astype("float64")
        errors.append(off[~np.isnan(true)] if is_ordered(FEATURES.column(rule.column)) else off)
    all_of_them = np.concatenate(errors)
    spread = float(all_of_them.std() / np.sqrt(len(all_of_them)))
    return Measured(rule, float(all_of_them.mean()), spread, _unit(rule.column), len(all_of_them))


def _unit(column: str) -> str:
    if FEATURES.column(column).type == "text":
        return "steps of its scale" if column in SCALES else "share wrong"
    return next((unit for unit in ("years", "eur", "percent") if column.endswith(f"_{unit}")), "points")
