"""How to reach one outside system. Airflow connections become one of these; the command line reads the same variables."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from audience.core.errors import SettingsError
from audience.core.masked import Secret
from audience.core.turns import OwnTurns, Turns


@dataclass(frozen=True)
class Connection:
    """Address and credentials of one system.

    Args:
        url: base URL without a trailing slash.
        password: token, key or password.
        extra: further settings that the source or destination documents; not shown, since some are secret.
        turns: how calls keep the account's rate; those of this process alone, unless the house gives them.
    """

    name: str
    url: str
    login: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    turns: Turns = field(default_factory=OwnTurns, repr=False, compare=False)

    def setting(self, name: str) -> str:
        """A setting of the extra. Raises SettingsError when it is missing."""
        if not (found := self.extra.get(name)):
            raise SettingsError(f"connection {self.name!r}: no {name!r} in its extra")
        return str(found)

    def zone(self, name: str) -> ZoneInfo:
        """A time zone of the extra: `Europe/Paris`. Raises SettingsError when it is missing or no such zone exists."""
        found = self.setting(name)
        try:
            return ZoneInfo(found)
        except (ValueError, KeyError, OSError):
            problem = f"found {name} {found!r}, expected a name such as 'Europe/Paris'"
            raise SettingsError(f"connection {self.name!r}: {problem}") from None

    def secret(self, name: str) -> Secret:
        """A secret setting of the extra. Raises SettingsError when it is missing."""
        return Secret(self.setting(name))

    def at(self, url: str) -> Self:
        """The same connection; at this URL when it names none itself. Raises SettingsError when there is none."""
        if not (self.url or url):
            raise SettingsError(f"connection {self.name!r}: found no host, expected the system's address")
        return self if self.url else replace(self, url=url)

    @classmethod
    def from_environment(cls, name: str, environment: Mapping[str, str]) -> Self:
        """Reads `AIRFLOW_CONN_<NAME>` in Airflow's JSON form, the variable that Airflow itself reads.

        Raises:
            SettingsError: the variable is missing or is not such JSON; its content is never shown.
        """
        variable = f"AIRFLOW_CONN_{name.upper()}"
        text = environment.get(variable)
        if not text:
            raise SettingsError(
                f"connection {name!r}: {variable} is not set; expected JSON such as"
                ' {"conn_type": "http", "host": "https://api.example.com", "password": "..."}'
            )
        try:
            found = json.loads(text)
            return cls.of(name, host=found.get("host") or "", login=found.get("login"), password=found.get("password"),
                          port=found.get("port"), extra=found.get("extra") or {})  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SettingsError(f"connection {name!r}: {variable} is not JSON of a connection") from None

    @classmethod
    def of(cls, name: str, *, host: str, login: str | None, password: str | None, port: int | None,
           extra: Mapping[str, Any] | str) -> Self:  # fmt: skip
        """Builds one from the fields of an Airflow connection; a host without a scheme is reached over https, no host
        means that the system has one address for everybody."""
        settings = json.loads(extra) if isinstance(extra, str) else dict(extra)
        if not isinstance(password or "", str):
            raise TypeError("the password is not a text")
        if not host:
            return cls(name, url="", login=login or "", password=Secret(password or ""), extra=settings)
        url = host if "//" in host else f"https://{host}"
        parts = urlsplit(url)
        if port is not None:
            url = parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
        url = url.rstrip("/")
        return cls(name, url=url, login=login or "", password=Secret(password or ""), extra=settings)
