"""SQL databases, read only: any SQLAlchemy URL, streamed in Arrow batches, so that memory does not grow with the rows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from audience.core.connection import Connection
from audience.core.errors import DeclarationError, SettingsError, nearest
from audience.core.partition import Window
from audience.core.system import Field, System
from audience.sources.contract.sql_failures import failures
from audience.sources.contract.sql_reading import copied, streamed

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""The drivers that are installed; a URL may name another one."""

_MYSQL = ("SET time_zone = '+00:00'", "START TRANSACTION READ ONLY")
_SESSION = {
    "postgresql": (
        "SET TRANSACTION READ ONLY",
        "SET LOCAL TimeZone = 'UTC'",
        "SET LOCAL DateStyle = 'ISO'",
        "SET LOCAL client_encoding = 'UTF8'",
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": ("PRAGMA query_only = ON",),
}
"""How a reading transaction begins. Where a kind of database is not named, the account's rights are the only guard."""

_CONNECT_S, _SILENT_S = 10, 600
"""A server may think for so long before it sends something; beyond, it is taken for dead."""

_AROUND = timedelta(hours=3)
"""No zone moves its clocks by more than this at once."""


def sql(type: str, title: str, *, fields: tuple[Field, ...] = ()) -> System:
    """A SQL database.

    Args:
        type: Airflow connection type.
        fields: further settings in the connection's extra, beside `time_zone`.
    """
    shown = (
        Field("host", "Database", "postgresql://db.example:5432/erp",
              help="its SQLAlchemy URL without user and password: postgresql://, mysql://, mariadb://, ..."),
        Field("login", "User", "reader", help="an account that can only read"),
        Field("password", "Password", is_secret=True),
        Field("time_zone", "Time zone", "Europe/Paris", help="of the times that the database keeps without one"),
    )  # fmt: skip
    return System(type, title, Sql, (*shown, *fields))


class Sql:
    """One database. Each query is read in a read-only transaction of its own, to its end or not at all.

    In a query, `:start` and `:end` are the bounds of the window for columns that hold instants (timestamptz, MySQL's
    TIMESTAMP), `:local_start` and `:local_end` those for columns that hold a wall clock (timestamp, DATETIME) in the
    connection's `time_zone`. Other `:names` are given beside the window.

    Records have null, true or false, whole numbers, numbers and texts; decimals and everything else are texts as the
    database writes them. Times are ISO 8601: instants with their offset; wall clocks as instants where the connection has a
    `time_zone` (in the hour that it repeats in autumn its first pass is meant), else without offset, which a cursor refuses.

    Raises, wherever it reads:
        SourceRefused: the account, its password or its rights are not sufficient.
        SourceUnavailable: no connection, or it broke.
        SchemaChanged: a table or column that the query names is not there.
        SourceReplyInvalid: the database cannot answer the query.
        SettingsError: the query needs a `time_zone` and the connection has none; its host is no URL of a database.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.zone = connection.zone("time_zone").key if connection.extra.get("time_zone") else None
        self._engine = _engine(connection)

    def check(self) -> str:
        import sqlalchemy as sa

        with self._reading() as connection:
            connection.execute(sa.text("SELECT 1"))
        return f"{self.connection.name}: answered"

    def close(self) -> None:
        self._engine.dispose()

    def identifier(self, setting: str, default: str) -> str:
        """A setting of the extra that is part of a table's name. Raises SettingsError for what cannot be one."""
        found = str(self.connection.extra.get(setting) or default)
        if not re.fullmatch(r"\w+", found, re.ASCII):
            raise SettingsError(
                f"connection {self.connection.name!r}: {setting} is {found!r}, expected letters, digits, _"
            )
        return found

    def rows(self, query: str, window: Window, **values: object) -> Iterator[dict[str, Any]]:
        """The records of a query."""
        for batch in self.batches(query, window, **values):
            yield from batch.to_pylist()

    def batches(self, query: str, window: Window, **values: object) -> "Iterator[pa.RecordBatch]":
        """The records of a query as Arrow batches of some megabytes: with COPY from PostgreSQL, else through a
        server-side cursor."""
        statement = self._bound(query, window, values)
        read = copied if self._engine.dialect.driver == "psycopg" else streamed
        with self._reading() as connection:
            yield from read(connection, statement, self.zone)

    def _bound(self, query: str, window: Window, values: dict[str, object]) -> "sa.TextClause":
        import sqlalchemy as sa

        statement = sa.text(query)
        asked = statement.compile().params
        known = {"start": window.start, "end": window.end, **values}
        if {"local_start", "local_end"} & asked.keys():
            known["local_start"], known["local_end"] = _local(window, self.connection.zone("time_zone"))
        if unknown := sorted(asked.keys() - known.keys()):
            raise DeclarationError(
                "query", f"no value for ':{unknown[0]}'{nearest(unknown[0], known)} (a colon in a text: \\:)"
            )
        return statement.bindparams(*(self._parameter(name, known[name]) for name in asked))

    def _parameter(self, name: str, value: object) -> "sa.BindParameter[Any]":
        import sqlalchemy as sa

        if not isinstance(value, datetime):
            return sa.bindparam(name, value)
        if self._engine.dialect.name == "sqlite":  # it keeps times as texts and compares them as texts
            return sa.bindparam(name, value.strftime("%Y-%m-%d %H:%M:%S"))
        return sa.bindparam(name, value, type_=sa.DateTime(timezone=value.tzinfo is not None))

    @contextmanager
    def _reading(self) -> "Iterator[sa.Connection]":
        with failures(self.connection.name), self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            try:
                for statement in _SESSION.get(connection.dialect.name, ()):
                    connection.exec_driver_sql(statement)
                yield connection
            except BaseException:
                _abandon(driver)
                connection.invalidate()
                raise


def _engine(connection: Connection) -> "sa.Engine":
    import sqlalchemy as sa

    try:
        url = sa.make_url(connection.url)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        if connection.login:
            url = url.set(username=connection.login, password=connection.password.reveal())
        options = _driver_options(url.get_dialect().driver)
        return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=options)
    except (sa.exc.ArgumentError, ImportError):
        raise SettingsError(
            f"connection {connection.name!r}: its host is not the URL of a database whose driver is installed,"
            " expected such as postgresql://db.example:5432/erp"
        ) from None


def _driver_options(driver: str) -> dict[str, Any]:
    if driver == "psycopg":
        return {"connect_timeout": _CONNECT_S, "tcp_user_timeout": _SILENT_S * 1000}
    if driver == "pymysql":
        from pymysql.constants import FIELD_TYPE as KIND
        from pymysql.converters import conversions

        # Decimals and times stay the texts that the server sends: a date of zeros cannot be anything else.
        texts = (KIND.DECIMAL, KIND.NEWDECIMAL, KIND.DATE, KIND.DATETIME, KIND.TIMESTAMP, KIND.TIME)
        as_sent = {kind: convert for kind, convert in conversions.items() if kind not in texts}
        return {"connect_timeout": _CONNECT_S, "read_timeout": _SILENT_S, "conv": as_sent}
    return {}


def _abandon(driver: Any) -> None:
    """pymysql reads an answer to its end before it closes a connection, however long it is: this one is not read."""
    answer = getattr(driver, "_result", None)
    if answer is not None and hasattr(answer, "unbuffered_active"):
        answer.unbuffered_active = False


def _local(window: Window, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The window on the zone's clocks: exact, but wider by what they are moved where they are moved beside a bound."""

    def clock(moment: datetime, offset: timedelta | None) -> datetime:
        assert offset is not None
        return (moment + offset).replace(tzinfo=None)

    start, end = (sorted(clock(bound, (bound + beside).astimezone(zone).utcoffset()) for beside in (-_AROUND, _AROUND))
                  for bound in (window.start, window.end))  # fmt: skip
    return start[0], end[1]
