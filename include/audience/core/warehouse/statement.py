"""Statements that are written once: to build and write a large one anew takes longer than to run it for a hundred rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


def given(name: str, kind: Any = None) -> Any:
    """A value that a statement leaves open: `Statement.run` is given it. Its type where nothing beside it tells."""
    return sa.bindparam(name, None, type_=kind)


@dataclass(frozen=True)
class Statement:
    """SQL as the driver takes it. `values` are those it was built with; those it leaves open are given to `run`."""

    text: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, built: sa.ClauseElement) -> Self:
        """What is `given` in it is left open; no other value may be None."""
        written = built.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        return cls(str(written), dict(written.params))

    @property
    def open(self) -> set[str]:
        """Names of the values that it leaves open."""
        return {name for name, value in self.values.items() if value is None}

    def run(self, connection: sa.Connection, **values: Any) -> sa.CursorResult[Any]:
        """Rows have the names of what is selected, and the driver's types.

        Raises:
            TypeError: a value is given that the statement does not leave open, or one is missing.
        """
        if values.keys() != self.open:
            raise TypeError(f"found values {sorted(values)}, expected {sorted(self.open)}")
        return connection.exec_driver_sql(self.text, {**self.values, **values})
