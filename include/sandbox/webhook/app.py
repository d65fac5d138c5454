"""`POST /webhook`: checks the signature (standardwebhooks.com), takes each message once, keeps the lists in memory."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from sandbox.server.errors import error, new_app
from sandbox.server.faults import Faults
from sandbox.server.gate import Gate
from sandbox.server.journal import Journal
from sandbox.server.limits import TokenBucket

NAME = "webhook"

SECRET = "sandbox-webhook-secret"  # noqa: S105 - the secret of a sandbox is none

TOLERANCE_SECONDS = 300
"""A message that was signed longer ago could be a replay."""

LARGEST_BODY = 256 * 1024


@dataclass
class Kept:
    """What was told: contact key -> address, by list; and what is known of each contact."""

    lists: dict[str, dict[str, str]] = field(default_factory=dict)
    attributes: dict[str, Mapping[str, object]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    epoch: int = 0

    def take(self, message: Mapping[str, object], contacts: list[Mapping[str, object]]) -> None:
        kind, list_name = message["type"], str(message.get("list", ""))
        if kind == "lists.wanted":
            for name in message.get("lists") or ():  # type: ignore[attr-defined]
                self.lists.setdefault(str(name), {})
        for one in contacts:
            key = str(one["contact_key"])
            if kind == "contacts.erased":
                for members in self.lists.values():
                    members.pop(key, None)
                self.attributes.pop(key, None)
            elif kind == "members.removed":
                self.lists.setdefault(list_name, {}).pop(key, None)
            else:
                self.lists.setdefault(list_name, {})[key] = str(one["email"])
            if kind == "contacts.upserted":
                self.attributes[key] = dict(one.get("attributes") or {})  # type: ignore[call-overload]


class Webhook:
    """The simulated endpoint."""

    name = NAME

    def __init__(self, journal: Journal, faults: Faults, now: Callable[[], float] = time.time) -> None:
        self.kept = Kept()
        app = webhook_app(self, journal, now)
        self.gate = Gate(
            NAME, f"/{NAME}", app, journal, faults, lambda *_: None, default_bucket(), error(429, "too fast")
        )

    def lists(self) -> dict[str, list[str]]:
        return {name: sorted(members.values()) for name, members in sorted(self.kept.lists.items())}

    def opted_out(self) -> dict[str, str]:
        return {}

    def opt_out(self, email: str, reason: str) -> None:
        """An endpoint tells nobody who opted out there."""

    def reset(self) -> None:
        self.kept = Kept()

    def set_limit(self, limit: Mapping[str, int]) -> None:
        self.gate.limiter = default_bucket(**limit)

    def set_delay(self, seconds: float) -> None:
        """It does everything at once."""


def default_bucket(rate: float = 50, burst: int = 100) -> TokenBucket:
    return TokenBucket(rate=rate, burst=burst)


def webhook_app(webhook: Webhook, journal: Journal, now: Callable[[], float]) -> FastAPI:
    app = new_app("sandbox webhook")

    @app.get("/contacts/{contact_key}")
    async def read(contact_key: str) -> Response:
        """For tests: what is known of a contact."""
        if contact_key not in webhook.kept.attributes:
            raise error(404, "not known")
        return JSONResponse(dict(webhook.kept.attributes[contact_key]))

    @app.post("/")
    async def take(request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST_BODY:
            raise error(413, "too large")
        if not _is_signed(request, body, now()):
            raise error(401, "webhook-signature: missing or wrong")
        message = json.loads(body)
        contacts = list(message.get("contacts") or ())
        refused = request.scope["sandbox.fault_body"] if request.scope["sandbox.fault"] == "refuse_records" else None
        bad = [c for c in contacts if c.get("email") in (refused or ())]
        taken = [c for c in contacts if c not in bad]
        if message["epoch"] >= webhook.kept.epoch and request.headers["webhook-id"] not in webhook.kept.taken:
            webhook.kept.epoch = message["epoch"]
            webhook.kept.taken.add(request.headers["webhook-id"])
            webhook.kept.take(message, taken)
            if contacts:
                emails = [str(c.get("email", "")) for c in taken]
                journal.accepted(NAME, f"POST {message['type']}", emails, list_name=message.get("list"))
        told = [{"contact_key": c["contact_key"], "reason": "not_wanted"} for c in bad]
        return JSONResponse({"refused": told} if told else {})

    return app


def _is_signed(request: Request, body: bytes, now: float) -> bool:
    number, at = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not number or not at.isdecimal() or abs(now - int(at)) > TOLERANCE_SECONDS:
        return False
    digest = hmac.digest(SECRET.encode(), f"{number}.{at}.".encode() + body, hashlib.sha256)
    wanted = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(one, wanted) for one in request.headers.get("webhook-signature", "").split())
