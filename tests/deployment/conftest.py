"""Secrets as the documented command makes them, and the compose file's services started once for all tests."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from compose_file import dotenv, make_env_file
from compose_running import Stand

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"

PROBE = """
from airflow.sdk import dag, task

@dag(dag_id="deployment_probe", schedule=None, is_paused_upon_creation=False)
def deployment_probe():
    @task
    def look():
        import os
        import sqlalchemy as sa
        from airflow.sdk import Connection
        from audience.house import House

        house = House.open(os.environ)
        with house.warehouse.begin() as connection:
            migrated = connection.execute(sa.text("SELECT to_regnamespace('ops') IS NOT NULL")).scalar()
        print("the probe was here")
        return {"shop": Connection.get("shop").host, "migrated": migrated, "environment": sorted(os.environ)}

    look()

deployment_probe()
"""


@pytest.fixture(scope="session")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("env")
    made = make_env_file(folder)
    assert made.returncode == 0, made.stderr
    return folder / ".env"


@pytest.fixture(scope="session")
def made_secrets(env_file: Path) -> dict[str, str]:
    return dotenv(env_file.read_text())


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory, made_secrets: dict[str, str]) -> Iterator[Stand]:
    """Every service, healthy or done, with databases of its own."""
    _need_servers()
    folder = tmp_path_factory.mktemp("stand")
    stand = Stand(folder, made_secrets | {"COMPOSE_PROFILES": "demo"})
    (folder / "opt/airflow/dags/deployment_probe.py").write_text(PROBE)
    try:
        stand.start()
        yield stand
    finally:
        stand.stop()
        _drop_databases(stand.ending)


def _need_servers() -> None:
    missing = [f"no program {name}" for name in ("psql", "redis-server", "redis-cli", "curl") if not shutil.which(name)]
    try:
        socket.create_connection(("127.0.0.1", 5432), timeout=2).close()
    except OSError:
        missing.append("no PostgreSQL on 127.0.0.1:5432")
    if missing:
        reason = f"the services of docker-compose.yml cannot be run here: {', '.join(missing)}"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def _drop_databases(ending: str) -> None:
    admin = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for store in ("airflow", "celery", "audience", "mlflow"):
            connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{store}{ending}" WITH (FORCE)'))
            connection.execute(sa.text(f'DROP ROLE IF EXISTS "{store}{ending}"'))
    admin.dispose()
