"""The past to learn from and the hold-out to be judged on know nothing of what comes after the training day."""

from datetime import timedelta

import ibis
import pytest
from ibis.backends.duckdb import Backend
from small_shop import DAY, Order, features_of, orders_of_the_shop, orders_table

from audience.core.errors import ModelError
from audience.core.partition import Partition
from audience.models.history import History, history
from audience.models.target import P_BUY_30D


def known(duck: Backend, orders: list[Order]) -> History:
    return history(duck, P_BUY_30D, as_of=DAY, features_at=features_of(orders), orders=orders_table(orders))


def test_what_happens_after_the_training_day_changes_no_byte(duck: Backend) -> None:
    until_then = known(duck, orders_of_the_shop())
    with_future = known(duck, orders_of_the_shop(until=DAY.as_of + timedelta(days=200)))
    assert with_future.fingerprint == until_then.fingerprint
    assert with_future.past.people.equals(until_then.past.people)
    assert with_future.past.did.equals(until_then.past.did)
    assert with_future.hold_out.did.equals(until_then.hold_out.did)


def test_what_happened_before_does(duck: Backend) -> None:
    orders = orders_of_the_shop()
    one_more: Order = ("nobody-00", DAY.as_of - timedelta(days=40), 30)
    assert known(duck, [*orders, one_more]).fingerprint != known(duck, orders).fingerprint


def test_the_rows_may_come_in_any_order(duck: Backend) -> None:
    orders = orders_of_the_shop()
    assert known(duck, orders[::-1]).fingerprint == known(duck, orders).fingerprint


def test_features_are_asked_for_at_the_cut_offs_only(duck: Backend) -> None:
    orders, asked = orders_of_the_shop(), []

    def features_at(partition: Partition) -> ibis.Table:
        asked.append(partition.key)
        return features_of(orders)(partition)

    history(duck, P_BUY_30D, as_of=DAY, features_at=features_at, orders=orders_table(orders))
    assert asked == ["2026-09-21", "2026-08-22", "2026-07-23", "2026-10-21"]


def test_everybody_known_at_a_cut_off_is_an_example(duck: Backend) -> None:
    found = known(duck, orders_of_the_shop())
    assert len(found.past.did) == 3 * 150
    assert len(found.hold_out.did) == 150
    assert not found.hold_out.did.loc[["gone-00", "nobody-00"]].any()
    assert found.hold_out.did.filter(like="regular").all()


def test_a_hold_out_in_which_nobody_bought_is_refused_with_what_was_found(duck: Backend) -> None:
    stopped = orders_of_the_shop(until=P_BUY_30D.hold_out(DAY).as_of)
    with pytest.raises(
        ModelError,
        match=r"p_buy_30d: hold-out 2026-10-21: found 0 people .* and 150 without, expected at least 10 of each",
    ):
        known(duck, stopped)


def test_a_shop_that_has_just_opened_has_not_enough_history(duck: Backend) -> None:
    young = [o for o in orders_of_the_shop() if o[1] >= DAY.as_of - timedelta(days=20)]
    with pytest.raises(ModelError, match=r"cut-offs 2026-07-23\.\.2026-09-21: found 0 people"):
        known(duck, young)
