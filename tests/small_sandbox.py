"""A small demo town: about 170 people, what its systems say and how they fail."""

from dataclasses import dataclass
from typing import Any

import httpx

from audience.core.connection import Connection
from audience.core.masked import Secret

PEOPLE = 150
"""Buyers; some more people are known who never bought."""

PLACES = {
    "crm": ("/crm", "sandbox-crm-token"),
    "shop": ("/shop", "sandbox-shop-key"),
    "newsletter": ("/brevo/inbox", "sandbox-inbox-token"),
}


@dataclass(frozen=True)
class SmallSandbox:
    url: str

    def connection(self, source: str, *, password: str | None = None) -> Connection:
        prefix, key = PLACES[source]
        return Connection(source, url=self.url + prefix, password=Secret(password or key))

    def truth(self) -> dict[str, Any]:
        return httpx.get(f"{self.url}/_control/truth").json()  # type: ignore[no-any-return]

    def requests(self) -> dict[str, Any]:
        return httpx.get(f"{self.url}/_control/requests").json()  # type: ignore[no-any-return]

    def fault(self, match: str, kind: str = "status", **more: object) -> None:
        httpx.post(f"{self.url}/_control/faults", json={"match": match, "kind": kind, **more}).raise_for_status()

    def calm(self) -> None:
        """No faults, no limits, nothing counted."""
        httpx.delete(f"{self.url}/_control/faults").raise_for_status()
        httpx.post(f"{self.url}/_control/limits", json={"shop": None}).raise_for_status()
        httpx.post(f"{self.url}/_control/reset", json={}).raise_for_status()
