"""HTTP to a platform: paced, retried within bounds, with the lease checked before every call.

Every call that goes through here sets a state, so it may be made again when its outcome is not known.
"""

import logging
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from audience.activation.destination import Calls, Request
from audience.core.errors import DestinationRefused, DestinationUnavailable
from audience.core.turns import Turns

TRIES = 6
"""Tries of one call that gets no answer or a 5xx; waits between them grow from 0.5 s to 16 s, jittered."""

WAITS = 10
"""429 answers to one call before giving up; each is waited for as long as the platform says."""

SHORT_REST_SECONDS = 60.0
"""A rest up to this is everybody's who calls the account; a longer one is of a quota of its own, per hour or day."""

TIMEOUT_SECONDS = 60.0

for _library in ("httpx", "httpcore"):  # they write each address at INFO and below, and an address may name a contact
    logging.getLogger(_library).setLevel(logging.WARNING)


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed. Read once: it takes 40 ms, and a push has several sessions."""
    return httpx.create_ssl_context()


class Wire:
    """One HTTP session with one platform.

    Args:
        destination: its name, for messages.
        client: with base URL and credentials.
        calls: the lease check before each call, and how to sleep.
        per_second: calls are not made faster than this, by whoever calls the account.
        turns: of the account.
        scope: the rate limit that a path counts for.
        rest_seconds: how long, by an answer's headers, its scope wants to be left alone; None where it does not say.
        is_throttled: whether an answer means "later" and nothing else.
        named: what a path is called in messages and in the request log.
    """

    def __init__(
        self,
        destination: str,
        client: httpx.Client,
        calls: Calls,
        *,
        per_second: float,
        turns: Turns,
        scope: Callable[[str], str] = lambda _: "",
        rest_seconds: Callable[[httpx.Response], float | None] = lambda _: None,
        is_throttled: Callable[[httpx.Response], bool] = lambda answer: answer.status_code == 429,
        named: Callable[[str], str] = lambda path: urlsplit(path).path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._destination, self._client, self._calls = destination, client, calls
        self._per_second, self._turns = per_second, turns
        self._scope, self._rest_seconds, self._clock = scope, rest_seconds, clock
        self._is_throttled, self._named, self._not_before = is_throttled, named, dict[str, float]()

    def pause(self, seconds: float) -> None:
        self._calls.pause(seconds)

    def call(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None, once: bool = False
    ) -> httpx.Response:
        """One answer below 500 that is neither 401, 403 nor 429.

        Args:
            body: sent as JSON; bytes are sent as they are.
            once: it makes something each time it is called, so it is not called again when no answer comes: the next
                run looks first whether it is there.

        Raises:
            DestinationRefused: 401 or 403.
            DestinationUnavailable: no other answer after TRIES tries and WAITS waits.
            LeaseLost: before any of the tries, this run lost its lease.
        """
        name = f"{method} {self._named(path)}"
        shown = f"{self._destination}: {_masked(name)}"
        tries = waits = 0
        while True:
            found, answer = self._once(name, method, path, body, query)
            if answer is not None and self._is_throttled(answer):
                waits += 1
                if waits > WAITS:
                    raise DestinationUnavailable(f"{shown}: still {found} after {WAITS} waits")
                if not self._rest_seconds(answer):
                    self.pause(_backoff(waits))
                continue
            if answer is not None and answer.status_code in (401, 403):
                raise DestinationRefused(f"{shown}: {found}, expected valid credentials")
            if answer is not None and answer.status_code < 500:
                return answer
            tries += 1
            if once or tries >= TRIES:
                raise DestinationUnavailable(f"{shown}: {found} after {tries} tries")
            self.pause(_backoff(tries))

    def _once(self, name: str, method: str, path: str, body: Any, query: Any) -> tuple[str, httpx.Response | None]:
        """What was found, in words without the URL's host or the body, and the answer if there is a whole one."""
        scope = self._scope(path)
        resting = self._not_before.pop(scope, 0.0) - self._clock()
        if (early := max(resting, self._turns.take(self._per_second))) > 0:
            self.pause(early)
        self._calls.before(name)
        began = self._clock()
        try:
            told = {"content": body} if isinstance(body, bytes) else {"json": body}
            answer = self._client.request(method, path, params=query, **told)
        except httpx.HTTPError as error:
            self._calls.log(Request(_masked(name), None, self._clock() - began))
            return type(error).__name__, None
        self._calls.log(Request(_masked(name), answer.status_code, self._clock() - began))
        if rest := self._rest_seconds(answer):
            self._not_before[scope] = self._clock() + rest
            if rest <= SHORT_REST_SECONDS:
                self._turns.rest(rest)
        self._calls.after(name)
        return str(answer.status_code), answer


def _backoff(tries: int) -> float:
    return min(16.0, 0.5 * 2.0 ** (tries - 1)) * (0.5 + random.random())  # noqa: S311 - jitter is no secret


def _masked(call: str) -> str:
    """A call without what names a contact or a thing: parts of its path that hold a digit or an @."""
    return re.sub(r"(?<=/)[^/]*(?:[0-9@]|%40)[^/]*", "*", call)
