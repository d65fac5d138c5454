"""Each platform's simulator with its levers, so that the same tests hold every destination to the contract.

A new destination adds one `Stand` to STANDS: how to reach its simulator, which requests its calls are (so that faults can
be scripted on them), and how somebody else would look at, delete or add a contact there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from audience.activation import destinations
from audience.core.connection import Connection
from audience.core.masked import Secret


@dataclass(frozen=True)
class Stand:
    """One platform.

    Args:
        name: of the destination, and of the simulator below `/`.
        connection: to the simulator at a URL, with its key and no pace.
        requests: what the calls `upsert`, `add`, `remove`, `opt_outs`, `read_back` and, where there are jobs, `poll` ask
            for, as the sandbox's faults match them; a call that makes several requests names the one that writes.
        attributes: what the platform has of a contact by our names of attributes; None for a contact it does not have.
        delete: somebody deletes a contact there by hand.
        join: somebody puts a contact on a list there by hand, making it where needed.
        wrong: fields of a connection whose credentials the platform refuses.
    """

    name: str
    connection: Callable[[str], Connection]
    requests: Mapping[str, str]
    attributes: Callable[[str, str], Mapping[str, Any] | None]
    delete: Callable[[str, str], None]
    join: Callable[[str, str, str], None]
    wrong: Mapping[str, Any] = field(default_factory=lambda: {"password": Secret("a-wrong-key")})

    @property
    def has_jobs(self) -> bool:
        return "poll" in self.requests

    def base_list(self, url: str) -> str:
        return destinations.find(self.name)(self.connection(url)).capabilities.base_list


def _brevo(url: str, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{url}/brevo/v3{path}", json=body, headers={"api-key": "sandbox-brevo-key"})


def _brevo_attributes(url: str, email: str) -> Mapping[str, Any] | None:
    answer = _brevo(url, "GET", f"/contacts/{quote(email, safe='')}")
    return answer.json()["attributes"] if answer.is_success else None


def _brevo_join(url: str, list_name: str, email: str) -> None:
    _brevo(url, "POST", "/contacts", {"email": email})
    lists = _brevo(url, "GET", "/contacts/lists?limit=50").json()["lists"]
    number = next(one["id"] for one in lists if one["name"] == list_name)
    _brevo(url, "POST", f"/contacts/lists/{number}/contacts/add", {"emails": [email]}).raise_for_status()


BREVO = Stand(
    name="brevo",
    connection=lambda url: Connection(
        "brevo", url=f"{url}/brevo", password=Secret("sandbox-brevo-key"), extra={"requests_per_second": 100_000}
    ),
    requests={
        "upsert": "POST /brevo/v3/contacts/import",
        "add": "POST /brevo/v3/contacts/import",
        "remove": "POST /brevo/v3/contacts/lists/{list_id}/contacts/remove",
        "poll": "GET /brevo/v3/processes/{process_id}",
        "opt_outs": "GET /brevo/v3/contacts",
        "read_back": "GET /brevo/v3/contacts/lists/{list_id}/contacts",
    },
    attributes=_brevo_attributes,
    delete=lambda url, email: _brevo(url, "DELETE", f"/contacts/{quote(email, safe='')}").close(),
    join=_brevo_join,
)

STANDS = [BREVO]
