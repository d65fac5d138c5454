"""A webhook: any HTTP endpoint that is told what to set, in signed batches (standardwebhooks.com, seen 2026-11-22).

`POST <url>` with `{"type", "epoch", "list", "contacts"}`; `type` is `contacts.upserted`, `members.added`, `members.removed`,
`contacts.erased`, or `lists.wanted`, which comes first, names all `lists` and has no contacts. Each contact has `contact_key`
and `email`, and with `contacts.upserted` `attributes`; a removed or erased one may have no `email` any more.

    webhook-id         of the message: a message that is sent again has the same one
    webhook-timestamp  seconds since 1970, of this try
    webhook-signature  v1,<base64 of HMAC-SHA256 over "<id>.<timestamp>.<body>" with the secret>

An answer of 2xx took all of it, but for `{"refused": [{"contact_key", "reason"}]}` in its body. 400, 413 and 422 refuse the
whole, which is then cut in two; 429 and 503 are waited for as `Retry-After` says; 401, 403 and whatever else is 3xx or 4xx
ends the push. Every message sets a state and may be taken twice; what is sent later is newer, but for the last message of a
run that froze and was overtaken: its `epoch` is lower than one that came before, and such a message is to be ignored.
The endpoint cannot be read: whether its lists are ours, and who opted out there, is not known here; who says no to it has to
come in by a source.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx

from audience.activation.destination import (
    Answer,
    Calls,
    Capabilities,
    Listed,
    OptOut,
    Platform,
    Refusal,
    Results,
    Shown,
)
from audience.activation.wire import TIMEOUT_SECONDS, Wire, trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, SettingsError
from audience.core.masked import Personal
from audience.core.system import Field
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver, Recipient, SendableAudience

BATCH = 500
"""Contacts of one message: about 100 kB."""

REQUESTS_PER_SECOND = 5.0

TOO_MUCH = (400, 413, 422)
"""Answers that refuse what was sent, and not who sent it."""


class Webhook:
    """An endpoint. Its address is never shown: that of many services is a secret of its own.

    Args:
        connection: `url` the whole address, `password` the secret that both sides know (plain, or `whsec_` and base64).
        clock: seconds, for pacing.
        now: seconds since 1970, for the signature.

    Raises:
        SettingsError: there is no secret, or it is `whsec_` and no base64.
    """

    name = "webhook"
    capabilities = Capabilities(
        upsert_batch=BATCH, add_batch=BATCH, remove_batch=BATCH, base_list="audience", reads_back=False,
        tells_opt_outs=False, knows_by_key=True,
    )  # fmt: skip
    settings: ClassVar[Mapping[str, str]] = {
        "requests_per_second": f"Messages a second; {REQUESTS_PER_SECOND:g} unless this says otherwise."
    }

    form = (
        Field("host", "Address", "https://hooks.example.com/audiences", "where messages are posted"),
        Field("password", "Secret", help="signs the messages; both sides know it", is_secret=True),
    )

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._connection, self._clock, self._now = connection.at(""), clock, now
        self._key = _key_of(connection)
        self.per_second = float(connection.extra.get("requests_per_second", REQUESTS_PER_SECOND))

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        signature = self._signature()
        with httpx.Client(auth=signature, timeout=TIMEOUT_SECONDS, verify=trusted()) as client:
            wire = Wire(
                self.name, client, calls, per_second=self.per_second, turns=self._connection.turns, rest_seconds=self._rest_seconds,
                named=lambda _: "the endpoint", clock=self._clock,
            )  # fmt: skip
            yield _Endpoint(wire, self._connection.url, signature, calls.epoch)

    def _signature(self) -> "_Signature":
        return _Signature(self._key, self._now)

    def _rest_seconds(self, answer: httpx.Response) -> float | None:
        """Retry-After, in seconds or as a date (RFC 9110, section 10.2.3)."""
        said = answer.headers.get("retry-after")
        if answer.status_code not in (429, 503) or said is None:
            return None
        try:
            return float(said)
        except ValueError:
            pass
        try:
            until = parsedate_to_datetime(said)
        except ValueError:
            return None
        return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - self._now())


class _Endpoint:
    """The endpoint during one push: what `Platform` promises, as messages."""

    def __init__(self, wire: Wire, url: str, signature: "_Signature", epoch: int) -> None:
        self._wire, self._url, self._signature, self._epoch = wire, url, signature, epoch

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:  # noqa: ARG002 - nothing is told here
        return iter(())

    def read_back(self, list_name: str) -> Iterator[Listed]:
        raise DestinationRefused(
            f"webhook: list {list_name or 'audience'!r} cannot be read back, expected that nobody asks"
        )

    def poll(self, job: object) -> Answer:
        raise DestinationRefused(f"webhook: found job {job}, expected none")

    def ensure_schema(self, lists: Collection[str]) -> None:
        results = self._tell({"type": "lists.wanted", "lists": sorted(lists), "attributes": [*TEXTS, *FLAGS]})
        if results.refused_whole:
            raise DestinationRefused(f"webhook: lists.wanted: found {results.refused_whole}, expected 2xx")

    def upsert(self, audience: SendableAudience) -> Answer:
        people = [_contact(r.told_as, r.email) | {"attributes": _attributes(r)} for r in audience]
        return self._tell({"type": "contacts.upserted", "list": "audience", "contacts": people})

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        people = [_contact(r.told_as, r.email) for r in audience]
        return self._tell({"type": "members.added", "list": list_name or "audience", "contacts": people})

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        people = [_contact(v.told_as, v.email) for v in leavers]
        return self._tell({"type": "members.removed", "list": list_name or "audience", "contacts": people})

    def erase(self, people: Sequence[Leaver]) -> Answer:
        return self._tell({"type": "contacts.erased", "contacts": [_contact(v.told_as, v.email) for v in people]})

    def _tell(self, message: dict[str, Any]) -> Results:
        self._signature.message_id = f"msg_{uuid.uuid4().hex}"
        body = json.dumps(message | {"epoch": self._epoch}, ensure_ascii=False, separators=(",", ":")).encode()
        answer = self._wire.call("POST", self._url, body=body)
        if answer.status_code in TOO_MUCH:
            return Results(refused_whole=str(answer.status_code))
        if not answer.is_success:
            raise DestinationRefused(f"webhook: {message['type']}: found {answer.status_code}, expected 2xx")
        return _results(answer)


DESTINATION = Webhook


class _Signature(httpx.Auth):
    """Signs each try of the message whose id was set last."""

    requires_request_body = True

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        self._key, self._now, self.message_id = key, now, ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        at = str(int(self._now()))
        signed = f"{self.message_id}.{at}.".encode() + request.content
        digest = base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        request.headers["content-type"] = "application/json"
        request.headers["webhook-id"], request.headers["webhook-timestamp"] = self.message_id, at
        request.headers["webhook-signature"] = f"v1,{digest}"
        yield request


def _key_of(connection: Connection) -> bytes:
    text = connection.password.reveal()
    if not text:
        raise SettingsError(
            f"connection {connection.name!r}: found no password, expected the secret that signs messages"
        )
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise SettingsError(f"connection {connection.name!r}: expected base64 behind whsec_") from None


def _contact(contact_key: str, email: Personal | None) -> dict[str, Any]:
    return {"contact_key": contact_key} | ({"email": email.reveal()} if email is not None else {})


def _attributes(recipient: Recipient) -> dict[str, Any]:
    """All of them: null is not known."""
    values = (recipient.first_name, recipient.last_name, recipient.open_tracking, recipient.click_tracking)
    named = zip(TEXTS + FLAGS, values, strict=True)
    return {name: value.reveal() if isinstance(value, Personal) else value for name, value in named}


def _results(answer: httpx.Response) -> Results:
    """What an answer says of single contacts; one that is no such JSON says nothing. A refusal that names nobody could be
    of anybody: it refuses the whole."""
    try:
        found = answer.json()
    except ValueError:
        return Results()
    said = found.get("refused") if isinstance(found, dict) else None
    if not isinstance(said, list) or not said:
        return Results()
    named = [one for one in said if isinstance(one, dict) and one.get("contact_key")]
    if len(named) < len(said):
        return Results(refused_whole="a refusal without contact_key")
    return Results([Refusal(Shown(str(one["contact_key"])), _code(one.get("reason"))) for one in named])


def _code(reason: object) -> str:
    """A code, and nothing that could be a sentence or an address."""
    return str(reason) if re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", str(reason)) else "refused"
