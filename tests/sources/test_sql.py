"""What a SQL database gives, how it fails, and that nothing of it is staged then."""

import secrets
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Database, database
from staging import staged
from typing_extensions import TypedDict

from audience.core.connection import Connection
from audience.core.errors import (
    DeclarationError,
    SchemaChanged,
    SettingsError,
    SourceRefused,
    SourceReplyInvalid,
    SourceUnavailable,
)  # fmt: skip
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse.embedded import embedded_postgres, stop_embedded_postgres
from audience.sources.contract import Columns, Extraction, Iso, Source, Sql, Stream, Window, extract, source_named, sql

FRIDAY = Partition.parse("2026-11-20")
DAY = FRIDAY.window

each_server = pytest.mark.parametrize("server", ["mariadb", "postgresql"])


@pytest.fixture
def erp(server: str) -> Iterator[Database]:
    with database(server) as found:
        yield found


@pytest.fixture
def maria() -> Iterator[Database]:
    with database("mariadb") as found:
        yield found


@pytest.fixture
def postgres() -> Iterator[Database]:
    with database("postgresql") as found:
        yield found


def rows(connection: Connection, query: str, window: Window = DAY, **values: object) -> list[dict[str, Any]]:
    db = Sql(connection)
    try:
        return list(db.rows(query, window, **values))
    finally:
        db.close()


class Product(TypedDict):
    product_id: int
    title: str | None
    updated_at: str


QUERY = """
SELECT id AS product_id, title, changed_at AS updated_at FROM products
WHERE changed_at >= :start AND changed_at < :end ORDER BY id
"""
LOCAL = QUERY.replace(":start", ":local_start").replace(":end", ":local_end")


def a_source(query: str = QUERY, cursor: str | Iso = "updated_at") -> Source:
    stream = Stream("products", lambda db, window: db.batches(query, window), Columns("product", Product),
                    entities=("product",), cursor=cursor)  # fmt: skip
    return Source("erp", "ERP", system=sql("sql", "SQL database"), streams=(stream,))


def extracted(lake: Lake, connection: Connection, day: Partition = FRIDAY, source: Source | None = None) -> Extraction:
    return extract(source or a_source(), connection, lake, first=day, last=day)


def nothing_is_staged(lake: Lake) -> bool:
    return lake.staged(f"erp/{FRIDAY}_{FRIDAY}") == []


# -- values ---------------------------------------------------------------------------------------------------------------


def test_postgresql_gives_its_values_as_its_own_texts_and_instants_with_their_offset(postgres: Database) -> None:
    assert rows(postgres.connection(), r"""
        SELECT 7::int2 AS whole, 9007199254740993::bigint AS large, 1.50::numeric AS amount, 0.1::float8 AS number, true AS flag,
               NULL::text AS missing, '' AS blank, E'two\nlines, "quoted"' AS said, 'é' LIKE '%é' AS is_like,
               '{"a"\: 1}'::json AS document, ARRAY[1, 2] AS list, date '2026-11-20' AS day,
               timestamptz '2026-11-20 08:00:00.5+02' AS instant, timestamp '2026-11-20 08:00:00' AS clock
    """) == [{
        "whole": 7, "large": 9007199254740993, "amount": "1.50", "number": 0.1, "flag": True, "missing": None, "blank": "",
        "said": 'two\nlines, "quoted"', "is_like": True, "document": '{"a": 1}', "list": "{1,2}", "day": "2026-11-20",
        "instant": "2026-11-20 06:00:00.5+00", "clock": "2026-11-20 08:00:00",
    }]  # fmt: skip


def test_mariadb_gives_its_values_as_its_own_texts_and_a_date_of_zeros_as_it_is(maria: Database) -> None:
    maria.run(
        "CREATE TABLE t (whole int, large bigint unsigned, amount decimal(9, 2), number double, flag tinyint(1), missing"
        " text, said text CHARACTER SET utf8mb4, day date, instant timestamp NULL, clock datetime(3))",
        "SET sql_mode = '', time_zone = '+02:00'",
        "INSERT INTO t VALUES (7, 18446744073709551615, 1.5, 0.1, 1, NULL, 'é, \"%\"', '0000-00-00', '2026-11-20 08:00:00',"
        " '2026-11-20 08:00:00.5')",
    )
    assert rows(maria.connection(), "SELECT * FROM t WHERE said LIKE '%é%'") == [{
        "whole": 7, "large": "18446744073709551615", "amount": "1.50", "number": 0.1, "flag": 1, "missing": None,
        "said": 'é, "%"', "day": "0000-00-00", "instant": "2026-11-20 06:00:00Z", "clock": "2026-11-20 08:00:00.500",
    }]  # fmt: skip


def test_any_sqlalchemy_url_will_do(tmp_path: Path) -> None:
    file = Connection("lite", f"sqlite:///{tmp_path}/erp.db", extra={"time_zone": "Europe/Paris"})
    with sa.create_engine(file.url).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (at text, amount real)")
        connection.exec_driver_sql(
            "INSERT INTO t VALUES ('2026-11-20 00:59:59', 1), ('2026-11-20 01:00:00', 2), ('2026-11-21 01:00:00', NULL)"
        )
    assert rows(file, "SELECT * FROM t WHERE at >= :local_start AND at < :local_end") == [
        {"at": "2026-11-20 01:00:00", "amount": 2.0}
    ]


def test_a_value_beside_the_window_is_bound_and_never_part_of_the_query(postgres: Database) -> None:
    (row,) = rows(postgres.connection(), "SELECT :name AS name", name="'; DROP TABLE x; --")
    assert row == {"name": "'; DROP TABLE x; --"}


def test_a_name_without_a_value_is_a_wrong_declaration(postgres: Database) -> None:
    with pytest.raises(DeclarationError, match="query: no value for ':strat'; did you mean 'start'"):
        rows(postgres.connection(), "SELECT :strat AS x")


@pytest.mark.parametrize("prefix", ["ps_; DROP TABLE x", "ps-", "`", "é_"])
def test_a_prefix_that_could_be_more_than_a_part_of_a_name_is_refused(prefix: str) -> None:
    db = Sql(Connection("erp", "sqlite://", extra={"prefix": prefix}))
    with pytest.raises(SettingsError, match=r"connection 'erp': prefix is .*, expected letters, digits, _"):
        db.identifier("prefix", "ps_")


# -- windows --------------------------------------------------------------------------------------------------------------

TABLE = {
    "mariadb": "CREATE TABLE products (id int, title text, changed_at datetime(6))",
    "postgresql": "CREATE TABLE products (id int, title text, changed_at timestamp)",
}


@each_server
@pytest.mark.parametrize(
    ("day", "inside", "outside"),
    [
        ("2026-11-20", ["2026-11-20 01:00:00", "2026-11-21 00:59:59.999999"],
         ["2026-11-20 00:59:59.999999", "2026-11-21 01:00:00"]),
        # Clocks go from 02:00 to 03:00: the day in UTC begins at 01:00 and ends at 02:00 the next day.
        ("2026-03-29", ["2026-03-29 01:00:00", "2026-03-29 03:00:00", "2026-03-30 01:59:59"],
         ["2026-03-29 00:59:59", "2026-03-30 02:00:00"]),
        # Clocks go from 03:00 back to 02:00: the day in UTC begins with the first 02:00 and ends at 01:00 the next day.
        ("2026-10-25", ["2026-10-25 02:00:00", "2026-10-25 02:59:59", "2026-10-26 00:59:59"],
         ["2026-10-25 01:59:59", "2026-10-26 01:00:00"]),
    ],
)  # fmt: skip
def test_wall_clocks_are_read_for_exactly_a_day_in_utc(
    lake: Lake, erp: Database, server: str, day: str, inside: list[str], outside: list[str]
) -> None:
    values = ", ".join(f"({n}, NULL, '{at}')" for n, at in enumerate([*inside, *outside]))
    erp.run(TABLE[server], f"INSERT INTO products VALUES {values}")
    connection = erp.connection(time_zone="Europe/Paris")
    extraction = extracted(lake, connection, Partition.parse(day), a_source(LOCAL))
    found = staged(lake, extraction, "product")
    assert [row["product_id"] for row in found] == list(range(len(inside)))
    assert {row["_day"] for row in found} == {day}
    assert extraction.rows["_broken"] == 0


def test_where_clocks_are_moved_beside_midnight_the_bounds_are_wider_and_the_cursor_cuts(
    lake: Lake, postgres: Database
) -> None:
    """The Azores go from UTC back to UTC-1 on 2026-10-25 at 01:00 UTC: from midnight on, an hour comes twice."""
    postgres.run(
        TABLE["postgresql"],
        "INSERT INTO products VALUES (1, NULL, '2026-10-24 23:59:59'), (2, NULL, '2026-10-25 00:00:00'),"
        " (3, NULL, '2026-10-25 00:59:59'), (4, NULL, '2026-10-25 22:59:59'), (5, NULL, '2026-10-25 23:00:00')",
    )
    connection = postgres.connection(time_zone="Atlantic/Azores")
    found, outside = {}, {}
    for day in ("2026-10-24", "2026-10-25", "2026-10-26"):
        extraction = extracted(lake, connection, Partition.parse(day), a_source(LOCAL))
        found[day] = [row["product_id"] for row in staged(lake, extraction, "product")]
        outside[day] = extraction.outside
    assert found == {"2026-10-24": [1], "2026-10-25": [2, 3, 4], "2026-10-26": [5]}
    assert outside == {"2026-10-24": 0, "2026-10-25": 1, "2026-10-26": 0}


@each_server
def test_wall_clocks_without_a_time_zone_are_refused(lake: Lake, erp: Database, server: str) -> None:
    erp.run(TABLE[server], "INSERT INTO products VALUES (1, 'cup', '2026-11-20 08:00:00')")
    extraction = extracted(lake, erp.connection())
    assert [r["reason"] for r in staged(lake, extraction, "_broken")] == ["products: updated_at has no time zone"]
    with pytest.raises(SettingsError, match="connection 'erp': no 'time_zone' in its extra"):
        extracted(lake, erp.connection(), source=a_source(LOCAL))


# -- failures -------------------------------------------------------------------------------------------------------------

PRODUCTS = {
    "mariadb": "CREATE TABLE products (id int, title text, changed_at timestamp NULL)",
    "postgresql": "CREATE TABLE products (id int, title text, changed_at timestamptz)",
}


@pytest.fixture
def shelf(erp: Database, server: str) -> Database:
    """Twenty products of Friday."""
    values = ", ".join(f"({n}, 'cup', '2026-11-20 08:00:00')" for n in range(20))
    zone = {"mariadb": "SET time_zone = '+00:00'", "postgresql": "SET TimeZone = 'UTC'"}[server]
    erp.run(zone, PRODUCTS[server], f"INSERT INTO products VALUES {values}")
    return erp


@each_server
def test_a_connection_that_works_says_so(shelf: Database) -> None:
    db = Sql(shelf.connection())
    assert db.check() == "erp: answered"
    db.close()


@each_server
def test_nothing_can_be_written(shelf: Database) -> None:
    with pytest.raises((SourceReplyInvalid, SourceUnavailable), match="^erp: "):
        rows(shelf.connection(), "DELETE FROM products RETURNING id")
    assert shelf.run("SELECT count(*) FROM products") == [(20,)]


@each_server
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE products DROP COLUMN title", "title"),
        ("ALTER TABLE products RENAME COLUMN changed_at TO touched_at", "changed_at"),
        ("DROP TABLE products", "products"),
    ],
)
def test_a_column_or_table_that_is_gone_stops_the_stream_by_its_name(
    lake: Lake, shelf: Database, change: str, said: str
) -> None:
    shelf.run(change)
    with pytest.raises(SchemaChanged, match=rf"^erp: .*{said}.*; the system has changed: nothing was loaded"):
        extracted(lake, shelf.connection())
    assert nothing_is_staged(lake)


@each_server
def test_a_column_of_another_type_stops_the_stream_with_a_readable_difference(lake: Lake, shelf: Database) -> None:
    change = {"mariadb": "MODIFY id varchar(9)", "postgresql": "ALTER COLUMN id TYPE text"}[shelf.server]
    shelf.run(f"ALTER TABLE products {change}")
    problem = r"^erp: products: product_id: expected whole number, found text \(20 of 20 records\)"
    with pytest.raises(SchemaChanged, match=problem):
        extracted(lake, shelf.connection())
    assert nothing_is_staged(lake)


@each_server
def test_a_column_that_is_new_is_kept_and_reported_where_a_query_asks_for_all(lake: Lake, shelf: Database) -> None:
    shelf.run("ALTER TABLE products ADD COLUMN colour varchar(9) DEFAULT 'blue'")
    query = f"SELECT q.*, p.colour FROM ({QUERY}) q JOIN products p ON p.id = q.product_id"
    extraction = extracted(lake, shelf.connection(), source=a_source(query))
    assert extraction.added == {"products": ["colour"]}
    assert {row["extra"] for row in staged(lake, extraction, "product")} == {'{"colour":"blue"}'}


@each_server
def test_a_query_that_is_wrong_is_no_reason_to_try_again(shelf: Database) -> None:
    with pytest.raises(SourceReplyInvalid, match=r"^erp: the database cannot answer the query \(\w+\)$"):
        rows(shelf.connection(), "SELECT FROM WHERE")


def test_a_wrong_password_is_refused_naming_the_connection_never_the_secret(lake: Lake, maria: Database) -> None:
    login, right, wrong = f"{maria.name[-12:]}_reader", secrets.token_hex(16), secrets.token_hex(16)
    maria.run(f"CREATE USER {login}@'%' IDENTIFIED BY '{right}'", f"GRANT SELECT ON {maria.name}.* TO {login}@'%'")
    try:
        maria.run("CREATE TABLE products (id int, title text, changed_at timestamp NULL)")
        assert extracted(lake, maria.connection(login=login, password=right)).rows["product"] == 0
        with pytest.raises(SourceRefused) as refused:
            extracted(lake, maria.connection(login=login, password=wrong))
    finally:
        maria.run(f"DROP USER {login}@'%'")
    assert str(refused.value) == "erp: the database refused (1045); check connection 'erp'"
    assert wrong not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("password", ["", secrets.token_hex(16)], ids=["missing", "wrong"])
def test_postgresql_refuses_a_wrong_or_missing_password(tmp_path: Path, password: str) -> None:
    """libpq has no code for it, and words it in the server's language."""
    url = sa.make_url(embedded_postgres(tmp_path / "pg", database="erp"))
    try:
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE reader LOGIN PASSWORD '{secrets.token_hex(16)}'")
            (tmp_path / "pg" / "pg_hba.conf").write_text("local all reader scram-sha-256\nlocal all all trust\n")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        address = url.set(drivername="postgresql", username=None, password=None).render_as_string()
        with pytest.raises(SourceRefused) as refused:
            rows(Connection("erp", address, login="reader", password=Secret(password)), "SELECT 1 AS x")
        assert str(refused.value) == "erp: the database refused; check connection 'erp'"
        assert not password or password not in "".join(traceback.format_exception(refused.value))
    finally:
        stop_embedded_postgres(tmp_path / "pg")


def test_an_account_without_the_right_to_read_is_refused(postgres: Database) -> None:
    login = f"r{postgres.name[-12:]}"
    postgres.run(f"CREATE ROLE {login} LOGIN", "CREATE TABLE products (id int)")
    try:
        with pytest.raises(SourceRefused, match=r"^erp: the database refused \(42501\); check connection 'erp'$"):
            rows(postgres.connection(login=login), "SELECT id FROM products")
    finally:
        postgres.run(f"DROP OWNED BY {login}", f"DROP ROLE {login}")


@each_server
def test_an_unknown_account_is_refused(shelf: Database) -> None:
    with pytest.raises(SourceRefused, match="^erp: the database refused.*; check connection 'erp'$"):
        rows(shelf.connection(login="nobody_at_all", password="x"), "SELECT 1 AS x")


@each_server
def test_an_unknown_database_is_refused(shelf: Database) -> None:
    connection = shelf.connection()
    with pytest.raises(SourceRefused, match="^erp: the database refused.*; check connection 'erp'$"):
        rows(replace(connection, url=f"{connection.url}_gone"), "SELECT 1 AS x")


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:9/erp", "mysql://127.0.0.1:9/erp"])
def test_a_server_that_is_not_there_is_unavailable(url: str) -> None:
    with pytest.raises(SourceUnavailable, match="^erp: no connection, or it broke"):
        rows(Connection("erp", url, login="reader"), "SELECT 1 AS x")


@pytest.mark.parametrize("url", ["https://db.example", "db.example", "nosuchdatabase://db.example/erp"])
def test_a_host_that_is_no_database_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(SettingsError, match="connection 'erp': its host is not the URL of a database whose driver"):
        Sql(Connection("erp", url))


@each_server
def test_a_server_that_ends_the_connection_while_it_is_read_stages_nothing(lake: Lake, shelf: Database) -> None:
    """Enough rows that the server has not sent them all when it is told to end."""
    numbers = {"mariadb": "seq_1_to_1000000 s", "postgresql": "generate_series(1, 1000000) s(seq)"}[shelf.server]
    shelf.run(f"INSERT INTO products SELECT seq, repeat('x', 200), '2026-11-20 08:00:00' FROM {numbers}")
    ended = threading.Event()

    def fetch(db: Sql, window: Window) -> Any:
        for batch in db.batches(QUERY.replace(" ORDER BY id", ""), window):
            if not ended.is_set():
                ended.set()
                _end_the_others(shelf)
            yield batch

    source = a_source()
    source = replace(source, streams=(replace(source.streams[0], fetch=fetch),))
    with pytest.raises(SourceUnavailable, match="^erp: no connection, or it broke"):
        extracted(lake, shelf.connection(), source=source)
    assert ended.is_set()
    assert nothing_is_staged(lake)


def _end_the_others(db: Database) -> None:
    """Ends every connection to this test's own database but the asking one."""
    if db.server == "postgresql":
        db.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{db.name}' AND pid <> pg_backend_pid()"
        )
        return
    for (number,) in db.run(
        f"SELECT id FROM information_schema.processlist WHERE db = '{db.name}' AND id <> connection_id()"
    ):
        db.run(f"KILL CONNECTION {number}")


@each_server
def test_a_reader_that_stops_early_leaves_nothing_open(shelf: Database) -> None:
    db = Sql(shelf.connection())
    reading = db.batches(QUERY, DAY)
    assert next(reading).num_rows == 20
    reading.close()  # type: ignore[attr-defined]
    db.close()
    sessions = {
        "postgresql": f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{shelf.name}' AND pid <> pg_backend_pid()",
        "mariadb": f"SELECT count(*) FROM information_schema.processlist WHERE db = '{shelf.name}' AND id <> connection_id()",
    }
    for _ in range(50):
        if shelf.run(sessions[shelf.server]) == [(0,)]:
            return
        threading.Event().wait(0.1)
    pytest.fail("the connection is still open after 5 seconds")


def test_the_shipped_sql_sources_fill_the_form_of_a_database() -> None:
    for name in ("partner_db", "prestashop_db"):
        fields = [field.name for field in source_named(name).system.fields]
        assert fields[:4] == ["host", "login", "password", "time_zone"]
