"""Training promotes only what proves better, and whatever fails, the model that was there stays."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend
from small_shop import DAY, blind, features_of, orders_of_the_shop, orders_table, registry_in

from audience.core.errors import ModelError
from audience.core.partition import Partition
from audience.models.registry import Registry
from audience.models.report import Outcome
from audience.models.target import MODELS, P_BUY_30D
from audience.models.training import train, train_clusters, train_target

FUTURE = DAY.as_of + timedelta(days=60)
ORDERS = orders_of_the_shop(until=FUTURE)
SEEING = features_of(ORDERS)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return registry_in(tmp_path)


def propensity_as_of(
    day: Partition, duck: Backend, registry: Registry, *, features_at: Callable[[Partition], ibis.Table] = SEEING
) -> Outcome:
    return train_target(duck, registry, P_BUY_30D, as_of=day, features_at=features_at, orders=orders_table(ORDERS))


def test_the_first_training_makes_and_promotes_every_model(registry: Registry, duck: Backend) -> None:
    report = train(duck, registry, as_of=DAY, features_at=SEEING, orders=orders_table(ORDERS))
    assert [o.version for o in report.outcomes] == [f"{m}/1" for m in MODELS]
    assert all(o.promoted for o in report.outcomes)
    assert report.of("p_buy_30d").metrics["roc_auc"] > 0.8
    assert json.loads(json.dumps(report.as_dict()))["as_of"] == "2026-11-20"


def test_a_version_says_what_it_was_trained_on(registry: Registry, duck: Backend) -> None:
    propensity_as_of(DAY, duck, registry)
    (version,) = registry.versions("p_buy_30d")
    assert version.trained_as_of == DAY
    assert "recency_days" in json.loads(version.tags["features"])
    assert {"training_hash", "code_version", "reason"} <= version.tags.keys()


def test_training_again_on_the_same_data_makes_no_second_version(registry: Registry, duck: Backend) -> None:
    first = train(duck, registry, as_of=DAY, features_at=SEEING, orders=orders_table(ORDERS))
    second = train(duck, registry, as_of=DAY, features_at=SEEING, orders=orders_table(ORDERS))
    assert [o.version for o in second.outcomes] == [o.version for o in first.outcomes]
    assert [o.metrics for o in second.outcomes] == [o.metrics for o in first.outcomes]
    assert all(o.is_rerun for o in second.outcomes)
    assert [len(registry.versions(m)) for m in MODELS] == [1, 1]


def test_orders_after_the_training_day_make_the_same_model(registry: Registry, duck: Backend) -> None:
    train(duck, registry, as_of=DAY, features_at=SEEING, orders=orders_table(ORDERS))
    until_then = orders_of_the_shop()
    again = train(duck, registry, as_of=DAY, features_at=features_of(until_then), orders=orders_table(until_then))
    assert all(o.is_rerun for o in again.outcomes)


def test_a_better_challenger_is_promoted_and_past_days_keep_their_model(registry: Registry, duck: Backend) -> None:
    week_later = DAY.plus(7)
    assert propensity_as_of(DAY, duck, registry, features_at=blind(SEEING)).promoted
    assert propensity_as_of(week_later, duck, registry).promoted
    assert str(registry.for_day("p_buy_30d", week_later)) == "p_buy_30d/1"
    assert str(registry.for_day("p_buy_30d", week_later.next)) == "p_buy_30d/2"


def test_a_challenger_that_is_not_better_is_kept_back(registry: Registry, duck: Backend) -> None:
    propensity_as_of(DAY, duck, registry)
    later = propensity_as_of(DAY.plus(7), duck, registry, features_at=blind(SEEING))
    assert (later.version, later.promoted, later.champion) == ("p_buy_30d/2", False, "p_buy_30d/1")
    assert later.reason == "ROC-AUC 0.5000 against 0.5000 on the same hold-out"
    assert str(registry.for_day("p_buy_30d", DAY.plus(30))) == "p_buy_30d/1"


def test_an_older_day_is_compared_with_the_model_of_that_day(registry: Registry, duck: Backend) -> None:
    propensity_as_of(DAY, duck, registry)
    earlier = propensity_as_of(DAY.plus(-7), duck, registry, features_at=blind(SEEING))
    assert earlier.reason == "there was no model before"
    assert str(registry.for_day("p_buy_30d", DAY.next)) == "p_buy_30d/1"


def test_a_training_that_fails_keeps_the_model_that_was_there(registry: Registry, duck: Backend) -> None:
    propensity_as_of(DAY, duck, registry)
    nobody_buys = orders_table([])
    with pytest.raises(ModelError, match=r"p_buy_30d: cut-offs .* found 0 people .* \(trained: cluster\)"):
        train(duck, registry, as_of=DAY.plus(7), features_at=SEEING, orders=nobody_buys)
    assert str(registry.for_day("p_buy_30d", DAY.plus(7))) == "p_buy_30d/1"
    assert str(registry.for_day("cluster", DAY.plus(8))) == "cluster/1"


def test_a_model_that_cannot_be_loaded_stays_and_is_reported(registry: Registry, duck: Backend, tmp_path: Path) -> None:
    propensity_as_of(DAY, duck, registry)
    (file,) = (tmp_path / "models").rglob("model.skops")
    file.write_bytes(b"damaged")
    later = propensity_as_of(DAY.plus(7), duck, registry)
    assert (later.version, later.promoted, later.champion) == ("", False, "p_buy_30d/1")
    assert later.reason.startswith("kept p_buy_30d/1: p_buy_30d/1: found no model that loads")
    assert str(registry.for_day("p_buy_30d", DAY.plus(7))) == "p_buy_30d/1"


def test_newer_clusters_replace_older_ones_of_like_sharpness(registry: Registry, duck: Backend) -> None:
    train_clusters(duck, registry, as_of=DAY, features_at=SEEING)
    later = train_clusters(duck, registry, as_of=DAY.plus(7), features_at=SEEING)
    assert later.promoted
    assert later.reason.startswith("silhouette ")


def test_clusters_keep_their_names_when_trained_again(registry: Registry, duck: Backend) -> None:
    for days in (0, 7, 14):
        train_clusters(duck, registry, as_of=DAY.plus(days), features_at=SEEING)
    named = [set(json.loads(v.tags["names"])) for v in registry.versions("cluster")]
    assert all("frequent" in names for names in named)
