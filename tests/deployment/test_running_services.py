"""Each service of docker-compose.yml does its work, with the command and the environment that the file gives it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from compose_running import MADE_HERE, Stand

from audience.activation import destinations
from audience.models.registry import Registry
from audience.sources.contract import all_sources

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]


@pytest.fixture(scope="module")
def airflow(stand: Stand, made_secrets: dict[str, str]) -> Iterator[httpx.Client]:
    """The REST API, as the first user."""
    with httpx.Client(base_url=stand.url("8080"), timeout=20) as client:
        credentials = {"username": "admin", "password": made_secrets["ADMIN_PASSWORD"]}
        token = client.post("/auth/token", json=credentials).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def wait_for(answer: Callable[[], Any], *, seconds: float) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (found := answer()):
        assert time.monotonic() < deadline, f"found {found!r} after {seconds:.0f} s"
        time.sleep(0.5)
    return found


def test_every_service_becomes_healthy_or_ends_well(stand: Stand) -> None:
    assert set(stand.took) == set(stand.services) - set(MADE_HERE)


def test_nobody_is_let_in_with_another_password(stand: Stand) -> None:
    wrong = {"username": "admin", "password": "admin"}
    assert httpx.post(f"{stand.url('8080')}/auth/token", json=wrong, timeout=20).status_code == 401
    assert httpx.get(f"{stand.url('8080')}/api/v2/dags", timeout=20).status_code == 401


def test_the_dag_processor_reads_every_dag_without_an_error(airflow: httpx.Client) -> None:
    expected = {f"ingest_{s.name}" for s in all_sources()} | {"refresh_audience", "train_models", "restate"}

    def all_there() -> bool:
        dags = airflow.get("/api/v2/dags", params={"limit": 100}).json()["dags"]
        return expected <= {dag["dag_id"] for dag in dags}

    wait_for(all_there, seconds=60)
    assert airflow.get("/api/v2/importErrors").json()["import_errors"] == []


def test_there_is_a_pool_for_each_source_and_destination(airflow: httpx.Client) -> None:
    pools = {pool["name"] for pool in airflow.get("/api/v2/pools").json()["pools"]}
    assert pools == {"default_pool", *destinations.names(), *(source.name for source in all_sources())}


def test_the_scheduler_hands_a_task_to_the_worker_which_has_the_stores_but_no_key_of_airflow(
    airflow: httpx.Client,
) -> None:
    wait_for(lambda: airflow.get("/api/v2/dags/deployment_probe").status_code == 200, seconds=60)
    started = airflow.post("/api/v2/dags/deployment_probe/dagRuns", json={"logical_date": None})
    run = f"/api/v2/dags/deployment_probe/dagRuns/{started.raise_for_status().json()['dag_run_id']}"
    state = wait_for(lambda: _ended(airflow.get(run).json()["state"]), seconds=60)
    log = airflow.get(f"{run}/taskInstances/look/logs/1", params={"full_content": "true"}).text
    assert state == "success", log
    assert "the probe was here" in log  # read from the shared volume: the worker serves none
    told = airflow.get(f"{run}/taskInstances/look/xcomEntries/return_value", params={"deserialize": "true"}).json()[
        "value"
    ]
    assert told["migrated"] is True
    assert told["shop"].endswith("/shop")  # decrypted by the API server
    assert not [n for n in told["environment"] if "FERNET" in n or "JWT_SECRET" in n or n == "AIRFLOW__API__SECRET_KEY"]


def _ended(state: str) -> str:
    return state if state in {"success", "failed"} else ""


def test_the_control_plane_is_healthy_as_a_whole(airflow: httpx.Client) -> None:
    health = airflow.get("/api/v2/monitor/health").json()
    assert {part: health[part]["status"] for part in ("metadatabase", "scheduler", "triggerer", "dag_processor")} == {
        "metadatabase": "healthy", "scheduler": "healthy", "triggerer": "healthy", "dag_processor": "healthy",
    }  # fmt: skip


def test_the_role_of_one_store_cannot_enter_the_database_of_another(stand: Stand) -> None:
    for role, database in (("mlflow", "audience"), ("celery", "airflow"), ("airflow", "audience")):
        url = f"postgresql+psycopg://{role}{stand.ending}@127.0.0.1:5432/{database}{stand.ending}"
        engine = sa.create_engine(url, connect_args={"password": stand.services["databases"]["environment"][
            f"{role.upper()}_DB_PASSWORD"]})  # fmt: skip
        with pytest.raises(sa.exc.OperationalError, match="permission denied for database"):
            engine.connect()


def test_making_the_databases_again_changes_nothing(stand: Stand) -> None:
    stand.run_in("databases", *stand.services["databases"]["command"])


def test_mlflow_wants_a_password_and_answers_to_its_name_in_the_network_only(
    stand: Stand, made_secrets: dict[str, str]
) -> None:
    search = f"{stand.url('5000')}/api/2.0/mlflow/experiments/search?max_results=1"
    admin = ("admin", made_secrets["MLFLOW_ADMIN_PASSWORD"])
    assert httpx.get(search, headers={"Host": "mlflow:5000"}).status_code == 401
    assert httpx.get(search, headers={"Host": "mlflow:5000"}, auth=admin).status_code == 200
    assert httpx.get(search, headers={"Host": "elsewhere.example"}, auth=admin).status_code == 403


def test_a_model_registered_through_mlflow_loads_again_from_the_lake(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.linear_model import LogisticRegression

    from audience.core.partition import Partition

    worker = stand.environment("airflow-worker")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", worker["MLFLOW_TRACKING_USERNAME"])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", worker["MLFLOW_TRACKING_PASSWORD"])
    registry = Registry(worker["AUDIENCE_MLFLOW_URL"], f"{worker['AUDIENCE_LAKE_URL']}/_models")
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    version = registry.register("probe", fitted, as_of=Partition.parse("2026-11-08"), promoted=True, training_hash="t",
                                code_version="c", params={}, metrics={"auc": 1.0}, tags={})  # fmt: skip
    assert registry.load(version).predict([[2.0]]).tolist() == [1]


def test_the_sandbox_serves_the_invented_shop(stand: Stand) -> None:
    assert httpx.get(f"{stand.url('8181')}/health").json()["until"]
