"""WooCommerce: bounds that WordPress reads in its own way, orders that count, buyers without an account."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from answering import Reply, simulated

from audience.core.connection import Connection
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.sources import woocommerce


def wordpress(products: list[datetime], zone: ZoneInfo) -> Reply:
    """A simulated shop with products that changed at these moments.

    WP_Date_Query takes a bound without an offset for local time, moves one that a clock change leaves out to the hour
    after it, and compares, exclusively, its digits with those of the column: here the one in UTC.
    """

    def digits(bound: str) -> datetime:
        local = datetime.fromisoformat(bound).replace(tzinfo=zone)
        return local.astimezone(UTC).astimezone(zone).replace(tzinfo=None)

    def answer(target: str, _: Any) -> Any:
        asked = {name: value[0] for name, value in parse_qs(urlsplit(target).query).items()}
        assert asked["dates_are_gmt"] == "true"
        after, before = digits(asked["modified_after"]), digits(asked["modified_before"])
        found = sorted(m for m in products if after < m.replace(tzinfo=None) < before)
        page = found[int(asked["offset"]) :][: int(asked["per_page"])]
        return [{"id": products.index(m), "name": "Cup", "categories": [],
                 "date_modified_gmt": m.replace(tzinfo=None).isoformat()} for m in page]  # fmt: skip

    return answer


def read(answer: Reply, day: Partition) -> Iterator[datetime]:
    with simulated(answer) as url:
        connection = Connection("woocommerce", url, login="ck", password=Secret("cs"))
        with closing(woocommerce.SOURCE.system.open(connection)) as api:
            for product in woocommerce.fetch_products(api, day.window):
                moment = woocommerce.CHANGED(product)
                if moment in day.window:
                    yield moment


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", "2026-11-20"),
        ("Europe/Paris", "2026-03-29"),
        ("Europe/Paris", "2026-10-25"),
        ("America/Nuuk", "2026-03-29"),  # its clocks have gone from 23:00 to midnight
        ("Africa/Cairo", "2026-04-23"),  # its clocks will go from midnight to one
        ("Africa/Cairo", "2026-04-24"),
    ],
)
def test_each_moment_of_a_day_is_read_once_whatever_the_clocks_of_the_shop_do(zone: str, day: str) -> None:
    partition = Partition.parse(day)
    first, end = partition.window.start, partition.window.end
    of_the_day = [first, *(first + timedelta(minutes=10 * n) for n in range(1, 144)), end - timedelta(seconds=1)]
    products = [first - timedelta(seconds=1), *of_the_day, end]
    assert list(read(wordpress(products, ZoneInfo(zone)), partition)) == of_the_day


# -- which orders count ------------------------------------------------------------------------------------------------------

BILLING = {"first_name": "", "last_name": "", "city": "", "postcode": "", "country": "", "phone": "",
           "email": "ana@secret.example"}  # fmt: skip


def order(**changes: Any) -> Any:
    return {
        "id": 7, "customer_id": 3, "status": "completed", "currency": "EUR", "total": "10.00", "discount_total": "0.00",
        "discount_tax": "0.00", "date_created_gmt": "2026-11-20T08:00:00", "date_modified_gmt": "2026-11-20T08:00:00",
        "date_paid_gmt": None, "billing": BILLING, "line_items": [], "coupon_lines": [], "refunds": [], **changes,
    }  # fmt: skip


def status_of(**changes: Any) -> list[str]:
    return [row["status"] for entity, row in woocommerce.tidy_order(order(**changes)) if entity == "order"]


@pytest.mark.parametrize(
    ("status", "paid_at", "found"),
    [
        ("processing", None, ["paid"]),
        ("completed", None, ["paid"]),
        ("refunded", "2026-11-20T08:00:00", ["refunded"]),
        ("cancelled", "2026-11-20T08:00:00", ["cancelled"]),
        ("failed", None, ["cancelled"]),
        ("trash", "2026-11-20T08:00:00", ["cancelled"]),
        ("pending", None, []),
        ("on-hold", None, []),
        ("on-hold", "2026-11-20T08:00:00", ["paid"]),
        ("ready-to-collect", None, []),
        ("ready-to-collect", "2026-11-20T08:00:00", ["paid"]),
    ],
)
def test_the_status_of_an_order(status: str, paid_at: str | None, found: list[str]) -> None:
    assert status_of(status=status, date_paid_gmt=paid_at) == found


def test_refunds_are_taken_off_the_total_without_a_rounding_error() -> None:
    rows = dict(woocommerce.tidy_order(order(total="0.30", refunds=[{"total": "-0.10"}, {"total": "-0.10"}])))
    assert rows["order"]["total_eur"] == "0.10"


def test_an_order_in_dollars_says_so_and_its_lines_say_when_it_was_placed() -> None:
    line = {"product_id": 93, "quantity": 1, "subtotal": "10.00", "subtotal_tax": "0.00", "total": "10.00",
            "total_tax": "0.00"}  # fmt: skip
    (_, row), (_, of_line) = woocommerce.tidy_order(order(currency="USD", line_items=[line]))
    assert (row["currency"], of_line["currency"], of_line["ordered_at"]) == ("USD", "USD", "2026-11-20T08:00:00Z")


def test_a_buyer_without_an_account_is_a_contact_of_the_order() -> None:
    rows = dict(woocommerce.tidy_order(order(customer_id=0)))
    assert rows["order"]["record_id"] is None
    assert (rows["contact"]["record_id"], rows["contact"]["email"]) == ("order-7", "ana@secret.example")


def test_a_buyer_with_an_account_is_known_from_the_account() -> None:
    assert [entity for entity, _ in woocommerce.tidy_order(order())] == ["order"]
