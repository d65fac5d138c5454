"""Brevo, through its REST API v3 (developers.brevo.com, seen 2026-11-22; limits at /docs/api-limits).

Every contact we manage is on the list `audience` of the folder `audience`; each segment is a list of that folder.
`emailBlacklisted` is never written, an e-mail address never changed: Brevo re-subscribes a block-listed contact whose
address changes. So whoever opted out there stays opted out, whatever we send.
"""

import csv
import io
import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from audience.activation.answers import code, json_object
from audience.activation.destination import (
    Answer,
    Calls,
    Capabilities,
    Job,
    Listed,
    OptOut,
    Platform,
    Refusal,
    Results,
    Shown,
)  # fmt: skip
from audience.activation.wire import TIMEOUT_SECONDS, Wire, trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, DestinationUnavailable
from audience.core.masked import Personal
from audience.core.turns import OwnTurns
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver, Recipient, SendableAudience

FOLDER = BASE_LIST = "audience"

IMPORT_BYTES = 8 * 1000 * 1000
"""Largest body of one import: 10 MB are allowed, 8 MB advised (reference of POST /contacts/import)."""

REQUESTS_PER_SECOND = 10.0
"""Limit of /contacts* in the standard plan. Other plans say so in the connection extra `requests_per_second`."""

PAGE = 500
"""Contacts per page: the most that GET /contacts/lists/{id}/contacts gives."""

BY_ADDRESS = {"identifierType": "email_id"}
"""Or an address that is a number would be taken for an id."""

SCARCE = 20
"""/processes allows 100 requests an hour. With fewer than this left, polls spread over the rest of the hour."""


class Brevo:
    """One Brevo account.

    Args:
        connection: `url` such as https://api.brevo.com (or a path before /v3), `password` the API key.
        clock: seconds, for pacing.
    """

    name = "brevo"
    capabilities = Capabilities(
        upsert_batch=20_000, add_batch=20_000, remove_batch=150, base_list=BASE_LIST, jobs_at_once=4, engagement="brevo"
    )
    settings: ClassVar[Mapping[str, str]] = {
        "requests_per_second": "Calls a second that your plan allows for /contacts (10, 20 with Pro, 60 with Enterprise)."
    }

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self.per_second = float(connection.extra.get("requests_per_second", REQUESTS_PER_SECOND))

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        key = self._connection.password.reveal()
        url = f"{self._connection.at('https://api.brevo.com').url}/v3"
        api = httpx.Client(base_url=url, headers={"api-key": key}, timeout=TIMEOUT_SECONDS, verify=trusted())
        files = httpx.Client(timeout=TIMEOUT_SECONDS, verify=trusted())  # reports lie elsewhere: they never see the key
        with api, files:
            yield _Account(
                Wire(self.name, api, calls, per_second=self.per_second, turns=self._connection.turns, scope=_scope,
                     rest_seconds=_Windows(self._clock).rest_seconds, clock=self._clock),
                Wire(self.name, files, calls, per_second=self.per_second, turns=OwnTurns(), clock=self._clock),
            )  # fmt: skip


class _Account:
    """An open account: what `Platform` promises, in Brevo's calls."""

    def __init__(self, wire: Wire, files: Wire) -> None:
        self._wire, self._files = wire, files
        self._folder: int | None = None
        self._lists: dict[str, int] = {}

    # -- reading ---------------------------------------------------------------------------------------------------

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        query = {"sort": "asc"}
        if since is not None:
            query["modifiedSince"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        for contact in self._pages("/contacts", "contacts", query, page=1000):
            if contact.get("emailBlacklisted") and contact.get("email"):
                yield OptOut(Shown(email=Personal(contact["email"])), "blocklist", _instant(contact["modifiedAt"]))

    def read_back(self, list_name: str) -> Iterator[Listed]:
        if (number := self._number_of(list_name)) is None:
            return
        for contact in self._pages(f"/contacts/lists/{number}/contacts", "contacts", {"sort": "asc"}):
            if contact.get("email"):
                out = _instant(contact["modifiedAt"]) if contact.get("emailBlacklisted") else None
                yield Listed(Shown(email=Personal(contact["email"])), out, _shown(contact.get("attributes") or {}))

    # -- schema ------------------------------------------------------------------------------------------------------

    def ensure_schema(self, lists: Collection[str]) -> None:
        known = {a["name"] for a in self._get("/contacts/attributes").get("attributes", [])}
        for name in [n for n in TEXTS + FLAGS if n not in known]:
            self._make(f"/contacts/attributes/normal/{name}", {"type": "text" if name in TEXTS else "boolean"})
        self._find_lists()
        if self._folder is None:
            self._make("/contacts/folders", {"name": FOLDER})
            self._find_lists()
        if missing := [n for n in (BASE_LIST, *lists) if n not in self._lists]:
            for name in missing:
                self._make("/contacts/lists", {"name": name, "folderId": self._folder})
            self._lists = {}
            self._find_lists()

    def _number_of(self, list_name: str) -> int | None:
        self._find_lists()
        return self._lists.get(list_name or BASE_LIST)

    def _find_lists(self) -> None:
        """Only lists of our own folder count: a list of the same name elsewhere belongs to somebody else.

        Brevo takes a name twice, and a run that was overtaken may make a list a second time with its last call: the first
        one, whose number is the lowest, is the one that all runs find."""
        if self._folder is None:
            folders = self._pages("/contacts/folders", "folders", {}, page=50)
            self._folder = min((f["id"] for f in folders if f["name"] == FOLDER), default=None)
        if self._folder is not None and not self._lists:
            lists = self._pages("/contacts/lists", "lists", {"sort": "asc"}, page=50)
            ours = [(one["id"], one["name"]) for one in lists if one["folderId"] == self._folder]
            self._lists = {name: number for number, name in sorted(ours, reverse=True)}

    # -- writing -----------------------------------------------------------------------------------------------------

    def upsert(self, audience: SendableAudience) -> Answer:
        return self._import(BASE_LIST, [{"email": r.email.reveal(), "attributes": _attributes(r)} for r in audience])

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        return self._import(list_name, [{"email": r.email.reveal()} for r in audience])

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        if (number := self._number_of(list_name)) is None:
            return Results()
        path = f"/contacts/lists/{number}/contacts/remove"
        answer = self._wire.call("POST", path, body={"emails": [_address(v) for v in leavers]})
        if answer.is_success:
            return Results()
        if len(leavers) == 1 and answer.status_code in (400, 404):
            return Results()  # 404: not known; 400: not on the list. Either way not there, and read back later.
        return Results(refused_whole=code(answer, "code"))

    def erase(self, people: Sequence[Leaver]) -> Answer:
        refused = []
        for one in people:
            answer = self._wire.call("DELETE", f"/contacts/{quote(_address(one), safe='')}", query=BY_ADDRESS)
            if not answer.is_success and answer.status_code != 404:
                refused.append(Refusal(Shown(contact_key=one.contact_key, email=one.email), code(answer, "code")))
        return Results(refused)

    def _import(self, list_name: str, rows: list[dict[str, Any]]) -> Answer:
        body = {
            "jsonBody": rows,
            "listIds": [self._lists[list_name]],
            "updateExistingContacts": True,
            "emptyContactsAttributes": list_name == BASE_LIST,  # nothing else carries attributes
            "disableNotification": True,
        }
        if len(json.dumps(body)) > IMPORT_BYTES:
            return Results(refused_whole="too large")
        answer = self._wire.call("POST", "/contacts/import", body=body)
        return (
            Job(str(json_object(answer, "brevo")["processId"]))
            if answer.is_success
            else Results(refused_whole=code(answer, "code"))
        )

    def poll(self, job: Job) -> Answer:
        answer = self._wire.call("GET", f"/processes/{job.job_id}")
        if not answer.is_success:
            return Results(refused_whole=code(answer, "code"))  # 404: not known any more, so nobody knows what it did
        process = json_object(answer, "brevo")
        if process.get("status") not in ("completed", "failed", "cancelled"):
            return Job(job.job_id, look_after=_spread_seconds(answer))
        if process["status"] != "completed":
            return Results(refused_whole=f"import {process['status']}")
        reports = ((process.get("info") or {}).get("import") or {}).items()
        return Results([
            Refusal(Shown(email=Personal(email)), kind)
            for kind, url in sorted(reports)
            if isinstance(url, str) and url
            for email in sorted(self._addresses_in(url))
        ])  # fmt: skip

    def _addresses_in(self, url: str) -> Iterable[str]:
        """Every cell of a result file, as a canonical address would be written."""
        text = self._files.call("GET", url).text
        return {cell.strip().lower() for line in csv.reader(io.StringIO(text), delimiter=";") for cell in line}

    # -- calls -------------------------------------------------------------------------------------------------------

    def _get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        return json_object(self._expect(self._wire.call("GET", path, query=query), path), "brevo")

    def _make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Makes something; an attribute that another run made meanwhile is there as well."""
        answer = self._wire.call("POST", path, body=body, once=True)
        if code(answer, "code") == "400 duplicate_parameter":
            return {}
        return json_object(self._expect(answer, path), "brevo") if answer.content else {}

    def _pages(self, path: str, rows: str, query: dict[str, Any], page: int = PAGE) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            found = self._get(path, {**query, "limit": page, "offset": offset}).get(rows)
            if not isinstance(found, list):
                raise DestinationUnavailable(f"brevo: {path}: an answer without {rows!r}")
            yield from found
            if len(found) < page:
                return
            offset += page

    def _expect(self, answer: httpx.Response, path: str) -> httpx.Response:
        if not answer.is_success:
            raise DestinationRefused(f"brevo: {path}: {code(answer, 'code')}")
        return answer


DESTINATION = Brevo


def _attributes(recipient: Recipient) -> dict[str, Any]:
    """Every attribute; one that is not known is sent empty, and Brevo then empties it."""
    values = (recipient.first_name, recipient.last_name, recipient.open_tracking, recipient.click_tracking)
    named = zip(TEXTS + FLAGS, values, strict=True)
    return {n: v.reveal() if isinstance(v, Personal) else "" if v is None else v for n, v in named}


def _shown(attributes: dict[str, Any]) -> dict[str, Personal | bool]:
    found: dict[str, Personal | bool] = {n: Personal(str(attributes[n])) for n in TEXTS if attributes.get(n)}
    return found | {n: bool(attributes[n]) for n in FLAGS if n in attributes}


def _address(leaver: Leaver) -> str:
    if leaver.email is None:
        raise DestinationRefused("brevo: a contact without an address, expected the one that it has there")
    return leaver.email.reveal()


def _scope(path: str) -> str:
    """/contacts* has a limit per second, what the table of limits does not list a small one per hour."""
    return "contacts" if path.startswith("/contacts") else "unlisted"


class _Windows:
    """How long to rest, before a 429 as after one. Brevo tells it in whole seconds, rounded up, which for a window of one
    second is up to all of it; the first answer of such a window tells better."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._left, self._began = clock, 0, 0.0

    def rest_seconds(self, answer: httpx.Response) -> float | None:
        reset = _reset_seconds(answer)
        if answer.status_code == 429 or reset is None:
            return reset
        left = int(answer.headers.get("x-sib-ratelimit-remaining", "1"))
        if reset > 1:
            return reset if left == 0 else None
        if left >= self._left:
            self._began = self._clock()
        self._left = left
        return max(0.0, self._began + 1 - self._clock()) if left == 0 else None


def _reset_seconds(answer: httpx.Response) -> float | None:
    """Brevo sends no Retry-After, but the seconds until its window starts anew."""
    try:
        return max(0.0, float(answer.headers["x-sib-ratelimit-reset"]))
    except (KeyError, ValueError):
        return None


def _spread_seconds(answer: httpx.Response) -> float:
    """How far apart the requests that are left have to be, when they are scarce; else 0."""
    try:
        left = int(answer.headers["x-sib-ratelimit-remaining"])
    except (KeyError, ValueError):
        return 0.0
    return (_reset_seconds(answer) or 0.0) / max(left, 1) if left < SCARCE else 0.0


def _instant(text: str) -> datetime:
    """Brevo writes `2026-11-20T08:00:00.000+01:00` or `...Z`."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
