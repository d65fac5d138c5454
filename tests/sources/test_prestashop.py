"""PrestaShop: local times on the days that clocks change, orders that count, answers to the newsletter."""

import re
from base64 import b64decode
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from answering import Reply, simulated
from requests import Request

from audience.core.connection import Connection
from audience.core.errors import SettingsError
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.sources import prestashop
from audience.sources.contract import Unusable


def shop(changed_at: list[str]) -> Reply:
    """A simulated shop with a customer for each of these local times.

    The web service compares texts: `date_upd` BETWEEN both bounds (classes/webservice/SQLUtils.php).
    """
    customers = sorted((at, n) for n, at in enumerate(changed_at))

    def answer(target: str, _: Any) -> Any:
        asked = {name: value[0] for name, value in parse_qs(urlsplit(target).query).items()}
        assert (asked["date"], asked["sort"]) == ("1", "[date_upd_ASC,id_ASC]")
        start, end = re.fullmatch(r"\[([\d:\-\s]+),([\d:\-\s]+)\]", asked["filter[date_upd]"]).groups()  # type: ignore[union-attr]
        first, limit = (int(n) for n in asked["limit"].split(","))
        page = [(at, n) for at, n in customers if start <= at <= end][first : first + limit]
        return {"customers": [{"id": n, "date_upd": at} for at, n in page]} if page else []

    return answer


def read(answer: Reply, zone: str, days: list[Partition]) -> dict[Partition, list[int]]:
    """The customers of each day, as its cursor dates them."""
    found = {}
    with simulated(answer) as url:
        connection = Connection("prestashop", url, password=Secret("key"), extra={"time_zone": zone})
        with closing(prestashop.SOURCE.system.open(connection)) as api:
            for day in days:
                records: Any = prestashop.fetch_customers(api, day.window)
                found[day] = [r["id"] for r in records if datetime.fromisoformat(r["date_upd"]) in day.window]
    return found


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Paris", "2026-03-29"),
        ("Europe/Paris", "2026-10-25"),
        ("Europe/Chisinau", "2026-10-24"),  # midnight in UTC is in the second pass of its repeated hour
        ("America/Nuuk", "2026-03-28"),
        ("UTC", "2026-11-20"),
    ],
)
def test_each_change_is_of_exactly_one_day_whatever_the_clocks_of_the_shop_do(zone: str, day: str) -> None:
    middle = Partition.parse(day)
    days = [middle.previous, middle, middle.next]
    moments = [days[0].window.start + timedelta(minutes=10 * n) for n in range(3 * 144)]
    moments += [d.window.end - timedelta(seconds=1) for d in days]
    local = [f"{m.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}" for m in moments]
    found = read(shop(local), zone, days)
    assert Counter(n for read_of_day in found.values() for n in read_of_day) == Counter(range(len(moments)))


def test_a_change_in_the_repeated_hour_is_dated_to_its_first_pass() -> None:
    assert datetime.fromisoformat(prestashop.in_utc("2026-10-25 02:30:00", "Europe/Paris")) == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["0000-00-00 00:00:00", "0000-00-00", None])
def test_the_zeros_that_stand_for_no_date_stay_as_they_came(text: str | None) -> None:
    assert prestashop.in_utc(text, "Europe/Paris") == text


def test_a_shop_without_a_time_zone_is_not_taken_for_utc() -> None:
    with simulated(shop([])) as url:
        with closing(prestashop.SOURCE.system.open(Connection("prestashop", url))) as api:
            with pytest.raises(SettingsError, match="connection 'prestashop': no 'time_zone' in its extra"):
                list(prestashop.fetch_customers(api, Partition.parse("2026-11-20").window))


def test_the_key_is_the_user_and_there_is_no_password() -> None:
    sign = prestashop.key_as_user(Connection("prestashop", "", password=Secret("key")), None)
    request = sign(Request("GET", "https://shop.example").prepare())
    assert b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"key:"


# -- which orders count ------------------------------------------------------------------------------------------------------


def order(**changes: Any) -> Any:
    return {
        "id": 501, "id_customer": "12", "currency": "EUR", "current_state": "2", "valid": "1",
        "total_paid_tax_incl": "10.000000", "total_paid_real": "10.000000", "total_discounts_tax_incl": "0.000000",
        "date_add": "2026-11-20T08:00:00+00:00", "date_upd": "2026-11-20T08:00:00+00:00", **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "valid", "paid", "found"),
    [
        ("2", "1", "10.000000", ["paid"]),
        (5, 1, 10, ["paid"]),
        (5, True, 10.0, ["paid"]),
        ("6", "0", "0.000000", ["cancelled"]),
        ("7", "1", "10.000000", ["refunded"]),
        ("10", "0", "0.000000", []),
        ("21", "0", "10.000000", ["cancelled"]),
    ],
)
def test_the_status_of_an_order(state: Any, valid: Any, paid: Any, found: list[str]) -> None:
    rows = prestashop.tidy_order(order(current_state=state, valid=valid, total_paid_real=paid))
    assert [row["status"] for _, row in rows] == found


def test_an_order_in_another_currency_says_which_and_in_one_that_is_not_known_is_set_aside() -> None:
    ((_, row),) = prestashop.tidy_order(order(currency="CHF"))
    assert row["currency"] == "CHF"
    with pytest.raises(Unusable, match="currency is not known"):
        list(prestashop.tidy_order(order(currency=None)))


@pytest.mark.parametrize(("price", "amount"), [("13.333333", "40.00"), ("0.335000", "1.01"), (9.9, "29.70")])
def test_a_line_is_its_pieces_times_their_price_in_whole_cents(price: Any, amount: str) -> None:
    rows = {"order_rows": [{"product_id": "7", "product_quantity": "3", "unit_price_tax_incl": price}]}
    (_, line) = list(prestashop.tidy_order(order(associations=rows)))[1]
    assert (line["quantity"], line["amount_eur"]) == (3, amount)


# -- what is a consent -------------------------------------------------------------------------------------------------------

SUBSCRIBED_AT, CHANGED_AT = "2025-06-01T08:00:00+00:00", "2026-11-20T08:00:00+00:00"


@pytest.mark.parametrize(
    ("newsletter", "subscribed_at", "deleted", "found"),
    [
        ("1", SUBSCRIBED_AT, "0", [("granted", SUBSCRIBED_AT)]),
        (1, SUBSCRIBED_AT, 0, [("granted", SUBSCRIBED_AT)]),
        ("0", SUBSCRIBED_AT, "0", [("withdrawn", CHANGED_AT)]),
        ("1", "0000-00-00 00:00:00", "0", []),
        ("1", None, "0", []),
        ("0", "0000-00-00 00:00:00", "0", []),
        ("1", SUBSCRIBED_AT, "1", []),
    ],
)
def test_only_a_subscription_with_its_time_is_a_consent(
    newsletter: Any, subscribed_at: str | None, deleted: Any, found: list[tuple[str, str]]
) -> None:
    customer: Any = {
        "id": 12, "email": "ana@secret.example", "firstname": "Ana", "lastname": "Martin", "birthday": None,
        "newsletter": newsletter, "newsletter_date_add": subscribed_at, "deleted": deleted,
        "date_add": "2025-01-01T00:00:00+00:00", "date_upd": CHANGED_AT,
    }  # fmt: skip
    rows = [row for entity, row in prestashop.tidy_customer(customer) if entity == "consent"]
    assert [(row["status"], row["captured_at"]) for row in rows] == found
