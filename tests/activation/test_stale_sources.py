"""A push whose sources are late, were blocked or have failed waits for a person; who said no is taken off all the same."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.town import Town
from audience.activation.guard import Change, Limits, SourceState, hold_reasons, stale_inputs
from audience.core.errors import PushHeld
from audience.core.partition import Partition
from audience.core.warehouse.models import DeclaredSource, Landing, Validation

FRIDAY = date(2026, 11, 20)
DUE = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""36 hours after the end of Friday."""


def found(is_required: bool = True, newest: date | None = FRIDAY, **more: object) -> tuple[list[str], list[str]]:
    """What the guard holds a push of Friday for, and what it only shows, when the shop stands like this."""
    stands = {"fresh_hours": 36, "due_at": newest and DUE, "is_late": False, "verdict": "passed"} | more
    shop = SourceState("shop", is_required, newest, **stands)  # type: ignore[arg-type]
    change = Change(FRIDAY, 1, FRIDAY, [], [shop])
    return hold_reasons(change, Limits()), stale_inputs(change)


LATE = "source shop: newest day 2026-11-20, expected a later one within 36 hours of its end (2026-11-22 12:00 UTC)"


def test_a_required_source_that_is_late_holds_the_push_and_says_what_was_found_and_allowed() -> None:
    assert found(is_late=True) == ([LATE], [])
    assert found(is_late=False) == ([], [])


def test_an_optional_source_that_is_late_only_marks_it() -> None:
    assert found(is_required=False, is_late=True) == ([], [LATE])


@pytest.mark.parametrize(
    ("verdict", "words"), [("blocked", "blocked by a gate"), ("unfinished", "judged and not published")]
)
def test_a_day_that_was_blocked_or_failed_holds_its_push(verdict: str, words: str) -> None:
    reason = f"source shop: found 2026-11-20 {words}, expected it published; what was published before stands for it"
    assert found(verdict=verdict) == ([reason], [])
    assert found(is_required=False, verdict=verdict) == ([], [reason])


@pytest.mark.parametrize("verdict", ["passed", "warned", "loaded", None])
def test_a_published_day_holds_nothing(verdict: str | None) -> None:
    assert found(verdict=verdict) == ([], [])


def test_a_required_source_without_the_day_that_is_pushed_holds_it() -> None:
    thursday = FRIDAY - timedelta(days=1)
    assert found(newest=thursday) == (["source shop: newest day 2026-11-19, expected 2026-11-20, which is pushed"], [])
    assert found(newest=thursday, is_required=False) == ([], [])
    assert found(newest=None) == (["source shop: nothing was ever published"], [])


# -- with what publishing leaves in the warehouse ----------------------------------------------------------------------

TODAY = datetime.now(UTC).date()
YESTERDAY = Partition(TODAY - timedelta(days=1))


def declare(town: Town, source: str, *, is_required: bool, newest: date) -> None:
    place = {"source": source, "entity": "order", "partition": newest}
    numbers = {"taken": 1, "loaded": 1, "quarantined": 0, "superseded": 0, "reasons": {}, "content_hash": "x"}
    with town.warehouse.begin() as connection:
        declared = {"name": source, "title": source, "is_required": is_required, "fresh_hours": 48}
        connection.execute(sa.insert(DeclaredSource), [declared])
        connection.execute(sa.insert(Landing), [place | numbers | {"published_at": datetime.now(UTC)}])


def block(town: Town, source: str, day: date, *, passed: bool = False, hours_ago: float = 0) -> None:
    """The day is judged again, and nothing of it is published."""
    place = {"table_name": f"raw_{source}__order", "partition": day, "expectation": "refused rows are at most 5%"}
    judged = {"severity": "block", "passed": passed, "position": 0, "rows": 20, "failed": 9, "observed": 0.45}
    later = {"validated_at": datetime.now(UTC) + timedelta(minutes=1) - timedelta(hours=hours_ago)}
    with town.warehouse.begin() as connection:
        earlier = {"published_at": Landing.published_at - timedelta(hours=hours_ago)}
        connection.execute(sa.update(Landing).values(earlier))
        connection.execute(sa.insert(Validation), [place | judged | later])


def pushed_yesterday(town: Town) -> None:
    """A platform that has two people of yesterday's segment; one more is to be added."""
    town.people("ana", "bob", "cam")
    town.segment("vip", ["ana", "bob"], day=YESTERDAY)
    town.push(as_of=YESTERDAY)
    town.segment("vip", ["ana", "bob", "cam"], day=YESTERDAY)


def test_nothing_is_sent_while_a_required_source_is_late_and_who_said_no_leaves(town: Town, desk: PlatformDesk) -> None:
    pushed_yesterday(town)
    declare(town, "shop", is_required=True, newest=TODAY - timedelta(days=5))
    town.withdraw("bob")
    with pytest.raises(PushHeld, match=r"brevo: source shop: newest day .* within 48 hours of its end"):
        town.push(as_of=YESTERDAY)
    assert desk.lists() == {"audience": {"ana"}, "vip": {"ana"}}
    assert town.push(as_of=YESTERDAY, approved=True).in_sync
    assert desk.lists()["vip"] == {"ana", "cam"}


def test_nothing_is_sent_of_a_day_that_a_gate_has_stopped_since(town: Town, desk: PlatformDesk) -> None:
    pushed_yesterday(town)
    declare(town, "shop", is_required=True, newest=YESTERDAY.day)
    assert town.push(as_of=YESTERDAY, dry_run=True).problems == ()
    block(town, "shop", YESTERDAY.day)
    with pytest.raises(PushHeld, match=f"source shop: found {YESTERDAY} blocked by a gate, expected it published"):
        town.push(as_of=YESTERDAY)
    assert desk.lists()["vip"] == {"ana", "bob"}


def test_a_day_that_is_being_published_right_now_holds_nothing_and_one_that_never_was_does(town: Town) -> None:
    pushed_yesterday(town)
    declare(town, "shop", is_required=True, newest=YESTERDAY.day)
    block(town, "shop", YESTERDAY.day, passed=True)
    assert town.push(as_of=YESTERDAY, dry_run=True).problems == ()
    with town.warehouse.begin() as connection:
        connection.execute(sa.delete(Validation))
    block(town, "shop", YESTERDAY.day, passed=True, hours_ago=2)
    (problem,) = town.push(as_of=YESTERDAY, dry_run=True).problems
    assert "judged and not published" in problem


def test_an_optional_source_that_is_late_is_told_and_the_push_goes_on(town: Town, desk: PlatformDesk) -> None:
    pushed_yesterday(town)
    declare(town, "ads", is_required=False, newest=TODAY - timedelta(days=5))
    report = town.push(as_of=YESTERDAY)
    assert [words.partition(":")[0] for words in report.stale] == ["source ads"]
    assert (report.problems, desk.lists()["vip"]) == ((), {"ana", "bob", "cam"})


def test_a_push_that_has_nothing_to_tell_asks_nobody(town: Town) -> None:
    pushed_yesterday(town)
    town.push(as_of=YESTERDAY)
    declare(town, "shop", is_required=True, newest=TODAY - timedelta(days=5))
    assert town.push(as_of=YESTERDAY).in_sync
