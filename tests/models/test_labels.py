"""A label is a paid order in the half-open span after a cut-off."""

import ibis
import pytest
from ibis.backends.duckdb import Backend
from small_shop import day, orders_table, utc

from audience.models.labels import buyers, paid_before


def found(orders: ibis.Table, duck: Backend) -> list[str]:
    bought = buyers(orders, cutoff=day("2026-10-31"), horizon_days=30)
    return sorted(duck.to_pyarrow(bought)["person_id"].to_pylist())


@pytest.mark.parametrize(
    ("ordered_at", "counts"),
    [("2026-10-31 23:59", False), ("2026-11-01", True), ("2026-11-30 23:59", True), ("2026-12-01", False)],
)
def test_an_order_counts_from_the_end_of_the_cut_off_for_thirty_days(
    ordered_at: str, counts: bool, duck: Backend
) -> None:
    assert found(orders_table([("ana", utc(ordered_at), 10)]), duck) == (["ana"] if counts else [])


def test_a_person_who_ordered_twice_is_one_buyer(duck: Backend) -> None:
    orders = orders_table([("ana", utc("2026-11-02"), 10), ("ana", utc("2026-11-03"), 10)])
    assert found(orders, duck) == ["ana"]


@pytest.mark.parametrize("status", ["cancelled", "refunded"])
def test_an_order_that_was_not_paid_is_no_purchase(status: str, duck: Backend) -> None:
    orders = orders_table([("ana", utc("2026-11-02"), 10)], status=status)
    assert duck.to_pyarrow(paid_before(orders, day("2026-12-31"))).num_rows == 0


def test_an_order_at_as_of_is_the_future(duck: Backend) -> None:
    orders = orders_table([("ana", utc("2026-11-20 23:59"), 10), ("bea", utc("2026-11-21"), 10)])
    known = duck.to_pyarrow(paid_before(orders, day("2026-11-20")))
    assert known["person_id"].to_pylist() == ["ana"]
