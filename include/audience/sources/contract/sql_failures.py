"""What a database's errors mean for a run. Of its own words only those about tables and columns are passed on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from audience.core.errors import SchemaChanged, SourceError, SourceRefused, SourceReplyInvalid, SourceUnavailable

_REFUSED = {"42501", "1044", "1045", "1049", "1142", "1143", "1227", "1698"}
"""No right, wrong user or password, no such database; SQLSTATEs of class 28 beside. PostgreSQL:
https://www.postgresql.org/docs/18/errcodes-appendix.html, MariaDB: https://mariadb.com/kb/en/mariadb-error-codes/"""

_REFUSED_SAID = re.compile(r"authentication failed|no pg_hba\.conf entry|(role|user|database) \S+ does not exist", re.I)
"""libpq has no code for a connection that was not made: https://www.postgresql.org/docs/18/libpq-status.html"""

_GONE = {"42P01", "42703", "3F000", "1054", "1146"}
"""No such table, column or schema."""

_GONE_SAID = re.compile(r"no such (table|column): \S+$")
"""SQLite has one code for every error in a query."""


@contextmanager
def failures(name: str) -> Iterator[None]:
    """Raises the errors of this house for those of SQLAlchemy, its drivers and Arrow. `name` is the connection's."""
    import psycopg
    import pyarrow as pa
    import sqlalchemy as sa

    broken = (sa.exc.OperationalError, sa.exc.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        raise _meaning(name, getattr(error, "orig", error), is_broken=isinstance(error, broken)) from None
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise SourceReplyInvalid(f"{name}: the database sent a text that is not UTF-8") from None


def _meaning(name: str, error: Any, *, is_broken: bool) -> SourceError:
    code, said = _code(error), _said(error)
    if code in _REFUSED or code.startswith("28") or (not code and _is_refused(error, said)):
        return SourceRefused(f"{name}: the database refused{_in_brackets(code)}; check connection {name!r}")
    if code in _GONE or _GONE_SAID.search(said):
        return SchemaChanged(
            f"{name}: {said}{_in_brackets(code)}; the system has changed: nothing was loaded, the last good partitions"
            " stay in use, mend the source file"
        )
    if is_broken:
        return SourceUnavailable(f"{name}: no connection, or it broke{_in_brackets(code)}")
    return SourceReplyInvalid(f"{name}: the database cannot answer the query{_in_brackets(code)}")


def _code(error: Any) -> str:
    """The number that MySQL and MariaDB give, the SQLSTATE that PostgreSQL gives; empty where there is neither."""
    number = error.args[0] if error.args else None
    return str(number if isinstance(number, int) else getattr(error, "sqlstate", None) or "")


def _said(error: Any) -> str:
    """The first line of what the database said."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(primary or (error.args[-1] if error.args else "")).partition("\n")[0]


def _is_refused(error: Any, said: str) -> bool:
    """True when no connection was made because of who asked."""
    tried = getattr(error, "pgconn", None)
    return tried is not None and (tried.needs_password or tried.used_password or bool(_REFUSED_SAID.search(said)))


def _in_brackets(code: str) -> str:
    return f" ({code})" if code else ""
