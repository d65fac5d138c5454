"""Airflow connection types, one per kind of system: their forms, and what their Test button does.

Airflow imports a hook class per connection type by its path. All of ours do the same thing, so the classes are made of the
systems that source files and platforms declare: `audience.orchestration.connections.TypeformHook`.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk import Connection as AirflowConnection

from audience.activation import destinations
from audience.activation.destination import Calls
from audience.core.connection import Connection
from audience.core.errors import AudienceError
from audience.core.system import STANDARD, Field, System
from audience.sources.contract import all_sources

PREFIX = "audience_"
"""Of our connection types, so that another provider's `salesforce` is not taken for ours."""


def systems() -> dict[str, System]:
    """Systems by type, sorted; source files of one kind of system share the first one's form.

    A platform that is pushed to adds what it wants to know to the form of the source of its name: they share the connection.
    One without a source declares a `form` of its own.
    """
    found: dict[str, System] = {}
    for source in all_sources():
        found.setdefault(source.system.type, source.system)
    for name in destinations.names():
        destination: Any = destinations.find(name)
        settings: Mapping[str, str] = destination.settings
        system = found.get(name) or System(name, name.title(), partial(Reached, name), destination.form)
        known = {field.name for field in system.fields}
        more = (Field(n, n.replace("_", " ").capitalize(), help=h) for n, h in settings.items() if n not in known)
        found[name] = replace(system, fields=(*system.fields, *more))
    return dict(sorted(found.items()))


class Reached:
    """A platform that only a push opens, as a connection's Test button opens it."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._name, self._connection = name, connection

    def check(self) -> str:
        """Reads the first contact of the list of everybody we manage, or finds that there is no such list yet; where lists
        cannot be read, it says that none is wanted."""
        no_push = Calls(before=lambda _: None, after=lambda _: None, pause=time.sleep)
        destination = destinations.find(self._name)(self._connection)
        with destination.open(no_push) as platform:
            if destination.capabilities.reads_back:
                next(platform.read_back(""), None)
            else:
                platform.ensure_schema(())
        return f"{self._name}: answered"

    def close(self) -> None:
        """`check` has closed what it opened."""


def hook_name(type_: str) -> str:
    """`TypeformHook` of `typeform`."""
    return "".join(part.title() for part in type_.split("_")) + "Hook"


def connection_type(system: System) -> dict[str, Any]:
    """What a provider says of one connection type (Airflow: provider_info.schema.json, `connection-types`)."""
    named = {f.name: f for f in system.fields}
    extra = [f for f in system.fields if f.name not in STANDARD]
    return {
        "connection-type": PREFIX + system.type,
        "hook-name": f"{system.title} (audience)",
        "hook-class-name": f"{__name__}.{hook_name(system.type)}",
        "conn-fields": {
            f.name: {
                "label": f.label,
                "schema": {"type": ["string", "null"]} | ({"format": "password"} if f.is_secret else {}),
                "description": " ".join(filter(None, (f.help, f"Example: {f.example}" if f.example else ""))),
            }
            for f in extra
        },
        "ui-field-behaviour": {
            "hidden-fields": [n for n in (*STANDARD, "schema", "extra") if n not in named],
            "relabeling": {f.name: f.label for f in system.fields if f.name in STANDARD},
            "placeholders": {f.name: f.example for f in system.fields if f.name in STANDARD and f.example},
        },
    }


def of_airflow(found: AirflowConnection) -> Connection:
    """The Airflow connection as sources and destinations see it; its host is the base URL."""
    return Connection.of(
        str(found.conn_id),
        host=found.host or "",
        login=found.login,
        password=found.password,
        port=found.port,
        extra=found.extra_dejson,
    )


class SystemHook(BaseHook):
    """Opens a system from its connection, for the Test button of the connection form."""

    conn_name_attr = "conn_id"
    default_conn_name = ""
    conn_type = ""
    hook_name = ""
    system: System

    def __init__(self, conn_id: str, **_: Any) -> None:
        super().__init__()
        self.conn_id = conn_id

    def test_connection(self) -> tuple[bool, str]:
        """Whether the system answered, and what to read about it; the message holds no secret."""
        try:
            client = self.system.open(of_airflow(self.get_connection(self.conn_id)))
            try:
                return True, client.check()
            finally:
                client.close()
        except AudienceError as error:
            return False, str(error)


def __getattr__(name: str) -> type[SystemHook]:
    for type_, system in systems().items():
        if hook_name(type_) == name:
            said = {"conn_type": PREFIX + type_, "hook_name": f"{system.title} (audience)", "system": system}
            return type(name, (SystemHook,), said)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
