"""Who may read what of the warehouse: the vault is shut to everybody who was not let in on purpose."""

import uuid
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
import sqlalchemy as sa

from audience.core.errors import SettingsError
from audience.core.settings import Settings
from audience.core.warehouse import Base, Warehouse
from audience.core.warehouse.models import ContactPoint, Definition
from key import KEY
from logins import Logins


@pytest.fixture
def own_database(postgres_url: str, login: Logins) -> Iterator[str]:
    """The URL of an empty database, by the plain login that owns it."""
    name = f"owned_{uuid.uuid4().hex[:8]}"
    url = login(database=name)
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} OWNER {sa.make_url(url).username}")
    yield url
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


def is_refused(url: str, statement: str) -> bool:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
    return False


def test_a_reader_is_refused_every_table_and_column_of_the_vault(login: Logins) -> None:
    reader = login("audience_reader")
    vault = [table for table in Base.metadata.sorted_tables if table.schema == "vault"]
    asked = [f"SELECT {c.name} FROM {t.fullname}" for t in vault for c in t.columns]
    asked += [f"SELECT count(*) FROM {t.fullname}" for t in vault] + [f"DELETE FROM {t.fullname}" for t in vault]
    assert len(asked) > 10
    assert [one for one in asked if not is_refused(reader, one)] == []


def test_a_reader_reads_all_the_rest_and_writes_nothing(login: Logins) -> None:
    reader = login("audience_reader")
    rest = [table.fullname for table in Base.metadata.sorted_tables if table.schema != "vault"]
    views = ["ops.quality_day", "push.run", "segments.current_member"]
    assert [name for name in rest + views if is_refused(reader, f"SELECT * FROM {name}")] == []
    assert [name for name in rest if not is_refused(reader, f"DELETE FROM {name}")] == []


def test_a_reader_is_refused_a_table_that_the_vault_gets_later(login: Logins, warehouse: Warehouse) -> None:
    reader = login("audience_reader")
    with warehouse.vault.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE vault.later (email text)")
    try:
        assert is_refused(reader, "SELECT * FROM vault.later")
        warehouse.migrate()
        assert is_refused(reader, "SELECT * FROM vault.later")
    finally:
        with warehouse.vault.begin() as connection:
            connection.exec_driver_sql("DROP TABLE vault.later")


def test_a_view_of_another_schema_cannot_show_the_vault_to_a_reader(login: Logins, warehouse: Warehouse) -> None:
    reader = login("audience_reader")
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE none")
        connection.exec_driver_sql("CREATE VIEW segments.leak AS SELECT email FROM vault.contact_point")
    try:
        warehouse.migrate()
        assert is_refused(reader, "SELECT * FROM segments.leak")
    finally:
        with warehouse.begin() as connection:
            connection.exec_driver_sql("DROP VIEW segments.leak")


def test_the_product_opens_the_vault_only_where_it_says_so(warehouse: Warehouse) -> None:
    """Also where its login may do anything, as that of the embedded server."""
    with warehouse.begin() as connection, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        connection.execute(sa.select(ContactPoint.person_id))
    with warehouse.vault.begin() as connection:
        assert connection.execute(sa.select(ContactPoint.person_id)).all() == []


def test_where_the_vault_has_a_login_of_its_own_the_other_one_cannot_open_it(
    login: Logins, warehouse: Warehouse
) -> None:
    jobs, pushes = login("audience_app"), login("audience_vault")
    with pytest.raises(SettingsError, match=r"set AUDIENCE_VAULT_URL where .* GRANT audience_vault TO "):
        Warehouse(jobs).vault.begin().__enter__()
    assert is_refused(jobs, "SET ROLE audience_vault")
    both = Warehouse.of(Settings.read({"AUDIENCE_WAREHOUSE_URL": jobs, "AUDIENCE_VAULT_URL": pushes,
                                       "AUDIENCE_PSEUDONYM_KEY": KEY.reveal()}))  # fmt: skip
    point = {"contact_key": "k", "person_id": "p", "email": "e", "is_primary": True, "as_of": date(2026, 11, 20)}
    try:
        with both.begin() as connection:
            assert connection.execute(sa.select(Definition.segment)).all() == []
        with both.vault.begin() as connection:
            connection.execute(sa.insert(ContactPoint).values(point))
        both.migrate()
        with both.vault.begin() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(ContactPoint)) == 1
    finally:
        both.close()


def test_a_plain_owner_is_told_what_an_administrator_has_to_run_and_goes_on_from_there(
    own_database: str, postgres_url: str
) -> None:
    warehouse = Warehouse(own_database)
    with pytest.raises(SettingsError, match="expected an administrator to run, once: ") as told:
        warehouse.migrate()
    statements = str(told.value).partition("once: ")[2].removesuffix("; then: audience migrate").split("; ")
    url = sa.make_url(postgres_url).set(database=sa.make_url(own_database).database)
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    admin.dispose()
    warehouse.migrate()
    warehouse.migrate()
    with warehouse.begin() as connection, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        connection.execute(sa.select(ContactPoint.person_id))
    with warehouse.vault.begin() as connection:
        assert connection.execute(sa.select(ContactPoint.person_id)).all() == []
    warehouse.close()
