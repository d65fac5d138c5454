"""The probability to buy: a logistic regression that a person can read, judged on a later time."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from audience.models.history import Examples

SKEWED = (
    "known_days", "recency_days", "first_order_days", "orders_7d", "orders_30d", "orders_90d", "orders_365d",
    "spend_30d_eur", "spend_90d_eur", "spend_365d_eur", "basket_365d_eur", "coupon_orders_365d", "categories_90d",
    "sent_90d", "opens_90d", "clicks_90d", "last_open_days", "last_click_days",
)  # fmt: skip
"""Days, counts and amounts: a few people have very much. Read on the scale of arcsinh, which is the logarithm for
large values and, unlike it, is defined at zero and for the negative spend that refunds leave."""

EVEN = ("age_years", "nps", "discount_share_90d")
"""Numbers that are read as they are."""

CATEGORIES = ("gender", "country", "region", "income_band", "kids", "favourite_category")
"""Texts: one column per value that `FEWEST_OF_A_VALUE` examples have; rarer and never seen values share one."""

FEWEST_OF_A_VALUE = 20

DECIMALS = 6
"""Of a probability: another processor, or another number of threads, adds in another order. Equal people have to be
equally likely, for a content hash as for a ranking: two models that know nothing tie."""

INPUTS = (*SKEWED, *EVEN, *CATEGORIES)
"""Columns of FEATURES that the model reads. `recency_hours` and the quintile scores repeat what is here."""


@dataclass(frozen=True)
class Judgement:
    """How a model did on people whose future it had not seen.

    Args:
        roc_auc: chance that a buyer gets a higher probability than a non-buyer, 0..1; 0.5 is guessing.
        precision, recall: of calling everybody a buyer who has at least `called_from`: a threshold of one half would
            call nobody where buying is rare, so it is the rate of buyers among the examples learnt from.
        brier: mean squared distance between probability and outcome, 0..1, lower is better.
        base_rate: share of buyers.
    """

    roc_auc: float
    precision: float
    recall: float
    brier: float
    base_rate: float
    called_from: float


def fit(past: Examples) -> Pipeline:
    """A pipeline from the columns `INPUTS` to a probability. The same examples give the same coefficients.

    Missing numbers become the median and are flagged (not having bought is not like an average recency).
    """
    as_arcsinh = FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")
    as_columns = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=FEWEST_OF_A_VALUE)
    read = ColumnTransformer(
        [
            ("skewed", make_pipeline(as_arcsinh, *_numbers()), list(SKEWED)),
            ("even", make_pipeline(*_numbers()), list(EVEN)),
            ("category", as_columns, list(CATEGORIES)),
        ]
    )
    return Pipeline([("read", read), ("learn", LogisticRegression(max_iter=2000))]).fit(past.people, past.did)


def _numbers() -> tuple[Any, ...]:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()


def probabilities(model: Any, people: pd.DataFrame) -> np.ndarray:
    """The probability of each person, 0..1 to `DECIMALS`, in the order of the frame; nobody gives an empty array."""
    if people.empty:
        return np.empty(0)
    return np.round(np.asarray(model.predict_proba(people)[:, 1], dtype="float64"), DECIMALS)


def roc_auc(model: Any, examples: Examples) -> float:
    return float(roc_auc_score(examples.did, probabilities(model, examples.people)))


def judge(model: Any, hold_out: Examples, *, called_from: float) -> Judgement:
    """Judges on examples that are later than everything the model learnt from."""
    p = probabilities(model, hold_out.people)
    called = p >= called_from
    return Judgement(
        roc_auc=float(roc_auc_score(hold_out.did, p)),
        precision=float(precision_score(hold_out.did, called, zero_division=0)),
        recall=float(recall_score(hold_out.did, called)),
        brier=float(brier_score_loss(hold_out.did, p)),
        base_rate=hold_out.rate,
        called_from=called_from,
    )
