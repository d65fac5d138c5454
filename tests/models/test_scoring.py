"""Scoring gives everybody of a day the scores of that day's models, again and again the same.

The models are trained as of the DAY and score the days after it.
"""

from pathlib import Path
from typing import Any

import pytest
from ibis.backends.duckdb import Backend
from small_shop import DAY, features_of, features_table, orders_of_the_shop, orders_table, registry_in

from audience.core.engine import engine
from audience.core.errors import ModelError, NotPublished
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import FEATURES, SCORES
from audience.models.registry import Registry
from audience.models.scoring import score
from audience.models.training import train

TODAY = DAY.next
ORDERS = orders_of_the_shop(until=DAY.plus(30).as_of)
AT = features_of(ORDERS)


def train_as_of(day: Partition, registry: Registry, session: Backend) -> None:
    train(session, registry, as_of=day, features_at=AT, orders=orders_table(ORDERS))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Models trained as of the DAY; tests only read them."""
    registry = registry_in(tmp_path_factory.mktemp("trained"))
    with engine() as session:
        train_as_of(DAY, registry, session)
    return registry


@pytest.fixture
def own_registry(tmp_path: Path, duck: Backend) -> Registry:
    """The same, for a test that changes them."""
    registry = registry_in(tmp_path)
    train_as_of(DAY, registry, duck)
    return registry


def scores(lake: Lake, duck: Backend, day: Partition = TODAY) -> dict[str, dict[str, Any]]:
    return {r["person_id"]: r for r in duck.to_pyarrow(lake.read(duck, SCORES, day)).to_pylist()}


def test_everybody_gets_a_probability_and_customers_a_cluster(lake: Lake, duck: Backend, registry: Registry) -> None:
    lake.write(duck, FEATURES, TODAY, AT(TODAY))
    written = score(lake, duck, registry, TODAY)
    found = scores(lake, duck)
    assert written.rows == len(found) == 150
    assert found["regular-00"]["p_buy_30d"] > found["gone-00"]["p_buy_30d"]
    assert found["gone-00"]["cluster"] == "lapsed"
    assert found["gone-00"]["p_buy_30d_model"] == "p_buy_30d/1"
    assert found["gone-00"]["cluster_model"] == "cluster/1"


def test_a_person_with_no_order_has_a_probability_and_no_cluster(lake: Lake, duck: Backend, registry: Registry) -> None:
    lake.write(duck, FEATURES, TODAY, AT(TODAY))
    score(lake, duck, registry, TODAY)
    nobody = scores(lake, duck)["nobody-00"]
    assert 0 < nobody["p_buy_30d"] < 0.5
    assert nobody["cluster"] is None


def test_scoring_again_changes_nothing(lake: Lake, duck: Backend, registry: Registry) -> None:
    lake.write(duck, FEATURES, TODAY, AT(TODAY))
    first, second = score(lake, duck, registry, TODAY), score(lake, duck, registry, TODAY)
    assert first.changed and not second.changed
    assert second.publication == first.publication


def test_a_past_day_keeps_its_scores_after_a_later_training(lake: Lake, duck: Backend, own_registry: Registry) -> None:
    lake.write(duck, FEATURES, TODAY, AT(TODAY))
    score(lake, duck, own_registry, TODAY)
    train_as_of(DAY.plus(7), own_registry, duck)
    assert str(own_registry.for_day("cluster", DAY.plus(8))) == "cluster/2"
    assert not score(lake, duck, own_registry, TODAY).changed


def test_probabilities_have_six_decimals(lake: Lake, duck: Backend, registry: Registry) -> None:
    lake.write(duck, FEATURES, TODAY, AT(TODAY))
    score(lake, duck, registry, TODAY)
    assert all(r["p_buy_30d"] == round(r["p_buy_30d"], 6) for r in scores(lake, duck).values())


def test_the_training_day_and_those_before_have_null_scores(lake: Lake, duck: Backend, registry: Registry) -> None:
    lake.write(duck, FEATURES, DAY, AT(DAY))
    score(lake, duck, registry, DAY)
    assert {tuple(r.values())[1:] for r in scores(lake, duck, DAY).values()} == {(None, None, None, None)}


def test_people_who_are_like_nobody_before_are_scored(lake: Lake, duck: Backend, registry: Registry) -> None:
    new = {"person_id": "ana", "country": "AQ", "age_years": 33, "recency_days": 0, "spend_30d_eur": -5}
    lake.write(duck, FEATURES, TODAY, features_table(new))
    score(lake, duck, registry, TODAY)
    assert 0 <= scores(lake, duck)["ana"]["p_buy_30d"] <= 1


def test_a_day_without_people_has_no_scores(lake: Lake, duck: Backend, registry: Registry) -> None:
    lake.write(duck, FEATURES, TODAY, features_table())
    assert score(lake, duck, registry, TODAY).rows == 0


def test_a_day_without_features_is_an_error(lake: Lake, duck: Backend, registry: Registry) -> None:
    with pytest.raises(NotPublished, match="features: partition 2026-11-21 is not published"):
        score(lake, duck, registry, TODAY)


def test_a_damaged_model_is_an_error_and_not_null_scores(
    lake: Lake, duck: Backend, own_registry: Registry, tmp_path: Path
) -> None:
    lake.write(duck, FEATURES, TODAY, AT(TODAY))
    for file in (tmp_path / "models").rglob("model.skops"):
        file.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="p_buy_30d/1: found no model that loads"):
        score(lake, duck, own_registry, TODAY)
    assert lake.partitions("scores") == []
