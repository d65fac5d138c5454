"""An order in dollars waits in quarantine until the rate of its day is known, and lands in euros then."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ibis.backends.duckdb import Backend

from audience import steps
from audience.core.connection import Connection
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.settings import Settings
from audience.core.tables import raw
from audience.core.warehouse import Warehouse
from audience.house import House
from audience.quality.publication import Published, publish
from audience.quality.quarantine import Chosen
from audience.sources.contract import source_named
from key import KEY
from rows import FRIDAY, land

FOLDER = "shop/2026-11-20_2026-11-20"
ORDER = {"order_id": "o", "email": "ana@mailbox.example", "ordered_at": "2026-11-20T10:00:00Z", "status": "paid",
         "currency": "USD", "total_eur": "11.53", "discount_eur": "0", "has_coupon": False,
         "updated_at": "2026-11-20T10:00:00Z"}  # fmt: skip
WAITS = "currency: no rate for USD on the day or 7 days before"


class Shop:
    """The days of a shop, and the European Central Bank beside it."""

    def __init__(self, lake: Lake, duck: Backend, warehouse: Warehouse, folder: Path) -> None:
        settings = Settings.read({"AUDIENCE_HOME": str(folder), "AUDIENCE_PSEUDONYM_KEY": KEY.reveal()})
        self.lake, self.duck, self.warehouse = lake, duck, warehouse
        self.house = House(settings, lake, warehouse, lambda name: Connection(name, "http://127.0.0.1:9"))

    def learns(self, per_eur: float, of: date, *, day: Partition = FRIDAY) -> None:
        land(
            self.lake,
            self.duck,
            "exchange_rate",
            {"currency": "USD", "day": of, "per_eur": per_eur},
            day=day,
            source="ecb",
        )

    def sells(self, **more: Any) -> Published:
        for entity, rows in {"_broken": [], "order": [ORDER | more]}.items():
            with self.lake.stage(f"{FOLDER}/{entity}.orders.ndjson") as file:
                for position, row in enumerate(rows):
                    file.write(json.dumps({"_day": FRIDAY.key, "_position": position} | row).encode() + b"\n")
        (found,) = publish(
            self.lake, self.duck, self.warehouse, key=KEY, source="shop", folder=FOLDER, staged={"order": 1}, last=FRIDAY,
            keep_result=lambda audit: None,
        )  # fmt: skip
        return found

    def replays(self) -> dict[str, int]:
        became = steps.replay_of(self.house, source_named("shop"), Chosen("shop"), by="ana")
        return {"landed": became.replayed, **became.refused}

    def totals(self) -> list[Decimal]:
        rows = self.lake.state(self.duck, raw("shop", "order"), through=FRIDAY)
        return self.duck.to_pyarrow(rows)["total_eur"].to_pylist()  # type: ignore[no-any-return]


@pytest.fixture
def shop(lake: Lake, duck: Backend, warehouse: Warehouse, tmp_path: Path) -> Shop:
    return Shop(lake, duck, warehouse, tmp_path)


def test_an_order_in_dollars_is_published_in_euros(shop: Shop) -> None:
    shop.learns(1.153, of=FRIDAY.day)
    assert shop.sells().counts.loaded == 1
    assert shop.totals() == [Decimal("10.00")]


def test_the_rate_of_a_week_ago_holds_and_an_older_one_does_not(shop: Shop) -> None:
    shop.learns(1.153, of=FRIDAY.day - timedelta(days=8))
    assert shop.sells().counts.reasons == {WAITS: 1}
    shop.learns(1.153, of=FRIDAY.day - timedelta(days=7))
    assert shop.sells().counts.loaded == 1


def test_an_order_without_a_rate_waits_and_lands_once_the_rate_is_known(shop: Shop) -> None:
    assert shop.sells().counts.reasons == {WAITS: 1}
    assert shop.replays() == {"landed": 0, WAITS: 1}
    shop.learns(1.153, of=FRIDAY.day, day=FRIDAY.next)  # published late
    assert shop.replays() == {"landed": 1}
    assert shop.totals() == [Decimal("10.00")]


def test_a_rate_that_is_corrected_counts_as_it_was_corrected(shop: Shop) -> None:
    shop.learns(1.0, of=FRIDAY.day, day=FRIDAY)
    shop.learns(1.153, of=FRIDAY.day, day=FRIDAY.next)
    shop.sells()
    assert shop.totals() == [Decimal("10.00")]
