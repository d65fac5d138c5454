"""Shopify: queries of its schema, lists that end after 25,000 objects, points that are used up, orders that count."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from answering import Reply, simulated
from graphql import build_schema, parse, validate

from audience.core.connection import Connection
from audience.core.errors import SourceReplyInvalid, SourceUnavailable
from audience.core.partition import Window
from audience.sources import shopify
from audience.sources.contract import Rest

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
SCHEMA = build_schema((Path(__file__).parent / "shopify_used.graphql").read_text(encoding="utf-8"))


@contextmanager
def open_shop(answer: Reply) -> Iterator[Rest]:
    with simulated(answer) as url, closing(shopify.SOURCE.system.open(Connection("shopify", url))) as api:
        yield api


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.mark.parametrize("query", [shopify.CUSTOMERS, shopify.ORDERS, shopify.LINES, shopify.PRODUCTS])
def test_a_query_is_one_of_the_schema(query: str) -> None:
    assert validate(SCHEMA, parse(query)) == []


# -- lists that end --------------------------------------------------------------------------------------------------------


def shop_of(products: list[dict[str, str]]) -> Reply:
    """A simulated shop: products in the order of their change, and no list longer than 25,000 of them."""

    moments = [p["updatedAt"] for p in products]

    def answer(_: str, asked: Any) -> Any:
        variables = asked["variables"]
        start, end = re.fullmatch(r"updated_at:>='(.+)' updated_at:<'(.+)'", variables["changed"]).groups()  # type: ignore[union-attr]
        found = products[bisect_left(moments, start) : bisect_left(moments, end)]
        first = int(variables["after"] or 0)
        if first >= 25_000:
            return {"errors": [{"message": "too far", "extensions": {"code": "BAD_REQUEST"}}]}
        more = first + 250 < len(found)
        page = {"hasNextPage": more, "endCursor": str(first + 250)}
        return {"data": {"products": {"nodes": found[first : first + 250], "pageInfo": page}}}

    return answer


def changed(product: int, second: int) -> dict[str, str]:
    moment = (DAY.start + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"legacyResourceId": str(product), "title": "Cup", "productType": "", "vendor": "", "updatedAt": moment}


def test_a_window_of_more_than_25_000_objects_is_read_on_from_the_last_change() -> None:
    products = [changed(n, n // 3) for n in range(26_000)]  # three change in each second
    with open_shop(shop_of(products)) as api:
        read = [p["legacyResourceId"] for p in shopify.fetch_products(api, DAY)]
    assert read == [str(n) for n in range(26_000)]


def test_more_than_25_000_changes_in_one_second_end_the_reading() -> None:
    with open_shop(shop_of([changed(n, 0) for n in range(25_001)])) as api:
        with pytest.raises(SourceUnavailable, match="shopify: more than 25000 products changed at once"):
            list(shopify.fetch_products(api, DAY))


# -- refusals that are answered 200 ------------------------------------------------------------------------------------------


def refusal(code: str) -> Any:
    cost = {"requestedQueryCost": 752, "actualQueryCost": None,
            "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 20, "restoreRate": 100}}  # fmt: skip
    return {"errors": [{"message": "No.", "extensions": {"code": code}}], "extensions": {"cost": cost}}


def test_a_query_without_points_left_waits_until_they_are_restored(waits: list[float]) -> None:
    answers = iter([refusal("THROTTLED"), shop_of([changed(1, 0)])("", {"variables": {
        "changed": "updated_at:>='2026-11-20T00:00:00Z' updated_at:<'2026-11-21T00:00:00Z'", "after": None}})])  # fmt: skip
    with open_shop(lambda _target, _asked: next(answers)) as api:
        assert len(list(shopify.fetch_products(api, DAY))) == 1
    assert waits == [8]  # 732 points are missing, 100 come back in a second


def test_a_title_that_says_throttled_is_no_refusal(waits: list[float]) -> None:
    with open_shop(shop_of([changed(1, 0) | {"title": "THROTTLED"}])) as api:
        assert len(list(shopify.fetch_products(api, DAY))) == 1
    assert waits == []


def test_a_query_that_may_not_be_asked_says_why() -> None:
    with open_shop(lambda _target, _asked: refusal("ACCESS_DENIED")) as api:
        with pytest.raises(SourceReplyInvalid, match="^shopify: POST .*: the query failed: ACCESS_DENIED$"):
            list(shopify.fetch_customers(api, DAY))


# -- which orders count ------------------------------------------------------------------------------------------------------


def euros(amount: str, currency: str = "EUR") -> Any:
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def order(**changes: Any) -> Any:
    return {
        "legacyResourceId": "1", "customer": None, "email": None, "processedAt": "2026-11-20T08:00:00Z",
        "cancelledAt": None, "test": False, "displayFinancialStatus": "PAID", "currentTotalPriceSet": euros("10.0"),
        "currentTotalDiscountsSet": euros("0.0"), "discountCodes": [], "updatedAt": "2026-11-20T08:00:00Z",
        "lineItems": {"nodes": [], "pageInfo": {"hasNextPage": False}}, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("displayed", "cancelled_at", "status"),
    [
        ("PAID", None, "paid"),
        ("PARTIALLY_REFUNDED", None, "paid"),
        ("REFUNDED", None, "refunded"),
        ("REFUNDED", "2026-11-20T08:00:00Z", "refunded"),
        ("PAID", "2026-11-20T08:00:00Z", "cancelled"),
        ("PENDING", "2026-11-20T08:00:00Z", "cancelled"),
        ("VOIDED", None, "cancelled"),
    ],
)
def test_the_status_of_an_order(displayed: str, cancelled_at: str | None, status: str) -> None:
    ((_, row),) = shopify.tidy_order(order(displayFinancialStatus=displayed, cancelledAt=cancelled_at))
    assert row["status"] == status


@pytest.mark.parametrize("displayed", ["PENDING", "AUTHORIZED", "PARTIALLY_PAID", "EXPIRED", None])
def test_an_order_that_is_not_paid_is_no_purchase_yet(displayed: str | None) -> None:
    assert list(shopify.tidy_order(order(displayFinancialStatus=displayed))) == []


def test_a_test_order_is_left_out() -> None:
    assert list(shopify.tidy_order(order(test=True))) == []


def test_an_order_of_a_shop_in_dollars_says_so() -> None:
    ((_, row),) = shopify.tidy_order(order(currentTotalPriceSet=euros("10.0", "USD")))
    assert (row["currency"], row["total_eur"]) == ("USD", "10.0")


# -- what is a consent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "level", "answered_at", "status"),
    [
        ("SUBSCRIBED", "CONFIRMED_OPT_IN", "2026-11-20T07:00:00Z", ["granted"]),
        ("SUBSCRIBED", "SINGLE_OPT_IN", "2026-11-20T07:00:00Z", ["granted"]),
        ("SUBSCRIBED", "UNKNOWN", "2026-11-20T07:00:00Z", []),
        ("SUBSCRIBED", None, "2026-11-20T07:00:00Z", []),
        ("SUBSCRIBED", "CONFIRMED_OPT_IN", None, []),
        ("PENDING", "CONFIRMED_OPT_IN", "2026-11-20T07:00:00Z", []),
        ("NOT_SUBSCRIBED", None, None, []),
        ("INVALID", "SINGLE_OPT_IN", "2026-11-20T07:00:00Z", []),
        ("UNSUBSCRIBED", None, None, ["withdrawn"]),
    ],
)
def test_only_a_known_opt_in_with_its_time_is_a_consent(
    state: str, level: str | None, answered_at: str | None, status: list[str]
) -> None:
    email = {"emailAddress": "ana@secret.example", "marketingState": state, "marketingOptInLevel": level,
             "marketingUpdatedAt": answered_at}  # fmt: skip
    customer: Any = {
        "legacyResourceId": "7", "firstName": None, "lastName": None, "defaultEmailAddress": email,
        "defaultPhoneNumber": None, "defaultAddress": None, "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-11-20T08:00:00Z",
    }  # fmt: skip
    assert [row["status"] for entity, row in shopify.tidy_customer(customer) if entity == "consent"] == status
