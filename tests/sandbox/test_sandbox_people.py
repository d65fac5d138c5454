"""Who the people are, and how differently the systems wrote them down."""

from __future__ import annotations

import re
from collections import Counter

import httpx
from sandbox_reading import EVER, by_cursor, by_page

EMAIL = re.compile(rb"[\w.+-]+@[\w.-]+", re.IGNORECASE)


def test_every_address_ends_in_the_reserved_domain(crm: httpx.Client, shop: httpx.Client, inbox: httpx.Client) -> None:
    window = {"updated_from": EVER[0], "updated_to": EVER[1], "from": EVER[0], "to": EVER[1], "per_page": 1000}
    for client, path in (
        (crm, "/contacts"),
        (crm, "/consents"),
        (shop, "/customers"),
        (shop, "/orders"),
        (inbox, "/events"),
    ):
        addresses = EMAIL.findall(client.get(path, params=window).raise_for_status().content)
        assert addresses
        assert all(one.lower().endswith(b".example") for one in addresses)


def test_the_real_year_is_there_one_order_per_basket(shop: httpx.Client) -> None:
    query = {"updated_from": EVER[0], "updated_to": EVER[1], "per_page": 1}
    assert shop.get("/orders", params=query).json()["total"] == 155_848
    assert shop.get("/products", params=query).json()["total"] == 68_509


def test_the_last_day_of_data_is_the_day_asked_for(shop: httpx.Client) -> None:
    assert len(by_page(shop, "orders", ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"))) > 80
    assert by_page(shop, "orders", ("2026-11-21T00:00:00Z", "2030-01-01T00:00:00Z")) == []


def test_most_people_are_in_the_crm_and_some_twice(crm: httpx.Client, control: httpx.Client) -> None:
    truth = control.get("/truth").json()["contacts"]
    people = Counter(person for record, person in truth.items() if record.startswith("crm:"))
    assert {f"crm:{one['id']}" for one in by_cursor(crm, "/contacts", EVER)} == {
        r for r in truth if r.startswith("crm:")
    }
    assert 0.75 < len(people) / len(set(truth.values())) < 0.85
    assert 0.02 < sum(n == 2 for n in people.values()) / len(people) < 0.06


def test_second_shop_accounts_share_a_telephone_or_a_loyalty_number(shop: httpx.Client, control: httpx.Client) -> None:
    truth = control.get("/truth").json()["contacts"]
    accounts: dict[int, list[dict[str, str]]] = {}
    for one in by_page(shop, "customers", EVER):
        accounts.setdefault(truth[f"shop:{one['id']}"], []).append(one)
    twice = [pair for pair in accounts.values() if len(pair) == 2]
    assert 0.04 < len(twice) / len(accounts) < 0.08
    assert all(a["email"].strip().lower() != b["email"].strip().lower() for a, b in twice if a["email"] != b["email"])
    shared = sum(
        _number(a) == _number(b) or bool(a["customer_ref"] and a["customer_ref"] == b["customer_ref"]) for a, b in twice
    )
    assert shared / len(twice) > 0.9


def _number(customer: dict[str, str]) -> str:
    return re.sub(r"\D", "", customer["phone"] or "?" + customer["id"])[-8:]


def test_a_few_telephones_are_shared_by_a_family(crm: httpx.Client, control: httpx.Client) -> None:
    truth = control.get("/truth").json()["contacts"]
    owners: dict[str, set[int]] = {}
    for one in by_cursor(crm, "/contacts", EVER):
        if one["phone"]:
            owners.setdefault(_number(one), set()).add(truth[f"crm:{one['id']}"])
    assert 5 < sum(len(people) > 1 for people in owners.values()) < 60


def test_consents_only_grow_and_withdrawals_come_after_the_grant(crm: httpx.Client) -> None:
    statements: dict[tuple[str, str], list[str]] = {}
    for one in by_cursor(crm, "/consents", EVER):
        statements.setdefault((one["contact_id"], one["purpose"]), []).append(one["status"])
    assert {tuple(told) for told in statements.values()} == {("granted",), ("granted", "withdrawn")}
    contacts = len(by_cursor(crm, "/contacts", EVER))
    marketing = [told for (_, purpose), told in statements.items() if purpose == "email_marketing"]
    assert 0.70 < len(marketing) / contacts < 0.80
    assert 0.05 < sum(len(told) == 2 for told in marketing) / len(marketing) < 0.11
