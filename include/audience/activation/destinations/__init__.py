"""The platforms: each module of this folder is one, and names its class `DESTINATION`."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from audience.core.connection import Connection
from audience.core.errors import DeclarationError, nearest

if TYPE_CHECKING:
    from audience.activation.destination import Destination


def names() -> list[str]:
    """Every platform there is a file for, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__))


def in_use(environment: Mapping[str, str]) -> list[str]:
    """The platforms that AUDIENCE_DESTINATIONS names, every one when it is not set; sorted.

    Raises:
        DeclarationError: it names a platform that there is no file for.
    """
    named = [n.strip() for n in environment.get("AUDIENCE_DESTINATIONS", "").split(",") if n.strip()]
    for name in named:
        if name not in names():
            raise DeclarationError("AUDIENCE_DESTINATIONS", f"no platform {name!r}{nearest(name, names())}")
    return sorted(set(named)) or names()


def knowing_by_key() -> list[str]:
    """The platforms that name contacts by our contact key, sorted."""
    modules = ((name, importlib.import_module(f"{__name__}.{name}")) for name in names())
    return [name for name, module in modules if module.DESTINATION.capabilities.knows_by_key]


def find(name: str) -> "Callable[[Connection], Destination]":
    """What makes a destination of this platform from a connection. Raises DeclarationError with the nearest name."""
    if name not in names():
        raise DeclarationError("destination", f"no platform {name!r}{nearest(name, names())}")
    found: Callable[[Connection], Destination] = importlib.import_module(f"{__name__}.{name}").DESTINATION
    return found
