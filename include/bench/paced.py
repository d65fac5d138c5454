"""A first push while the platform's documented rate binds: `activate`, and a raw loop of the very requests that it made.

The sandbox keeps the platform's limits, so the rate is simulated. The raw loop sends the same bytes from memory, one request
at each moment that the rate gives: whatever `activate` takes longer is the client's.
"""

import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.diff import EACH, LISTS
from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, KEY, Place
from bench.sandbox_server import running_sandbox, url_of
from bench.town import fresh_warehouse, opened, settle

if TYPE_CHECKING:
    import httpx

MOST = {"brevo": 40_000, "hubspot": 20_000}
"""Contacts pushed at most: what a bounded time of 19 or 10 requests a second has room for."""

KEPT = ("content-type", "authorization", "api-key")


def measure_paced(place: Place) -> list[Step]:
    """One step for each platform. Its calls take, at best, the time that its limit says."""
    with running_sandbox(place, people=50):
        return [_measured(platform, place) for platform in MOST]


def _measured(platform: str, place: Place) -> Step:
    _begin_anew(platform, place)
    with _town(platform, place) as contacts:
        mine, raw = run(partial(ours, platform), place), run(partial(limit, platform), place)
    (calls, own_s, digest) = mine.answer
    equal("paced", replace(mine, answer=digest), raw)
    what = f"{contacts:,} contacts, {calls:,} calls; processor {1000 * own_s / max(calls, 1):.1f} ms a call"
    return Step(f"push at the rate of {platform}", what, mine, raw, "the same requests at the rate, raw")


def ours(platform: str, place: Place, watch: Stopwatch) -> object:
    """Calls made, the processor's seconds of this process, and what the platform has then."""
    import httpx

    from audience.activation.push import activate

    asked: list[tuple[str, str, dict[str, str], bytes]] = []
    sent = httpx.Client.send

    def noted(client: httpx.Client, request: httpx.Request, **more: Any) -> httpx.Response:
        headers = {k: v for k, v in request.headers.items() if k in KEPT}
        asked.append((request.method, str(request.url), headers, request.read()))
        return sent(client, request, **more)

    httpx.Client.send = noted  # type: ignore[method-assign, assignment]
    with opened(place, "paced") as warehouse:
        began = time.process_time()
        with watch.lap():
            report = activate(_destination(platform, place), warehouse=warehouse, key=KEY, as_of=DAY, holder="bench")
        own_s = time.process_time() - began
    assert report.in_sync, report
    _tape(place).write_bytes(pickle.dumps(asked))
    return len(asked), own_s, _there(platform, place)


def limit(platform: str, place: Place, watch: Stopwatch) -> object:
    import httpx

    asked = pickle.loads(_tape(place).read_bytes())  # noqa: S301 - written by `ours`
    _begin_anew(platform, place)
    interval = 1 / _destination(platform, place).per_second
    with httpx.Client(timeout=60) as api, watch.lap():
        turn = time.monotonic()
        for method, url, headers, content in asked:
            time.sleep(max(0.0, turn - time.monotonic()))
            turn = max(turn, time.monotonic()) + interval
            _sent(api, method, url, headers, content)
    return _there(platform, place)


def _begin_anew(platform: str, place: Place) -> None:
    """The platform knows nobody, whatever an earlier run left there, and keeps its documented limits."""
    import httpx

    httpx.post(f"{url_of(place)}/_control/reset", json={platform: True}, timeout=60).raise_for_status()
    httpx.post(f"{url_of(place)}/_control/limits", json={platform: {}}).raise_for_status()


def _sent(api: "httpx.Client", method: str, url: str, headers: dict[str, str], content: bytes) -> None:
    """Until it is taken; a look at a job until the job is over, which what comes next relies on."""
    while True:
        answer = api.request(method, url, headers=headers, content=content)
        still_runs = answer.is_success and "/processes/" in url and answer.json()["status"] != "completed"
        if answer.status_code != 429 and not still_runs:
            return
        time.sleep(1)


@contextmanager
def _town(platform: str, place: Place) -> Iterator[int]:
    contacts = min(place.people, MOST[platform])
    with fresh_warehouse(place, "paced") as warehouse:
        settle(warehouse, contacts, lists=LISTS // 20, each=EACH, platform=platform)
        yield contacts


def _destination(platform: str, place: Place) -> Any:
    from audience.activation import destinations
    from audience.core.connection import Connection
    from audience.core.masked import Secret

    key = {"brevo": "sandbox-brevo-key", "hubspot": "sandbox-hubspot-token"}[platform]
    extra = {"subscription_id": "7461233"}
    return destinations.find(platform)(
        Connection(platform, url=f"{url_of(place)}/{platform}", password=Secret(key), extra=extra)
    )


def _tape(place: Place) -> Path:
    return place.folder / "paced.requests"


def _there(platform: str, place: Place) -> str:
    """A digest of who is on which list."""
    import hashlib
    import json

    import httpx

    lists = httpx.get(f"{url_of(place)}/_control/{platform}/lists", timeout=60).raise_for_status().json()
    told = json.dumps({name: sorted(people) for name, people in lists.items()}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
