"""A first push to the sandbox's e-mail platform: `activate`, a raw loop of the same calls, and one call per contact."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.measure import Step, Stopwatch, Usual, equal, run
from bench.place import DAY, KEY, Place
from bench.sandbox_server import running_sandbox, url_of
from bench.town import fresh_warehouse, settle, tidy

if TYPE_CHECKING:
    import httpx

    from audience.core.warehouse import Warehouse

MOST = 5_000
"""Contacts pushed at most: the sandbox is one Python process, and it is not what is measured."""
SAMPLE = 300
API_KEY = "sandbox-brevo-key"
ATTRIBUTES = {"FIRSTNAME": "text", "LASTNAME": "text", "OPEN_TRACKING": "boolean", "CLICK_TRACKING": "boolean"}


@dataclass
class _Waits:
    """Adds up the time between a call and its answer."""

    seconds: float = 0.0
    since: float = 0.0

    def at_call(self, moment: str) -> None:
        if moment.startswith("before "):
            self.since = time.perf_counter()
        else:
            self.seconds += time.perf_counter() - self.since


def measure_push(place: Place) -> Step:
    """From a planned first push to the platform read back; its limits are lifted, its answers immediate."""
    with running_sandbox(place, people=50):
        mine, raw, single = run(ours, place), run(limit, place), run(usual, place)
    (platform, own_s) = mine.answer
    equal("push", replace(mine, answer=platform), raw)
    contacts, calls = platform[0], platform[-1]
    size = f"{contacts:,} contacts, {sum(n for _, n in calls)} calls; own work {own_s:.1f} s"
    by_one = Usual.of("one call per contact", single, min(1.0, SAMPLE / contacts))
    return Step("push", size, mine, raw, "raw loop of these calls", by_one)


def ours(place: Place, watch: Stopwatch) -> object:
    """What the platform has afterwards, and the seconds of the best lap that were not spent waiting for its answers."""
    import sqlalchemy as sa

    from audience.activation.destinations.brevo import Brevo
    from audience.activation.push import activate
    from audience.core.connection import Connection
    from audience.core.masked import Secret

    extra = {"requests_per_second": 1_000_000}
    brevo = Brevo(Connection("brevo", url=f"{url_of(place)}/brevo", password=Secret(API_KEY), extra=extra))
    own_s = math.inf
    with _told_town(place) as warehouse:
        while watch.again():
            _forget(place)
            with warehouse.begin() as connection:
                connection.execute(sa.text("TRUNCATE push.item, push.plan, push.acknowledged, push.lease CASCADE"))
            tidy(warehouse)
            waits = _Waits()
            with watch.lap():
                report = activate(
                    brevo, warehouse=warehouse, key=KEY, as_of=DAY, holder="bench",
                    sleep=lambda _: None, at_call=waits.at_call,
                )  # fmt: skip
            assert report.in_sync, report
            own_s = min(own_s, watch.seconds[-1] - waits.seconds)
    return _platform(place), own_s


def limit(place: Place, watch: Stopwatch) -> object:
    """The same calls in the same order, from rows that lie ready in memory; nothing is decided, checked or noted."""
    import httpx

    with _told_town(place) as warehouse:
        people, lists = _desired(warehouse)
    while watch.again():
        _forget(place)
        with watch.lap():
            with httpx.Client(base_url=f"{url_of(place)}/brevo/v3", headers={"api-key": API_KEY}, timeout=60) as api:
                _raw_push(api, people, lists)
    return _platform(place)


def usual(place: Place, watch: Stopwatch) -> object:
    """`POST /contacts` for each contact with its lists."""
    import httpx

    with _told_town(place) as warehouse:
        people, lists = _desired(warehouse)
    some = people[:SAMPLE]
    while watch.again():
        _forget(place)
        with httpx.Client(base_url=f"{url_of(place)}/brevo/v3", headers={"api-key": API_KEY}, timeout=60) as api:
            numbers = _make_lists(api, [*lists])
            member = {name: {m["email"] for m in members} for name, members in lists.items()}
            with watch.lap():
                for one in some:
                    on = [
                        number for name, number in numbers.items() if name == "audience" or one["email"] in member[name]
                    ]
                    body = {**one, "listIds": on, "updateEnabled": True}
                    api.post("/contacts", json=body).raise_for_status()
    return len(some)


def _raw_push(api: "httpx.Client", people: list[dict[str, Any]], lists: dict[str, list[dict[str, Any]]]) -> None:
    _pages(api, "/contacts", 1000)
    numbers = _make_lists(api, [*lists])
    for name, rows in {"audience": people, **lists}.items():
        for start in range(0, len(rows), 20_000):
            body = {
                "jsonBody": rows[start : start + 20_000],
                "listIds": [numbers[name]],
                "updateExistingContacts": True,
                "emptyContactsAttributes": False,
                "disableNotification": True,
            }
            process = api.post("/contacts/import", json=body).raise_for_status().json()["processId"]
            while api.get(f"/processes/{process}").raise_for_status().json()["status"] != "completed":
                pass
    for number in numbers.values():
        _pages(api, f"/contacts/lists/{number}/contacts", 500)


def _make_lists(api: "httpx.Client", names: list[str]) -> dict[str, int]:
    known = {a["name"] for a in api.get("/contacts/attributes").raise_for_status().json()["attributes"]}
    for name in [n for n in ATTRIBUTES if n not in known]:
        kind = ATTRIBUTES[name]
        api.post(f"/contacts/attributes/normal/{name}", json={"type": kind}).raise_for_status()
    api.get("/contacts/folders").raise_for_status()
    folder = api.post("/contacts/folders", json={"name": "audience"}).raise_for_status().json()["id"]
    made = {}
    _read_back(api, "/contacts/folders", "/contacts/lists")
    for name in ("audience", *names):
        body = {"name": name, "folderId": folder}
        made[name] = api.post("/contacts/lists", json=body).raise_for_status().json()["id"]
    _read_back(api, "/contacts/lists")
    return made


def _read_back(api: "httpx.Client", *paths: str) -> None:
    """What was just made is found by name: two runs may have made it at once."""
    for path in paths:
        api.get(path, params={"limit": 50, "offset": 0}).raise_for_status()


def _pages(api: "httpx.Client", path: str, page: int) -> None:
    offset = 0
    while True:
        query: dict[str, str | int] = {"limit": page, "offset": offset, "sort": "asc"}
        if len(api.get(path, params=query).raise_for_status().json()["contacts"]) < page:
            return
        offset += page


@contextmanager
def _told_town(place: Place) -> "Iterator[Warehouse]":
    with fresh_warehouse(place, "push") as warehouse:
        settle(warehouse, min(place.people, MOST))
        yield warehouse


def _desired(warehouse: "Warehouse") -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Contacts with their attributes, and the members of each list, as the bodies of the calls have them."""
    import sqlalchemy as sa

    from audience.activation.desired import desired
    from audience.privacy.attributes import contacts

    want, known = desired("brevo").subquery("want"), contacts().subquery("known")
    query = sa.select(want.c.list_name, known).join_from(want, known, want.c.contact_key == known.c.contact_key)
    people: list[dict[str, Any]] = []
    lists: dict[str, list[dict[str, Any]]] = {}
    with warehouse.begin() as connection:
        for row in connection.execute(query.order_by(want.c.list_name, known.c.contact_key)):
            if row.list_name:
                lists.setdefault(row.list_name, []).append({"email": row.email})
                continue
            told = (row.first_name, row.last_name, row.open_tracking, row.click_tracking)
            people.append({"email": row.email, "attributes": dict(zip(ATTRIBUTES, told, strict=True))})
    return people, lists


def _forget(place: Place) -> None:
    import httpx

    httpx.post(f"{url_of(place)}/_control/reset", json={"brevo": True}, timeout=60).raise_for_status()


def _platform(place: Place) -> object:
    """Contacts, a digest of who is on which list, and the number of calls of each kind."""
    import hashlib
    import json
    import re

    import httpx

    control = f"{url_of(place)}/_control"
    lists = httpx.get(f"{control}/brevo/lists", timeout=60).raise_for_status().json()
    counted: dict[str, int] = {}
    for call, n in httpx.get(f"{control}/requests", timeout=60).json()["apps"]["brevo"]["calls"].items():
        kind = re.sub(r"/\d+", "/{id}", call)
        counted[kind] = counted.get(kind, 0) + n
    digest = hashlib.sha256(json.dumps(lists, sort_keys=True).encode()).hexdigest()
    return len(lists["audience"]), digest, sorted(counted.items())
