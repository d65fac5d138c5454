"""The registry keeps every version and knows which one scores a day."""

import uuid
from pathlib import Path

import numpy as np
import pytest
import skops.io
import sqlalchemy as sa
from sklearn.linear_model import LogisticRegression
from small_shop import day, registry_in

from audience.core.errors import ModelError
from audience.models.mlflow_client import QUIET
from audience.models.registry import Registry, Version

FITTED = LogisticRegression().fit(np.array([[0.0], [1.0]]), [False, True])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return registry_in(tmp_path)


def trained(registry: Registry, as_of: str, *, promoted: bool = True, training_hash: str = "h") -> Version:
    return registry.register(
        "p_buy_30d", FITTED, as_of=day(as_of), promoted=promoted, training_hash=training_hash, code_version="c",
        params={"rows": 2}, metrics={"roc_auc": 0.75}, tags={"reason": "because"},
    )  # fmt: skip


def champion(registry: Registry) -> int:
    return int(registry._client.get_model_version_by_alias("p_buy_30d", "champion").version)


def number(version: Version | None) -> int | None:
    return version and version.number


def test_no_model_scores_the_days_up_to_the_first_training(registry: Registry) -> None:
    assert registry.for_day("p_buy_30d", day("2026-11-02")) is None
    trained(registry, "2026-11-02")
    assert registry.for_day("p_buy_30d", day("2026-11-02")) is None
    assert number(registry.for_day("p_buy_30d", day("2026-11-03"))) == 1


def test_a_day_keeps_its_version_when_models_are_trained_later(registry: Registry) -> None:
    trained(registry, "2026-11-01")
    trained(registry, "2026-11-08")
    assert [number(registry.for_day("p_buy_30d", day(d))) for d in ("2026-11-02", "2026-11-08", "2026-11-09")] == [
        1,
        1,
        2,
    ]


def test_a_version_that_was_not_promoted_scores_no_day(registry: Registry) -> None:
    trained(registry, "2026-11-01")
    trained(registry, "2026-11-08", promoted=False)
    assert number(registry.for_day("p_buy_30d", day("2026-11-30"))) == 1


def test_an_older_training_that_is_made_later_does_not_replace_a_newer_one(registry: Registry) -> None:
    trained(registry, "2026-11-08")
    trained(registry, "2026-11-01")
    assert number(registry.for_day("p_buy_30d", day("2026-11-30"))) == 1
    assert champion(registry) == 1


def test_the_champion_is_the_newest_promoted_version(registry: Registry) -> None:
    trained(registry, "2026-11-01")
    trained(registry, "2026-11-08")
    trained(registry, "2026-11-15", promoted=False)
    assert champion(registry) == 2


def test_the_same_training_is_recognised(registry: Registry) -> None:
    first = trained(registry, "2026-11-01", training_hash="a")
    assert registry.same("p_buy_30d", as_of=day("2026-11-01"), training_hash="a", code_version="c") == first
    assert registry.same("p_buy_30d", as_of=day("2026-11-01"), training_hash="b", code_version="c") is None
    assert registry.same("p_buy_30d", as_of=day("2026-11-01"), training_hash="a", code_version="d") is None
    assert registry.same("p_buy_30d", as_of=day("2026-11-02"), training_hash="a", code_version="c") is None


def test_a_version_loads_as_it_was_fitted(registry: Registry) -> None:
    version = trained(registry, "2026-11-01")
    assert np.array_equal(registry.load(version).coef_, FITTED.coef_)
    assert registry.metrics(version) == {"roc_auc": 0.75}
    assert str(version) == "p_buy_30d/1"


def test_no_pickle_is_written(registry: Registry, tmp_path: Path) -> None:
    trained(registry, "2026-11-01")
    names = {f.name for f in (tmp_path / "models").rglob("*") if f.is_file()}
    assert "model.skops" in names
    assert not {n for n in names if n.endswith((".pkl", ".pickle"))}


def test_a_version_whose_file_is_gone_says_so(registry: Registry, tmp_path: Path) -> None:
    version = trained(registry, "2026-11-01")
    (file,) = (tmp_path / "models").rglob("model.skops")
    file.unlink()
    with pytest.raises(ModelError, match="p_buy_30d/1: found no model that loads"):
        registry.load(version)


def test_a_stored_type_that_nobody_trusts_is_not_loaded(registry: Registry, tmp_path: Path) -> None:
    version = trained(registry, "2026-11-01")
    (file,) = (tmp_path / "models").rglob("model.skops")
    skops.io.dump(Path("/"), file)
    with pytest.raises(ModelError, match="UntrustedTypesFoundException"):
        registry.load(version)


def test_mlflow_does_not_call_home(registry: Registry) -> None:
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert QUIET["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert is_telemetry_disabled()


def test_an_empty_postgresql_database_becomes_a_registry(postgres_url: str, tmp_path: Path) -> None:
    name = f"mlflow_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        url = sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        version = trained(Registry(url, str(tmp_path / "models")), "2026-11-01")
        again = Registry(url, str(tmp_path / "models"))
        assert again.for_day("p_buy_30d", day("2026-11-02")) == version
        assert np.array_equal(again.load(version).coef_, FITTED.coef_)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
