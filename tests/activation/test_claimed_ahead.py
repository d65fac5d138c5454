"""The next batch is claimed while one is told; who says no in between is told nothing all the same."""

import time
from collections.abc import Callable

import pytest

from activation.platform import PlatformDesk
from activation.town import Town, key_of

PEOPLE = sorted(("ana", "bob", "cam", "dan", "eva", "fay"), key=key_of)
"""In the order in which they are claimed."""

LONG_S = 30.0


@pytest.fixture
def small_batches(town: Town) -> Town:
    """Six people on one list, told two at a time."""
    town.people(*PEOPLE)
    town.segment("vip", PEOPLE)
    town.batch = 2
    return town


def waits_until(is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + LONG_S
    while not is_so() and time.monotonic() < until:
        time.sleep(0.01)
    return is_so()


def waits_for(town: Town, in_flight: int) -> bool:
    return waits_until(lambda: len(town.items("in_flight")) == in_flight)


def test_the_next_batch_is_claimed_while_one_is_told_and_no_third(small_batches: Town, desk: PlatformDesk) -> None:
    seen = []

    def at_call(call: str) -> None:
        if call == "before POST /contacts/import" and not seen:
            seen.append(waits_for(small_batches, 4))

    assert small_batches.push(at_call=at_call).in_sync
    assert seen == [True]
    assert desk.lists()["vip"] == set(PEOPLE) and small_batches.items("in_flight") == []


def test_the_next_list_is_claimed_while_one_is_told(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    for segment in ("new", "old", "vip"):
        town.segment(segment, ["ana", "bob"])
    ahead, seen = iter(["", "old", "vip", ""]), []

    def at_call(call: str) -> None:
        if call == "before POST /contacts/import" and (following := next(ahead)):
            seen.append(waits_until(lambda: following in {one for _, one, _, _ in town.items("in_flight")}))

    assert town.push(at_call=at_call).in_sync
    assert seen == [True, True]


@pytest.mark.parametrize("refusal", ["withdraw", "suppress"])
def test_who_says_no_after_being_claimed_ahead_is_never_told(
    small_batches: Town, desk: PlatformDesk, refusal: str
) -> None:
    """The platform wants to be left alone for a minute when the first batch is told: the second one is claimed by then."""
    town, third = small_batches, PEOPLE[2]
    desk.fault("POST /brevo/v3/contacts/import", "status", status=429, headers={"x-sib-ratelimit-reset": "60"}, times=1)

    def sleep(seconds: float) -> None:
        if seconds > 50:
            assert waits_for(town, 4)
            getattr(town, refusal)(third)

    report = town.push(sleep=sleep)
    assert report.in_sync and third not in desk.written_names()
    assert desk.lists()["vip"] == set(PEOPLE) - {third} and town.items("in_flight") == []


def test_a_batch_that_was_claimed_ahead_is_told_by_the_next_run_when_this_one_ends(
    small_batches: Town, desk: PlatformDesk
) -> None:
    def at_call(call: str) -> None:
        if call == "before POST /contacts/import":
            assert waits_for(small_batches, 4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_batches.push(at_call=at_call)
    assert small_batches.push().in_sync
    assert desk.lists()["vip"] == set(PEOPLE) and small_batches.items("in_flight") == []
