"""Recency, frequency and monetary value, as of a moment."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from ibis.backends.duckdb import Backend
from known import AS_OF, an_order, known

from audience.core.partition import Partition

A_MICROSECOND = timedelta(microseconds=1)


def ago(**span: float) -> datetime:
    return AS_OF - timedelta(**span)


def test_an_order_at_as_of_is_the_future(duck: Backend) -> None:
    people = known(duck, orders=[an_order("late", AS_OF), an_order("just", AS_OF - A_MICROSECOND)])
    assert (people["late"]["is_customer"], people["late"]["recency_days"]) == (False, None)
    assert (people["just"]["is_customer"], people["just"]["recency_days"]) == (True, 0)


def test_days_and_hours_are_whole_ones_that_passed_and_not_midnights(duck: Backend) -> None:
    moments = {
        "47 h 59 min": ago(hours=47, minutes=59),
        "48 h": ago(hours=48),
        "a moment less than a day": ago(days=1) + A_MICROSECOND,
        "59 min": ago(minutes=59),
    }
    people = known(duck, orders=[an_order(name, at) for name, at in moments.items()])
    assert {n: (p["recency_days"], p["recency_hours"]) for n, p in people.items()} == {
        "47 h 59 min": (1, 47),
        "48 h": (2, 48),
        "a moment less than a day": (0, 23),
        "59 min": (0, 0),
    }


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_an_order_that_was_not_paid_does_not_count(duck: Backend, status: str) -> None:
    (person,) = known(duck, orders=[an_order("ana", ago(days=1), status=status, has_coupon=True)]).values()
    assert not person["is_customer"] and person["orders_365d"] == person["coupon_orders_365d"] == 0
    assert person["spend_365d_eur"] == 0 and person["monetary_score"] is None


@pytest.mark.parametrize("days", [30, 90, 365])
def test_a_window_has_its_first_moment_and_not_the_one_before(duck: Backend, days: int) -> None:
    orders = [an_order("ana", ago(days=days), 7), an_order("ana", ago(days=days) - A_MICROSECOND, 100)]
    (person,) = known(duck, orders=orders).values()
    assert (person[f"orders_{days}d"], person[f"spend_{days}d_eur"]) == (1, 7)


def test_counts_and_sums_are_of_rolling_windows(duck: Backend) -> None:
    spans = {3: 1, 20: 2, 80: 4, 300: 8, 400: 16}
    (person,) = known(duck, orders=[an_order("ana", ago(days=d), eur) for d, eur in spans.items()]).values()
    assert [person[f"orders_{d}d"] for d in (7, 30, 90, 365)] == [1, 2, 3, 4]
    assert [person[f"spend_{d}d_eur"] for d in (30, 90, 365)] == [1 + 2, 1 + 2 + 4, 1 + 2 + 4 + 8]
    assert (person["recency_days"], person["first_order_days"], person["basket_365d_eur"]) == (3, 400, 15 / 4)


def test_sums_of_cents_are_exact(duck: Backend) -> None:
    orders = [an_order("ana", ago(hours=n + 1), "0.10") for n in range(3)]
    assert known(duck, orders=orders)["ana"]["spend_30d_eur"] == Decimal("0.30")


def test_the_share_of_discount_is_of_what_the_goods_cost(duck: Backend) -> None:
    orders = [an_order("ana", ago(days=1), 30, discount_eur=10), an_order("bo", ago(days=1), 0)]
    people = known(duck, orders=orders)
    assert (people["ana"]["discount_share_90d"], people["bo"]["discount_share_90d"]) == (10 / 40, None)


def test_an_order_with_a_coupon_is_one_however_large(duck: Backend) -> None:
    orders = [an_order("ana", ago(days=d), 500, has_coupon=d < 20) for d in (1, 10, 100)]
    assert known(duck, orders=orders)["ana"]["coupon_orders_365d"] == 2


def test_scores_are_fifths_of_the_customers_best_is_five(duck: Backend) -> None:
    people = known(duck, orders=[an_order(f"p{n}", ago(days=n + 1), 100 - n) for n in range(10)])
    assert [people[f"p{n}"]["monetary_score"] for n in range(10)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [people[f"p{n}"]["recency_score"] for n in range(10)] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_scores_of_equal_people_do_not_depend_on_the_order_of_rows(duck: Backend) -> None:
    orders = [an_order(f"p{n}", ago(days=3)) for n in range(23)]
    first = known(duck, orders=orders)
    assert known(duck, orders=random.Random(7).sample(orders, 23)) == first


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"])
def test_a_day_has_24_hours_when_clocks_change(duck: Backend, day: str) -> None:
    as_of = Partition.parse(day).as_of
    orders = [an_order(f"{h} h", as_of - timedelta(hours=h)) for h in (23, 24, 25, 7 * 24, 7 * 24 + 1)]
    people = known(duck, orders=orders, as_of=as_of)
    assert {n: (p["recency_days"], p["orders_7d"]) for n, p in people.items()} == {
        "23 h": (0, 1), "24 h": (1, 1), "25 h": (1, 1), "168 h": (7, 1), "169 h": (7, 0),
    }  # fmt: skip


def test_every_moment_of_a_year_falls_into_one_days_window(duck: Backend) -> None:
    days = [Partition.parse(f"2026-03-{d}") for d in (28, 29, 30)]
    moments = [datetime(2026, 3, 28, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(3 * 48)]
    assert all(sum(m in d.window for d in days) == 1 for m in moments)
