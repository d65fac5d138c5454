"""A database of a test's own on the servers that run here, dropped afterwards."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from audience.core.connection import Connection
from audience.core.masked import Secret

SERVERS = {
    "mariadb": ("MariaDB", "mariadb+pymysql://root@127.0.0.1:3306", ""),
    "postgresql": ("PostgreSQL", "postgresql+psycopg://postgres@127.0.0.1:5432", "postgres"),
}


@dataclass(frozen=True)
class Database:
    """An open database of one server."""

    server: str
    name: str
    engine: sa.Engine = field(repr=False)

    def run(self, *statements: str) -> list[Any]:
        """Executes statements, with full rights; gives the rows of the last one."""
        with self.engine.begin() as connection:
            cursor: Any = connection.connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def connection(self, name: str = "erp", *, login: str = "", password: str = "", **extra: Any) -> Connection:
        """What a person would write into the connection form."""
        url = self.engine.url
        return Connection(name, f"{self.server}://{url.host}:{url.port}/{self.name}", login=login or url.username or "",
                          password=Secret(password), extra=extra)  # fmt: skip


@contextmanager
def database(server: str) -> Iterator[Database]:
    """An empty one. Skips where no such server listens, and fails where one is promised."""
    title, address, home = SERVERS[server]
    url = sa.make_url(f"{address}/{home}")
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((str(url.host), url.port or 0)):
            said = f"no {title} listens on {url.host}:{url.port}"
            if os.environ.get("REQUIRE_SERVICES") == "1":
                pytest.fail(said)
            pytest.skip(said)
    name = f"audience_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine = sa.create_engine(url.set(database=name), poolclass=sa.NullPool)
    try:
        yield Database(server, name, engine)
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{' WITH (FORCE)' if server == 'postgresql' else ''}")
        admin.dispose()
