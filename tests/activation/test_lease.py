"""One push at a time; whoever is overtaken stops."""

from datetime import timedelta

import pytest

from audience.activation.lease import take
from audience.core.errors import LeaseLost
from audience.core.warehouse import Warehouse


def test_a_live_lease_is_refused_with_its_holder_and_its_end(warehouse: Warehouse) -> None:
    take(warehouse, "brevo", "run-1")
    with pytest.raises(LeaseLost, match="brevo: held by run-1 until 20"):
        take(warehouse, "brevo", "run-2")


def test_another_destination_is_free(warehouse: Warehouse) -> None:
    take(warehouse, "brevo", "run-1")
    assert take(warehouse, "mailchimp", "run-2").epoch == 1


def test_the_same_holder_takes_its_lease_over_and_the_old_epoch_is_lost(warehouse: Warehouse) -> None:
    first = take(warehouse, "brevo", "run-1")
    second = take(warehouse, "brevo", "run-1")
    assert (first.epoch, second.epoch) == (1, 2)
    second.check()
    for lost in (first.renew, first.hold):
        with (
            pytest.raises(LeaseLost, match="epoch 1 does not hold the lease any more"),
            warehouse.begin() as connection,
        ):
            lost(connection)


def test_an_expired_lease_is_free_and_cannot_be_renewed(warehouse: Warehouse) -> None:
    first = take(warehouse, "brevo", "run-1", expiry=timedelta(0))
    with pytest.raises(LeaseLost), warehouse.begin() as connection:
        first.renew(connection)
    assert take(warehouse, "brevo", "run-2").epoch == 2


def test_a_lease_from_before_the_clock_went_back_is_free(warehouse: Warehouse) -> None:
    first = take(warehouse, "brevo", "run-1")
    with warehouse.begin() as connection:  # as if it had been taken an hour later
        connection.exec_driver_sql("UPDATE push.lease SET expires_at = expires_at + interval '1 hour'")
    take(warehouse, "brevo", "run-2").check()
    with pytest.raises(LeaseLost):
        first.check()


def test_a_renewed_lease_lives_on(warehouse: Warehouse) -> None:
    lease = take(warehouse, "brevo", "run-1")
    with warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE push.lease SET expires_at = clock_timestamp() + interval '1 minute'")
    with warehouse.begin() as connection:
        lease.renew(connection)
        left = connection.exec_driver_sql("SELECT expires_at - clock_timestamp() FROM push.lease").scalar_one()
    assert timedelta(minutes=4) < left <= timedelta(minutes=5)


def test_a_fresh_lease_is_seen_to_be_ours_while_a_claim_holds_it(warehouse: Warehouse) -> None:
    """Or each call to a platform would wait for the claim of the next batch."""
    lease = take(warehouse, "brevo", "run-1")
    with lease.writing(), warehouse.begin() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '1ms'")
        lease.renew(connection)


def test_a_released_lease_is_free_and_an_old_release_frees_nothing(warehouse: Warehouse) -> None:
    first = take(warehouse, "brevo", "run-1")
    first.release()
    take(warehouse, "brevo", "run-2")
    first.release()
    with pytest.raises(LeaseLost, match="held by run-2"):
        take(warehouse, "brevo", "run-3")
