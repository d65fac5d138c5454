"""Groups of customers that behave alike, and names that keep their meaning when models are trained again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import silhouette_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from audience.core.errors import ModelError

BEHAVIOUR = ("recency_days", "orders_365d", "basket_365d_eur", "categories_90d")
"""How long ago, how often, how much at once, how broadly: read on the scale of arcsinh, then standardised."""

TRAITS = {"recency_days": "lapsed", "orders_365d": "frequent", "basket_365d_eur": "big_basket"}
"""The name that a cluster takes from the behaviour that stands out most in its centroid."""

NOTHING_STANDS_OUT = "occasional"

STANDS_OUT_FROM = 0.6
"""Standard deviations above the average customer. On a grocer's and a gift shop's real orders, clusters that had just
bought less than others lay below it (0.2 to 0.5), those that had stopped buying or came often above (0.7 to 1.6)."""

SIZES = range(3, 7)
SAMPLE = 20_000
"""Customers that K-means sees, with ten starts: faster and better than one start on everybody (measured)."""

SILHOUETTE_SAMPLE = 3_000
"""A silhouette compares all pairs: on everybody it would take hours."""

FEWEST_CUSTOMERS = 30
SEED = 20_261


@dataclass(frozen=True)
class Clustering:
    """A fitted clustering.

    Args:
        model: pipeline from the columns `BEHAVIOUR` to a label 0..k-1.
        names: the name of each label.
        silhouette: how much closer people are to their own cluster than to the next one, -1..1.
        sample: customers the silhouette was taken on.
    """

    model: Pipeline
    names: tuple[str, ...]
    silhouette: float
    sample: pd.DataFrame


def customers_of(people: pd.DataFrame) -> pd.DataFrame:
    """People with at least one paid order; the others have no behaviour to cluster."""
    return people[people["is_customer"] == 1.0]


def fit(people: pd.DataFrame) -> Clustering:
    """The K-means with the best silhouette among k = 3..6, the smallest k when several are best.

    The seed is fixed, and one thread adds up: the same customers give the same clusters on any number of processors.

    Raises:
        ModelError: fewer than `FEWEST_CUSTOMERS` customers, or not more kinds of behaviour than the smallest k.
    """
    customers = customers_of(people)
    if len(customers) < FEWEST_CUSTOMERS:
        raise ModelError(f"cluster: found {len(customers)} customers, expected at least {FEWEST_CUSTOMERS}")
    learnt_from = _sample(customers, SAMPLE)
    read = _reader().fit(learnt_from)
    space = read.transform(learnt_from)
    kinds = len(np.unique(space, axis=0))
    if kinds <= SIZES.start:
        raise ModelError(
            f"cluster: found {kinds} kinds of behaviour among the customers, expected more than {SIZES.start}"
        )
    judged_on = _sample(learnt_from, SILHOUETTE_SAMPLE)
    candidates = []
    for k in (k for k in SIZES if k < kinds):
        with threadpool_limits(limits=1):
            means = KMeans(n_clusters=k, n_init=10, random_state=SEED).fit(space)
        model = Pipeline([("read", read), ("means", means)])
        candidates.append((silhouette(model, model, judged_on), -k, model))
    best, _, model = max(candidates, key=lambda c: c[:2])
    profiles = [dict(zip(BEHAVIOUR, c, strict=True)) for c in model["means"].cluster_centers_]
    return Clustering(model, names(profiles), best, judged_on)


def silhouette(model: Any, in_the_space_of: Any, customers: pd.DataFrame) -> float:
    """Mean silhouette of the model's labels, -1..1, with distances in another model's space so that two models can be
    compared; -1 when all customers get the same label or each their own."""
    labels = model.predict(customers)
    if not 1 < len(np.unique(labels)) < len(customers):
        return -1.0
    return float(silhouette_score(in_the_space_of["read"].transform(customers), labels))


def assign(model: Any, named: Sequence[str], people: pd.DataFrame) -> list[str | None]:
    """The name of each person's cluster, in the order of the frame; None for people without a paid order."""
    is_customer = (people["is_customer"] == 1.0).to_numpy()
    found = np.full(len(people), None, dtype=object)
    if is_customer.any():
        found[is_customer] = np.asarray(named, dtype=object)[model.predict(people[is_customer])]
    return found.tolist()


def names(profiles: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """One name per centroid, from what the centroid is like and never from its number.

    A profile tells, in standard deviations from the average customer, how long ago (`recency_days`), how often
    (`orders_365d`) and how much at once (`basket_365d_eur`) the cluster buys. The trait that stands out most names it:
    `lapsed`, `frequent`, `big_basket`; none above `STANDS_OUT_FROM` is `occasional`. Where two clusters share a name,
    the one where the trait is strongest has it and the next ones are `frequent_2`, `frequent_3`.
    """
    strongest = [max(TRAITS, key=lambda t, p=profile: p[t]) for profile in profiles]  # type: ignore[misc]
    plain = [
        TRAITS[trait] if profile[trait] > STANDS_OUT_FROM else NOTHING_STANDS_OUT
        for trait, profile in zip(strongest, profiles, strict=True)
    ]

    def strength(label: int) -> tuple[float, ...]:
        profile = profiles[label]
        return (-profile[strongest[label]], *(profile[t] for t in TRAITS))

    given = [""] * len(profiles)
    for name in set(plain):
        sharing = sorted((i for i, n in enumerate(plain) if n == name), key=strength)
        for rank, label in enumerate(sharing, start=1):
            given[label] = name if rank == 1 else f"{name}_{rank}"
    return tuple(given)


def _reader() -> ColumnTransformer:
    steps = make_pipeline(
        FunctionTransformer(np.arcsinh, feature_names_out="one-to-one"),
        SimpleImputer(strategy="median", keep_empty_features=True),  # nothing bought within a year: an average basket
        StandardScaler(),
    )
    return ColumnTransformer([("behaviour", steps, list(BEHAVIOUR))])


def _sample(customers: pd.DataFrame, size: int) -> pd.DataFrame:
    """At most `size` customers, in their order; the seed is fixed."""
    if len(customers) <= size:
        return customers
    return customers.iloc[np.sort(np.random.default_rng(SEED).choice(len(customers), size, replace=False))]
