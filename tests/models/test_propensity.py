"""A logistic regression gives a probability to everybody, whatever is missing or new about them."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend
from small_shop import DAY, features_of, features_table, orders_of_the_shop, orders_table

from audience.models import propensity
from audience.models.frame import people
from audience.models.history import Examples, History, history
from audience.models.target import P_BUY_30D


def known(duck: Backend, *, days_of_future: int = 0) -> History:
    orders = orders_of_the_shop(until=DAY.as_of + timedelta(days=days_of_future))
    return history(duck, P_BUY_30D, as_of=DAY, features_at=features_of(orders), orders=orders_table(orders))


def test_who_buys_often_is_likelier_to_buy_than_who_stopped(duck: Backend) -> None:
    found = known(duck)
    p = pd.Series(propensity.probabilities(propensity.fit(found.past), found.hold_out.people), found.hold_out.did.index)
    assert p.filter(like="regular").min() > p.filter(like="gone").max()
    assert p.between(0, 1).all()


def test_the_future_does_not_move_a_coefficient(duck: Backend) -> None:
    without, within = propensity.fit(known(duck).past), propensity.fit(known(duck, days_of_future=200).past)
    assert np.array_equal(without["learn"].coef_, within["learn"].coef_)


def test_a_category_never_seen_before_gets_a_probability(duck: Backend) -> None:
    model = propensity.fit(known(duck).past)
    new = people(duck, features_table({"person_id": "ana", "country": "AQ", "favourite_category": "sledges"}))
    assert 0 < propensity.probabilities(model, new)[0] < 1


def test_a_person_with_no_order_gets_a_probability(duck: Backend) -> None:
    model = propensity.fit(known(duck).past)
    assert 0 < propensity.probabilities(model, people(duck, features_table({"person_id": "ana"})))[0] < 0.5


def test_a_column_that_nobody_has_a_value_in_is_learnt_from_and_read(duck: Backend) -> None:
    found = known(duck)
    assert found.past.people["age_years"].isna().all()
    model = propensity.fit(found.past)
    aged = people(duck, features_table({"person_id": "ana", "age_years": 40}))
    assert np.isfinite(propensity.probabilities(model, aged)).all()


def test_nobody_gets_no_probability(duck: Backend) -> None:
    model = propensity.fit(known(duck).past)
    assert propensity.probabilities(model, people(duck, features_table())).tolist() == []


class Says:
    """A model that gives these probabilities."""

    def __init__(self, *p: float) -> None:
        self.p = np.array(p)

    def predict_proba(self, _: pd.DataFrame) -> np.ndarray:
        return np.column_stack([1 - self.p, self.p])


def test_a_judgement_is_arithmetic() -> None:
    hold_out = Examples(pd.DataFrame(index=["a", "b", "c", "d"]), pd.Series([True, False, True, False], name="did"))
    hold_out = Examples(hold_out.people.assign(recency_days=1.0), hold_out.did)
    judged = propensity.judge(Says(0.9, 0.8, 0.7, 0.1), hold_out, called_from=0.75)
    assert judged.roc_auc == 3 / 4  # pairs (buyer, other) in the right order: a>b, a>d, c>d, not c>b
    assert judged.precision == 1 / 2  # of a and b, only a bought
    assert judged.recall == 1 / 2  # of a and c, only a was called
    assert judged.brier == pytest.approx((0.1**2 + 0.8**2 + 0.3**2 + 0.1**2) / 4)
    assert judged.base_rate == 1 / 2
