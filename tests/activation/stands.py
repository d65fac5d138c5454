"""Each platform's simulator with its levers, so that the same tests hold every destination to the contract.

A new destination adds one `Stand` to STANDS: how to reach its simulator, which requests its calls are (so that faults can
be scripted on them), and how somebody else would look at, delete or add a contact there.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from activation import folder_desk
from activation.folder_desk import FolderDesk
from activation.platform import PlatformDesk
from audience.activation import destinations
from audience.activation.destination import Capabilities
from audience.activation.salesforce import soap
from audience.activation.wire import trusted
from audience.core.connection import Connection
from audience.core.masked import Secret
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.pseudonym import pseudonym
from key import KEY


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
        segment_prefix: before the name of a segment there.
        wrong: fields of a connection whose credentials the platform refuses; empty where there are none.
        refuses: it may refuse a record and take the others.
        opened: opens a desk of its own in an empty folder, where the platform is none of the sandbox.
    """

    name: str
    connection: Callable[[str], Connection]
    requests: Mapping[str, str]
    attributes: Callable[[str, str], Mapping[str, Any] | None]
    delete: Callable[[str, str], None]
    join: Callable[[str, str, str], None]
    segment_prefix: str = ""
    wrong: Mapping[str, Any] = field(default_factory=lambda: {"password": Secret("a-wrong-key")})
    refuses: bool = True
    opened: Callable[[Path], AbstractContextManager[FolderDesk]] | None = None

    @contextmanager
    def desk(self, platform_url: str, folder: Path) -> "Iterator[Desk]":
        """The platform in its first state, with its levers."""
        if self.opened is not None:
            with self.opened(folder) as desk:
                yield desk
            return
        with httpx.Client(base_url=f"{platform_url}/_control", timeout=60, verify=trusted()) as client:
            found = PlatformDesk(platform_url, client, self.name, self.segment_prefix)
            found.reset()
            yield found

    @property
    def has_jobs(self) -> bool:
        return "poll" in self.requests

    @property
    def can(self) -> Capabilities:
        found: Capabilities = destinations.find(self.name).capabilities  # type: ignore[attr-defined]
        return found

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


class Cloud:
    """Somebody else's integration of the same Marketing Cloud account."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/marketing_cloud"
        asked = {"grant_type": "client_credentials", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        self.token = httpx.post(f"{self.url}/v2/token", json=asked).raise_for_status().json()["access_token"]

    def soap(self, envelope: bytes) -> soap.Reply:
        answer = httpx.post(f"{self.url}/Service.asmx", content=soap.signed(envelope, self.token))
        return soap.read(answer.raise_for_status().content)

    def rows(self, extension: str) -> dict[str, dict[str, str]]:
        """Address -> row."""
        columns = ("SubscriberKey", "EmailAddress", *(TEXTS + FLAGS if extension == "audience" else ()))
        found = self.soap(soap.retrieve(f"DataExtensionObject[{extension}]", columns))
        return {row["EmailAddress"]: dict(row) for row in found.rows}

    def upsert(self, extension: str, row: Mapping[str, str]) -> None:
        place = f"{self.url}/data/v1/async/dataextensions/key:{extension}/rows"
        authorization = {"Authorization": f"Bearer {self.token}"}
        httpx.put(place, json={"items": [row]}, headers=authorization).raise_for_status()

    def delete(self, extension: str, email: str) -> None:
        if row := self.rows(extension).get(email):
            self.soap(soap.delete([soap.row(extension, row["SubscriberKey"])]))


def _cloud_attributes(url: str, email: str) -> Mapping[str, Any] | None:
    row = Cloud(url).rows("audience").get(email)
    return None if row is None else {k: v == "True" if k in FLAGS else v for k, v in row.items()}


def _cloud_join(url: str, list_name: str, email: str) -> None:
    Cloud(url).upsert(f"audience_{list_name}", {"SubscriberKey": pseudonym(email, KEY), "EmailAddress": email})


def _cloud_delete(url: str, email: str) -> None:
    for extension in ("audience", "audience_vip", "audience_new"):
        Cloud(url).delete(extension, email)


MARKETING_CLOUD = Stand(
    name="marketing_cloud",
    connection=lambda url: Connection(
        "marketing_cloud", url=f"{url}/marketing_cloud", login="sandbox-client", password=Secret("sandbox-secret"),
        extra={"requests_per_second": 100_000},
    ),
    requests={
        "upsert": "PUT /marketing_cloud/data/v1/async/dataextensions/{place}/rows",
        "add": "PUT /marketing_cloud/data/v1/async/dataextensions/{place}/rows",
        "remove": "POST /marketing_cloud/Service.asmx",
        "poll": "GET /marketing_cloud/data/v1/async/{request_id}/status",
        "opt_outs": "POST /marketing_cloud/Service.asmx",
        "read_back": "POST /marketing_cloud/Service.asmx",
    },
    attributes=_cloud_attributes,
    delete=_cloud_delete,
    join=_cloud_join,
    segment_prefix="audience_",
)  # fmt: skip


def _webhook_attributes(url: str, email: str) -> Mapping[str, Any] | None:
    answer = httpx.get(f"{url}/webhook/contacts/{pseudonym(email, KEY)}")
    return answer.json() if answer.is_success else None


WEBHOOK = Stand(
    name="webhook",
    connection=lambda url: Connection(
        "webhook", url=f"{url}/webhook/", password=Secret("sandbox-webhook-secret"), extra={"requests_per_second": 100_000}
    ),
    requests=dict.fromkeys(("upsert", "add", "remove"), "POST /webhook/"),
    attributes=_webhook_attributes,
    delete=lambda url, email: None,
    join=lambda url, list_name, email: None,
)  # fmt: skip


def _mailchimp(url: str, method: str, path: str, body: Any = None) -> httpx.Response:
    key = {"authorization": "Bearer sandbox-mailchimp-key-us0"}
    return httpx.request(method, f"{url}/mailchimp/3.0/lists/b4baa94655{path}", json=body, headers=key)


def _mailchimp_attributes(url: str, email: str) -> Mapping[str, Any] | None:
    answer = _mailchimp(url, "GET", f"/members/{email}")
    if not answer.is_success:
        return None
    fields = answer.json()["merge_fields"]
    flags = {"OPEN_TRACKING": "OPENTRACK", "CLICK_TRACKING": "CLICKTRACK"}
    return {"FIRSTNAME": fields.get("FNAME"), "LASTNAME": fields.get("LNAME"),
            **{name: fields.get(tag) == "yes" for name, tag in flags.items()}}  # fmt: skip


def _mailchimp_segments(url: str) -> dict[str, int]:
    return {one["name"]: one["id"] for one in _mailchimp(url, "GET", "/segments?count=100").json()["segments"]}


def _mailchimp_join(url: str, list_name: str, email: str) -> None:
    _mailchimp(url, "PUT", f"/members/{email}", {"email_address": email, "status_if_new": "subscribed"})
    number = _mailchimp_segments(url)[f"audience/{list_name}"]
    _mailchimp(url, "POST", f"/segments/{number}", {"members_to_add": [email]}).raise_for_status()


def _mailchimp_delete(url: str, email: str) -> None:
    """Off every segment, which is as far as a hand may go: whom it archives or deletes no import may bring back."""
    for number in _mailchimp_segments(url).values():
        _mailchimp(url, "POST", f"/segments/{number}", {"members_to_remove": [email]}).raise_for_status()


_MAILCHIMP_SEGMENT = "POST /mailchimp/3.0/lists/{list_id}/segments/{segment_id}"

MAILCHIMP = Stand(
    name="mailchimp",
    connection=lambda url: Connection(
        "mailchimp",
        url=f"{url}/mailchimp/3.0",
        password=Secret("sandbox-mailchimp-key-us0"),
        extra={"audience": "b4baa94655", "requests_per_second": 100_000},
    ),
    requests={
        "upsert": "POST /mailchimp/3.0/batches",
        "add": _MAILCHIMP_SEGMENT,
        "remove": _MAILCHIMP_SEGMENT,
        "poll": "GET /mailchimp/3.0/batches/{batch_id}",
        "opt_outs": "GET /mailchimp/3.0/lists/{list_id}/members",
        "read_back": "GET /mailchimp/3.0/lists/{list_id}/segments/{segment_id}/members",
    },
    attributes=_mailchimp_attributes,
    delete=_mailchimp_delete,
    join=_mailchimp_join,
    segment_prefix="audience/",
)


def _hubspot(url: str, method: str, path: str, body: Any = None) -> httpx.Response:
    token = {"authorization": "Bearer sandbox-hubspot-token"}
    return httpx.request(method, f"{url}/hubspot/crm{path}", json=body, headers=token)


def _hubspot_attributes(url: str, email: str) -> Mapping[str, Any] | None:
    names = {"FIRSTNAME": "firstname", "LASTNAME": "lastname", "OPEN_TRACKING": "audience_open_tracking",
             "CLICK_TRACKING": "audience_click_tracking"}  # fmt: skip
    asked = {"inputs": [{"id": email}], "idProperty": "email", "properties": list(names.values())}
    found = _hubspot(url, "POST", "/objects/2026-09/contacts/batch/read", asked).json()["results"]
    if not found:
        return None
    has = {name: found[0]["properties"][there] for name, there in names.items()}
    return {name: value == "true" if name.endswith("TRACKING") else value for name, value in has.items()}


def _hubspot_join(url: str, list_name: str, email: str) -> None:
    contact = {"id": email, "idProperty": "email", "properties": {}}
    made = _hubspot(url, "POST", "/objects/2026-09/contacts/batch/upsert", {"inputs": [contact]}).json()["results"]
    lists = _hubspot(url, "POST", "/lists/2026-09/search", {"query": f"audience/{list_name}"}).json()["lists"]
    members = f"/lists/2026-09/{lists[0]['listId']}/memberships"
    _hubspot(url, "PUT", f"{members}/add", [made[0]["id"]]).raise_for_status()


def _hubspot_delete(url: str, email: str) -> None:
    read = {"inputs": [{"id": email}], "idProperty": "email"}
    found = _hubspot(url, "POST", "/objects/2026-09/contacts/batch/read", read).json()["results"]
    _hubspot(url, "DELETE", f"/objects/2026-09/contacts/{found[0]['id']}").raise_for_status()


_HUBSPOT_MEMBERSHIPS = "PUT /hubspot/crm/lists/2026-09/{list_id}/memberships/add-and-remove"

HUBSPOT = Stand(
    name="hubspot",
    connection=lambda url: Connection(
        "hubspot",
        url=f"{url}/hubspot",
        password=Secret("sandbox-hubspot-token"),
        extra={"subscription_id": "7461233", "requests_per_second": 100_000},
    ),
    requests={
        "upsert": "POST /hubspot/crm/objects/2026-09/contacts/batch/upsert",
        "add": _HUBSPOT_MEMBERSHIPS,
        "remove": _HUBSPOT_MEMBERSHIPS,
        "opt_outs": "POST /hubspot/crm/objects/2026-09/contacts/search",
        "read_back": "GET /hubspot/crm/lists/2026-09/{list_id}/memberships",
    },
    attributes=_hubspot_attributes,
    delete=_hubspot_delete,
    join=_hubspot_join,
    segment_prefix="audience/",
)


def _sftp_connection(url: str) -> Connection:
    address, _, host_key = url.partition("#")
    return Connection(
        "sftp", url=address, login="shop", password=Secret("sandbox-sftp"), extra={"host_key": host_key}
    )  # fmt: skip


_FOLDER: dict[str, Any] = {
    "requests": folder_desk.REQUESTS,
    "attributes": lambda url, email: folder_desk.DESKS[url].attributes(email),
    "delete": lambda url, email: folder_desk.DESKS[url].delete(email),
    "join": lambda url, list_name, email: folder_desk.DESKS[url].join(list_name, email),
    "refuses": False,
}

FILE = Stand(
    "file", lambda url: Connection("file", url=url), wrong={}, opened=folder_desk.file_desk, **_FOLDER
)  # fmt: skip
SFTP = Stand("sftp", _sftp_connection, opened=folder_desk.sftp_desk, **_FOLDER)

Desk = PlatformDesk | FolderDesk

STANDS = [BREVO, MAILCHIMP, HUBSPOT, MARKETING_CLOUD, WEBHOOK, FILE, SFTP]
