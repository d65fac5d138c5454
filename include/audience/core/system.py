"""A kind of system: how a person describes it in a connection form, and how it is opened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from audience.core.connection import Connection

STANDARD = ("host", "port", "login", "password")
"""Fields that every Airflow connection has; others are kept in its `extra`."""


class Client(Protocol):
    """An open system. A stream's `fetch` reads from it; streams of a source share it, each in its own thread."""

    def check(self) -> str:
        """Asks the system for something small and says, for a person, that it answered. Raises SourceError."""

    def close(self) -> None:
        """Ends the connections."""


@dataclass(frozen=True)
class Field:
    """One field of the connection form.

    Args:
        name: `host`, `port`, `login`, `password`, or the name of a setting in the connection's `extra`.
        label: what a person reads before it.
        example: what it may look like; never a real value.
        help: where it is found.
        is_secret: masked in the form, in logs and in the connection's repr.
    """

    name: str
    label: str
    example: str = ""
    help: str = ""
    is_secret: bool = False


@dataclass(frozen=True)
class System:
    """One kind of system.

    Args:
        type: Airflow connection type, such as `typeform`.
        title: for people.
        open: builds the client from a connection.
        fields: of the connection form; what is not named is not shown.
    """

    type: str
    title: str
    open: Callable[[Connection], Any]
    fields: tuple[Field, ...]
