"""Too large a change, or data too old, waits for a person."""

from datetime import date

import pytest

from activation.platform import PlatformDesk
from activation.town import Town
from audience.activation.guard import Change, Limits, ListChange, hold_reasons
from audience.core.errors import PushHeld

TODAY = date(2026, 11, 20)


def reasons(acknowledged: int, added: int, removed: int, limits: Limits = Limits()) -> list[str]:  # noqa: B008
    return hold_reasons(Change(TODAY, 1, TODAY, [ListChange("vip", acknowledged, added, removed)]), limits)


def test_a_first_push_of_any_size_goes() -> None:
    assert reasons(0, 1_000_000, 0) == []


def test_more_than_thirty_percent_removed_is_held() -> None:
    assert reasons(1000, 0, 300) == []
    assert reasons(1000, 0, 301) == ["list vip: would lose 301 of 1000 contacts (at most 30% without asking)"]


def test_up_to_fifty_people_may_leave_whatever_their_share() -> None:
    assert reasons(60, 0, 50) == []
    assert reasons(60, 0, 51) != []


def test_a_list_that_would_become_empty_is_held_however_small() -> None:
    assert reasons(2, 0, 2) == ["list vip: would become empty (has 2)"]
    assert reasons(2, 1, 2) == []


def test_more_than_ten_times_as_many_is_held_when_there_were_more_than_a_hundred() -> None:
    assert reasons(100, 5000, 0) == []
    assert reasons(101, 1010, 0) == []
    assert reasons(101, 1011, 0) == ["list vip: would gain 1011 contacts and has 101 (at most 10 times without asking)"]


def test_every_limit_can_be_set() -> None:
    assert reasons(1000, 0, 301, Limits(removed_share=0.5)) == []
    assert reasons(1000, 0, 301, Limits(removed_people=400)) == []
    assert reasons(101, 1011, 0, Limits(growth=20)) == []
    assert reasons(101, 1011, 0, Limits(growth_from=200)) == []


def test_a_partition_no_segment_was_evaluated_for_is_held() -> None:
    assert hold_reasons(Change(TODAY, 0, None, []), Limits()) == ["no segment was evaluated for 2026-11-20"]


def test_a_partition_older_than_what_was_pushed_is_held() -> None:
    found = hold_reasons(Change(TODAY, 1, date(2026, 11, 21), []), Limits())
    assert found == ["2026-11-20 is older than 2026-11-21, which was pushed already"]


def test_a_held_push_sends_nothing_and_an_approved_one_goes(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    desk.forget_requests()
    town.segment("vip", [])  # the source came back empty

    with pytest.raises(
        PushHeld, match=r"brevo: list audience: would become empty \(has 2\); list vip: would become empty"
    ):
        town.push()
    assert desk.lists()["vip"] == {"ana", "bob"}
    assert [c for c in desk.calls() if not c.startswith("GET")] == []
    assert town.plan_states() == ["done", "held"]

    report = town.push(approved=True)
    assert desk.lists() == {"audience": set(), "vip": set()}
    assert len(report.problems) == 2
    assert town.plan_states() == ["done", "superseded", "done"]


def test_a_held_push_frees_the_destination(town: Town) -> None:
    with pytest.raises(PushHeld, match="no segment was evaluated for 2026-11-20"):
        town.push(holder="run-1")
    with pytest.raises(PushHeld):
        town.push(holder="run-2")


def test_a_dry_run_tells_what_the_guard_would_say(town: Town) -> None:
    assert town.push(dry_run=True).problems == ("no segment was evaluated for 2026-11-20",)
