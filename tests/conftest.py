"""Servers that tests share: each is started once, each test gets an empty database or folder."""

import gc
import os
import tempfile
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import skops.io  # noqa: F401  the first of all: it looks through every module there is, which takes 4 s once Airflow is there
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.core.lake import Lake
from audience.core.settings import Settings
from audience.core.warehouse import Warehouse
from audience.core.warehouse.embedded import embedded_postgres, stop_embedded_postgres
from key import KEY
from logins import Logins
from sandbox_process import Sandbox, start_sandbox
from small_sandbox import PEOPLE, SmallSandbox

# pytest closes the folder of all its sessions to other users whenever it starts, and the embedded PostgreSQL of a root
# is run by another user: two checkouts that are tested at once need two folders.
TEMPORARY = Path(tempfile.gettempdir()) / f"audience-{zlib.crc32(str(Path(__file__)).encode()):08x}"
TEMPORARY.mkdir(exist_ok=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(TEMPORARY))


@pytest.hookimpl(tryfirst=True)  # xdist's own hook writes the groups into the tests' ids
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay together, and those of the one Airflow; what takes longest comes first, so that nothing long is last."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("whole_way" if _turn(item) == 0 else str(item.path)))
    tests_of = Counter(item.path for item in items)
    items.sort(key=lambda item: (_turn(item), -tests_of[item.path] if _turn(item) == 2 else 0))


def pytest_collection_finish() -> None:
    """What was imported stays until the end: looking through all of it for garbage is a tenth of a test's processor time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _turn(item: pytest.Item) -> int:
    """0 for tests of the one Airflow, 1 for those that start other servers, 2 for the rest."""
    if item.path.parent.name == "whole_way":
        return 0
    return 1 if item.get_closest_marker("slow") else 2


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server's URL: the usual local port where CI promises one, else the embedded server."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        yield "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
        return
    folder = tmp_path_factory.mktemp("pg") / "data"
    yield embedded_postgres(folder, database="template_audience")
    stop_embedded_postgres(folder)


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[Warehouse]:
    """A warehouse for all tests of a worker: dropping a database makes the server write all it holds, emptying one does not."""
    name = f"audience_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    warehouse = Warehouse(sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False))
    warehouse.migrate()
    yield warehouse
    warehouse.close()
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def warehouse(migrated: Warehouse) -> Iterator[Warehouse]:
    """A migrated, empty warehouse. The same object for all tests: it keeps the statements that were compiled."""
    yield migrated
    with migrated.begin() as connection:
        connection.execute(sa.text(EMPTY))


EMPTY = """
SET LOCAL ROLE none;  -- of the login, whose database this is
DO $$
DECLARE one record;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle';
    SET LOCAL session_replication_role = replica;  -- deletes in any order
    FOR one IN SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'alembic_version'
    LOOP EXECUTE 'DELETE FROM ' || one.name; END LOOP;
    FOR one IN SELECT format('%I.%I', schemaname, sequencename) AS name FROM pg_sequences WHERE last_value IS NOT NULL
    LOOP PERFORM setval(one.name::regclass, 1, false); END LOOP;
END $$
"""


@pytest.fixture
def login(postgres_url: str, warehouse: Warehouse) -> Iterator[Logins]:
    """Makes logins of the server, each with a URL of the warehouse's database, and drops them at the end."""
    admin, made = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT"), []

    def make(*roles: str, database: str | None = None) -> str:
        name = f"somebody_{uuid.uuid4().hex[:8]}"
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN")
            for role in roles:
                connection.exec_driver_sql(f"GRANT {role} TO {name}")
        made.append(name)
        url = warehouse.engine.url.set(username=name, **({"database": database} if database else {}))
        return url.render_as_string(hide_password=False)

    yield make
    with admin.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP ROLE {name}")
    admin.dispose()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.at(tmp_path / "lake")


@pytest.fixture
def duck() -> Iterator[Backend]:
    """An engine session of the test's own."""
    with engine(memory_limit="1GB") as session:
        yield session


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read({"AUDIENCE_HOME": str(tmp_path), "AUDIENCE_PSEUDONYM_KEY": KEY.reveal()})


@pytest.fixture(scope="session")
def small_sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = start_sandbox(tmp_path_factory.mktemp("small-sandbox"), people=PEOPLE)
    yield running
    running.stop()


@pytest.fixture
def small_sandbox(small_sandbox_process: Sandbox) -> Iterator[SmallSandbox]:
    """The shared small demo town, without limits; afterwards without faults."""
    small = SmallSandbox(small_sandbox_process.url)
    small.calm()
    yield small
    small.calm()
