"""A year of the sandbox shop's orders: extraction into staging, and a raw loop of the same calls."""

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.measure import Step, Stopwatch, equal, run
from bench.place import DAY, Place
from bench.sandbox_server import running_sandbox, url_of

if TYPE_CHECKING:
    from audience.sources.contract import System

MOST = 2_000
"""Buyers served at most: the sandbox is one Python process, and it is not what is measured."""

FIRST = DAY.plus(-364)
SHOP_KEY = "sandbox-shop-key"


def measure_fetch(place: Place) -> Step:
    """From the first call to the staged rows, without rate limits; most of both is waiting for the sandbox."""
    with running_sandbox(place, people=min(place.people, MOST)):
        mine, raw = run(ours, place), run(limit, place)
    equal("fetch", mine, raw)
    return Step("fetch", f"{mine.answer:,} orders of a year over HTTP", mine, raw, "raw loop of these calls, JSON read")


def ours(place: Place, watch: Stopwatch) -> object:
    from audience.core.connection import Connection
    from audience.core.lake import Lake
    from audience.core.masked import Secret
    from audience.sources.contract import extract, source_named

    shop = source_named("shop")
    orders = replace(shop, streams=tuple(s for s in shop.streams if s.name == "orders"))
    unpaced = replace(orders, system=_unpaced(orders.system))
    connection = Connection("shop", url=f"{url_of(place)}/shop", password=Secret(SHOP_KEY))
    lake = Lake.at(place.folder / "fetch")
    found = 0
    while watch.again():
        with watch.lap():
            extraction = extract(unpaced, connection, lake, first=FIRST, last=DAY)
        found = extraction.rows["order"] + extraction.rows["_broken"]
    return found


def limit(place: Place, watch: Stopwatch) -> object:
    import httpx

    found = 0
    between = {"updated_from": FIRST.window.start.isoformat(), "updated_to": DAY.window.end.isoformat()}
    with httpx.Client(base_url=f"{url_of(place)}/shop", headers={"X-Api-Key": SHOP_KEY}, timeout=60) as api:
        while watch.again():
            found, page, pages = 0, 0, 1
            with watch.lap():
                while page < pages:
                    page += 1
                    query: dict[str, str | int] = {**between, "per_page": 1000, "page": page}
                    reply = api.get("/orders", params=query).raise_for_status().json()
                    pages, found = reply["pages"], found + len(reply["orders"])
    return found


def _unpaced(system: "System") -> "System":
    """The same system, asked as fast as it answers."""
    from audience.sources.contract import key, rest

    return replace(system, open=rest("shop", "Web shop", auth=key("X-Api-Key")).open)
