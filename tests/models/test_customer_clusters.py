"""Clusters are named by what their people do, so a name means the same next week."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend
from small_shop import DAY, features_of, features_table, orders_of_the_shop

from audience.core.engine import engine
from audience.core.errors import ModelError
from audience.models import clusters
from audience.models.frame import people

OFTEN = {"recency_days": -0.9, "orders_365d": 1.2, "basket_365d_eur": 0.1}
MUCH = {"recency_days": 0.0, "orders_365d": -0.2, "basket_365d_eur": 1.8}
LONG_AGO = {"recency_days": 1.5, "orders_365d": -0.9, "basket_365d_eur": 0.0}
LONGER_AGO = {"recency_days": 2.5, "orders_365d": -1.1, "basket_365d_eur": 0.0}
NOTHING_MUCH = {"recency_days": 0.3, "orders_365d": -0.1, "basket_365d_eur": -0.6}


@pytest.fixture(scope="module")
def everybody() -> pd.DataFrame:
    with engine() as session:
        return people(session, features_of(orders_of_the_shop())(DAY))


@pytest.fixture(scope="module")
def fitted(everybody: pd.DataFrame) -> clusters.Clustering:
    return clusters.fit(everybody)


def test_a_cluster_is_named_by_what_stands_out() -> None:
    assert clusters.names([OFTEN, MUCH, LONG_AGO, NOTHING_MUCH]) == ("frequent", "big_basket", "lapsed", "occasional")


def test_names_follow_the_profiles_when_the_labels_are_permuted() -> None:
    meaning = {
        id(OFTEN): "frequent",
        id(LONG_AGO): "lapsed_2",
        id(LONGER_AGO): "lapsed",
        id(NOTHING_MUCH): "occasional",
    }
    for order in permutations([OFTEN, LONG_AGO, LONGER_AGO, NOTHING_MUCH]):
        assert clusters.names(order) == tuple(meaning[id(p)] for p in order)


def test_two_clusters_never_share_a_name() -> None:
    assert len(set(clusters.names([OFTEN, OFTEN, OFTEN]))) == 3


def test_people_who_behave_alike_share_a_name_that_fits(everybody: pd.DataFrame, fitted: clusters.Clustering) -> None:
    named = dict(zip(everybody.index, clusters.assign(fitted.model, fitted.names, everybody), strict=True))
    kinds = {p[:-3]: {str(named[q]).removesuffix("_2") for q in named if q[:-3] == p[:-3]} for p in named}
    assert kinds == {"regular": {"frequent"}, "grand": {"big_basket"}, "gone": {"lapsed"}, "seldom": {"occasional"},
                     "nobody": {"None"}}  # fmt: skip


def test_a_person_with_no_order_is_in_no_cluster(duck: Backend, fitted: clusters.Clustering) -> None:
    assert clusters.assign(fitted.model, fitted.names, people(duck, features_table({"person_id": "ana"}))) == [None]
    assert clusters.assign(fitted.model, fitted.names, people(duck, features_table())) == []


def test_the_same_customers_give_the_same_clusters(everybody: pd.DataFrame, fitted: clusters.Clustering) -> None:
    one, two = fitted, clusters.fit(everybody.copy())
    assert np.array_equal(one.model["means"].cluster_centers_, two.model["means"].cluster_centers_)
    assert (one.names, one.silhouette) == (two.names, two.silhouette)


def test_a_customer_without_an_order_within_the_year_has_a_cluster(duck: Backend, fitted: clusters.Clustering) -> None:
    old = people(duck, features_table({"person_id": "ana", "recency_days": 800}))
    assert clusters.assign(fitted.model, fitted.names, old)[0] in fitted.names


def test_a_negative_basket_left_by_a_refund_can_be_read(duck: Backend, fitted: clusters.Clustering) -> None:
    odd = people(duck, features_table({"person_id": "ana", "recency_days": 8, "basket_365d_eur": -12.0}))
    assert clusters.assign(fitted.model, fitted.names, odd)[0] in fitted.names


def test_too_few_customers_are_not_clustered(duck: Backend) -> None:
    few = features_table(*({"person_id": f"p{i:02}", "recency_days": i} for i in range(29)))
    with pytest.raises(ModelError, match="cluster: found 29 customers, expected at least 30"):
        clusters.fit(people(duck, few))


def test_customers_who_are_all_alike_are_not_clustered(duck: Backend) -> None:
    alike = features_table(*({"person_id": f"p{i:02}", "recency_days": 5} for i in range(60)))
    with pytest.raises(
        ModelError, match="cluster: found 1 kinds of behaviour among the customers, expected more than 3"
    ):
        clusters.fit(people(duck, alike))


def test_a_behaviour_that_nobody_has_a_value_in_does_not_stop_it(duck: Backend) -> None:
    rows = ({"person_id": f"p{i:02}", "recency_days": i, "orders_365d": i % 7} for i in range(60))
    assert len(clusters.fit(people(duck, features_table(*rows))).names) >= 3
