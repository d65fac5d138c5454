"""Fits imputers on the known values of a day. The same values give the same imputers."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (scikit-learn asks for it)
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from audience.core.tables import FEATURES
from audience.features.imputing.declaration import SCALES, Impute

FEWEST = 30
"""Known values without which nothing is learned, of all people as of a group: a mean of fewer is chance."""

MOST = {"mean": 50_000, "median": 50_000, "most_frequent": 50_000, "knn": 2_000, "iterative": 5_000}
"""Known values that are learned from at most. `knn` keeps them and looks at each for every guess."""

NEIGHBOURS = 15
ROUNDS = 3
"""Of `iterative`; what more of them change is less than a step."""

DECIMALS = 2
"""Of a guess of a column with decimals: another processor adds in another order, and the guess has to be the same."""

MEMORY_MB = 64
"""That scikit-learn may take for the distances of `knn` at once."""


@dataclass(frozen=True)
class Imputer:
    """What was learned for one column.

    Args:
        values: of a text, what its codes 0, 1, 2... stand for.
        low, high: the lowest and the highest known value; guesses stay between.
        everybody: from a matrix of the column and those beside it to the same without gaps.
        of_group: the same, by value of the column that it is declared `by`.
    """

    rule: Impute
    values: tuple[str, ...]
    low: float
    high: float
    everybody: Pipeline
    of_group: Mapping[str, Pipeline]


def fit(session: Backend, rows: ir.Table, rule: Impute) -> Imputer | None:
    """Learns from the rows of FEATURES of which the column is known; None when they are too few.

    Of more than MOST, those are taken whose pseudonym sorts first: pseudonyms are keyed hashes, so that is a random
    sample, and the same people the next time.
    """
    return fit_frame(known(session, rows, (rule,), most=MOST[rule.strategy]), rule)


def known(session: Backend, rows: ir.Table, rules: Sequence[Impute], *, most: int) -> pd.DataFrame:
    """The people of whom the column of the first rule is known, with what any of the rules reads."""
    wanted = rows.filter(rows[rules[0].column].notnull()).order_by("person_id").limit(most)
    found: pd.DataFrame = session.to_pyarrow(wanted.select("person_id", *needed(wanted, rules))).to_pandas()
    return found


def needed(rows: ir.Table, rules: Sequence[Impute]) -> list[ir.Value]:
    """The columns that rules read, numbers and booleans as floats."""
    names = dict.fromkeys(n for r in rules for n in (r.column, *r.beside, *([r.by] if r.by else [])))
    return [rows[n] if FEATURES.column(n).type == "text" else rows[n].cast("float64").name(n) for n in names]


def fit_frame(people: pd.DataFrame, rule: Impute) -> Imputer | None:
    """As `fit`, from a frame with the columns of `needed`."""
    if len(people) < FEWEST:
        return None
    values = _values(people[rule.column], rule)
    matrix = _matrix(people, rule, values)
    told = ~np.isnan(matrix[:, 0])
    if told.sum() < FEWEST:
        return None
    people, matrix = people[told], matrix[told]
    groups = people.groupby(rule.by, sort=True).indices if rule.by else {}
    return Imputer(
        rule, values, float(matrix[:, 0].min()), float(matrix[:, 0].max()),
        _fitted(rule, matrix),
        {str(g): _fitted(rule, matrix[at]) for g, at in groups.items() if len(at) >= FEWEST},
    )  # fmt: skip


def guesses(imputer: Imputer, people: pd.DataFrame) -> np.ndarray:
    """A guess for each of these people, whether or not their value is known: numbers, or codes of `values`."""
    if people.empty:
        return np.empty(0)
    rule = imputer.rule
    matrix = _matrix(people, rule, imputer.values)
    matrix[:, 0] = np.nan
    guessed = np.empty(len(matrix))
    theirs = np.zeros(len(matrix), dtype=bool)
    with config_context(working_memory=MEMORY_MB):
        for group, pipeline in imputer.of_group.items():
            of_it = (people[rule.by] == group).to_numpy()
            if of_it.any():
                guessed[of_it] = _filled(pipeline, matrix[of_it])
                theirs |= of_it
        if not theirs.all():
            guessed[~theirs] = _filled(imputer.everybody, matrix[~theirs])
    is_whole = bool(imputer.values) or FEATURES.column(rule.column).type == "integer"
    return np.round(np.clip(guessed, imputer.low, imputer.high), 0 if is_whole else DECIMALS)


def codes(values: pd.Series, known_values: tuple[str, ...]) -> np.ndarray:
    """Texts as floats: 0, 1, 2... in the order of the known values; NaN for others and where there is none."""
    found = pd.Categorical(values, categories=list(known_values)).codes.astype("float64")
    found[found < 0] = np.nan
    return found


def _filled(pipeline: Pipeline, matrix: np.ndarray) -> np.ndarray:
    scaler = pipeline.steps[0][1]
    filled: np.ndarray = pipeline.transform(matrix)[:, 0] * scaler.scale_[0] + scaler.mean_[0]
    return filled


def _fitted(rule: Impute, matrix: np.ndarray) -> Pipeline:
    # A column of which nothing is known has a mean of 0 / 0, is scaled to nothing, and says nothing.
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # ROUNDS are enough, see there
        return _pipeline(rule).fit(matrix)


def _pipeline(rule: Impute) -> Pipeline:
    """Distances compare columns, so all are brought to the same spread. Fixed seed; columns nobody fills stay."""
    imputer: Any
    match rule.strategy:
        case "knn":
            imputer = KNNImputer(n_neighbors=NEIGHBOURS, keep_empty_features=True)
        case "iterative":
            imputer = IterativeImputer(Ridge(), max_iter=ROUNDS, random_state=0, keep_empty_features=True)
        case _:
            imputer = SimpleImputer(strategy=rule.strategy, keep_empty_features=True)
    return make_pipeline(StandardScaler(), imputer)


def _values(column: pd.Series, rule: Impute) -> tuple[str, ...]:
    if FEATURES.column(rule.column).type != "text":
        return ()
    return SCALES.get(rule.column) or tuple(sorted(column.dropna().unique()))


def _matrix(people: pd.DataFrame, rule: Impute, values: tuple[str, ...]) -> np.ndarray:
    """The column and those beside it. Of the latter, amounts and counts on the scale of arcsinh: a few people have
    very much."""
    own = codes(people[rule.column], values) if values else people[rule.column].to_numpy("float64")
    others = [
        codes(people[c], SCALES[c]) if c in SCALES else np.arcsinh(people[c].to_numpy("float64")) for c in rule.beside
    ]
    return np.column_stack([own, *others])
