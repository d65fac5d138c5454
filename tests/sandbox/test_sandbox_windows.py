"""Every source is read by half-open windows of time, page by page."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest
from sandbox_reading import EVER, by_cursor, by_page

from sandbox_process import Sandbox

DAY = ("2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z")


@pytest.mark.parametrize("path", ["/contacts", "/consents"])
def test_adjacent_crm_windows_lose_nothing_and_repeat_nothing(crm: httpx.Client, path: str) -> None:
    cut = by_cursor(crm, path, EVER)[100]["updated_at"]
    ids = [one["id"] for window in ((EVER[0], cut), (cut, EVER[1])) for one in by_cursor(crm, path, window)]
    assert Counter(ids) == Counter(one["id"] for one in by_cursor(crm, path, EVER))


@pytest.mark.parametrize("name", ["customers", "products"])
def test_adjacent_shop_windows_lose_nothing_and_repeat_nothing(shop: httpx.Client, name: str) -> None:
    cut = by_page(shop, name, EVER)[100]["updated_at"]
    ids = [one["id"] for window in ((EVER[0], cut), (cut, EVER[1])) for one in by_page(shop, name, window)]
    assert Counter(ids) == Counter(one["id"] for one in by_page(shop, name, EVER))


def test_a_record_at_the_start_of_a_window_is_in_it_and_one_at_the_end_is_not(shop: httpx.Client) -> None:
    moment = by_page(shop, "orders", DAY)[3]["updated_at"]
    assert moment in [one["updated_at"] for one in by_page(shop, "orders", (moment, DAY[1]))]
    assert moment not in [one["updated_at"] for one in by_page(shop, "orders", (DAY[0], moment))]


@pytest.mark.parametrize("per_page", [1, 7, 250, 1000])
def test_any_page_size_gives_the_same_orders_in_the_same_order(shop: httpx.Client, per_page: int) -> None:
    window = ("2026-11-20T00:00:00Z", "2026-11-20T04:00:00Z")
    assert by_page(shop, "orders", window, per_page=per_page) == by_page(shop, "orders", window)


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_any_limit_gives_the_same_contacts_sorted_by_update(crm: httpx.Client, limit: int) -> None:
    contacts = by_cursor(crm, "/contacts", DAY, limit=limit)
    assert contacts == by_cursor(crm, "/contacts", DAY)
    assert [one["updated_at"] for one in contacts] == sorted(one["updated_at"] for one in contacts)


def test_an_empty_window_is_empty_and_ends_at_once(crm: httpx.Client, shop: httpx.Client, inbox: httpx.Client) -> None:
    nothing = ("1999-01-01T00:00:00Z", "1999-01-02T00:00:00Z")
    assert by_cursor(crm, "/contacts", nothing) == by_cursor(inbox, "/events", nothing) == []
    assert shop.get("/orders", params={"updated_from": nothing[0], "updated_to": nothing[1]}).json() == {
        "orders": [], "page": 1, "pages": 0, "total": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"updated_from": "2026-11-19T00:00:00Z"},
        {"updated_from": "2026-11-19", "updated_to": "2026-11-20"},
        {"updated_from": "yesterday", "updated_to": "2026-11-20T00:00:00Z"},
        {"updated_from": "2026-11-20T00:00:00Z", "updated_to": "2026-11-19T00:00:00Z"},
        {
            "updated_from": "2026-11-19T00:00:00Z",
            "updated_to": "2026-11-20T00:00:00Z",
            "limit": "1001",
            "per_page": "1001",
        },
        {"updated_from": "2026-11-19T00:00:00Z", "updated_to": "2026-11-20T00:00:00Z", "limit": "0", "per_page": "0"},
    ],
)
def test_a_missing_or_impossible_window_is_refused_with_a_message(
    crm: httpx.Client, shop: httpx.Client, query: dict[str, str]
) -> None:
    for answer in (crm.get("/contacts", params=query), shop.get("/orders", params=query)):
        assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_a_cursor_of_another_window_is_refused(crm: httpx.Client) -> None:
    query = {"updated_from": DAY[0], "updated_to": DAY[1], "cursor": "at-0"}
    assert crm.get("/contacts", params=query).status_code == 400


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/crm/contacts", {"error": "authorization: missing or wrong"}),
        ("/shop/orders", {"error": "x-api-key: missing or wrong"}),
        ("/brevo/inbox/events", {"error": "authorization: missing or wrong"}),
        ("/brevo/v3/contacts", {"code": "unauthorized", "message": "Key not found"}),
    ],
)
def test_without_its_key_every_system_answers_401(sandbox: Sandbox, path: str, message: dict[str, str]) -> None:
    answer = httpx.get(sandbox.url + path)
    assert (answer.status_code, answer.json()) == (401, message)
