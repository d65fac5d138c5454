"""Who said no leaves, whatever else waits; and the guard judges a change as a whole, however often it is interrupted."""

import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.town import FRIDAY, Town
from audience.activation.guard import Limits
from audience.activation.plan import is_still_asked
from audience.core.errors import DeclarationError, PushHeld
from audience.core.warehouse.models import Consent, Definition, Erasure, Plan, Request


def held_town(town: Town) -> None:
    """A platform in sync whose next push would empty a list."""
    town.people("ana", "bob", "cam")
    town.segment("vip", ["ana", "bob", "cam"])
    town.push()
    town.segment("vip", [])


def test_who_withdrew_or_is_suppressed_leaves_although_the_push_is_held(town: Town, desk: PlatformDesk) -> None:
    held_town(town)
    town.withdraw("bob")
    town.suppress("cam")
    with pytest.raises(PushHeld, match="list vip: would become empty"):
        town.push()
    assert desk.lists() == town.acknowledged() == {"audience": {"ana"}, "vip": {"ana"}}


def test_consents_that_are_merely_missing_take_nobody_off_without_asking(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    with town.warehouse.begin() as connection:
        connection.execute(sa.delete(Consent))  # a source that lost its consents looks like this
    with pytest.raises(PushHeld, match="would become empty"):
        town.push()
    assert desk.lists()["vip"] == {"ana", "bob"}


def test_who_withdraws_one_purpose_leaves_the_lists_of_that_purpose(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob", purposes=["email_marketing", "profiling"])
    town.segment("vip", ["ana", "bob"])
    town.segment("alike", ["ana", "bob"], purpose="profiling")
    town.push()
    town.withdraw("ana", purpose="profiling")
    assert town.push().withdrawn == 1
    assert desk.lists() == {"audience": {"ana", "bob"}, "vip": {"ana", "bob"}, "alike": {"bob"}}


def test_who_withdraws_leaves_while_the_platform_is_still_at_work(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    town.people("cam")
    town.segment("vip", ["ana", "bob", "cam"])
    desk.fault("POST /brevo/v3/contacts/import", "stuck_process")
    assert town.push().waiting_seconds > 0
    town.withdraw("ana")
    assert town.push(holder="run-2").waiting_seconds > 0
    assert desk.lists() == {"audience": {"bob"}, "vip": {"bob"}}


def test_a_first_push_that_was_interrupted_is_no_growth_when_it_is_run_again(town: Town, desk: PlatformDesk) -> None:
    town.batch = 2
    limits = Limits(growth=2.0, growth_from=1)
    town.people(*(f"p{n}" for n in range(7)))
    town.segment("vip", [f"p{n}" for n in range(7)])
    seen = 0

    def dies(call: str) -> None:
        nonlocal seen
        seen += call == "after POST /contacts/import"
        if seen == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.push(limits=limits, at_call=dies)
    assert town.push(limits=limits).in_sync
    assert len(desk.lists()["vip"]) == 7


def test_an_answer_counts_while_the_same_question_is_open(town: Town) -> None:
    held_town(town)

    def asked(plan_id: int) -> bool:
        with town.warehouse.begin() as connection:
            return is_still_asked(connection, "brevo", plan_id)

    plans = []
    for _ in range(2):
        with pytest.raises(PushHeld) as held:
            town.push()
        assert held.value.as_of == FRIDAY.day and held.value.plan_id
        plans.append(held.value.plan_id)
    assert [asked(plan) for plan in plans] == [True, True]
    town.segment("vip", ["ana", "bob"])
    town.push()
    assert [asked(plan) for plan in plans] == [False, False]


def test_what_the_platform_lacks_is_said_before_anything_is_sent(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("v" * 101, ["ana"])
    with pytest.raises(DeclarationError, match="a name of 101 characters, expected at most 100"):
        town.push()
    assert town.push(dry_run=True).problems[0].startswith("segment vvv")
    assert desk.lists() == {}
    with town.warehouse.begin() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Plan)).scalar_one() == 0
        connection.execute(sa.delete(Definition))


def test_a_dry_run_shows_payloads_without_a_single_letter_of_anybody(town: Town) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.connection = type(town.connection)("brevo", town.connection.url, password=town.connection.password)
    report = town.push(dry_run=True)
    assert (report.calls, report.seconds) == (2, 0.2)  # 10 calls a second
    assert report.samples[0] == {"action": "add", "list": "vip", "email": "xxx@xxxxxxx.xxxxxxx"}
    assert {"action": "upsert", "FIRSTNAME": "xxx", "OPEN_TRACKING": False}.items() <= report.samples[-1].items()


def test_each_call_is_kept_without_what_names_anybody(town: Town) -> None:
    held_town(town)
    town.suppress("bob", reason="erased")
    with pytest.raises(PushHeld):
        town.push()
    with town.warehouse.begin() as connection:
        calls = {row.call: row.status for row in connection.execute(sa.select(Request.call, Request.status))}
        receipts = list(connection.execute(sa.select(Erasure.destination)).scalars())
    assert calls["POST /contacts/import"] == 202 and calls["DELETE /contacts/*"] == 204
    assert "mailbox" not in str(calls) and receipts == ["brevo"]


def test_a_yes_counts_for_what_was_asked_and_for_nothing_that_came_later(town: Town, desk: PlatformDesk) -> None:
    held_town(town)
    town.segment("new", ["ana", "bob"])
    with pytest.raises(PushHeld, match="list vip: would become empty") as asked:
        town.push()
    answer = asked.value.plan_id
    town.segment("new", [])  # its source is gone as well, by now
    with pytest.raises(PushHeld, match="list audience: would become empty"):
        town.push(answer_to=answer)
    assert desk.lists()["vip"] == {"ana", "bob", "cam"}
    town.segment("new", ["ana", "bob"])
    town.withdraw("cam")  # one person less than was asked about
    report = town.push(answer_to=answer)
    assert report.in_sync and desk.lists() == {"audience": {"ana", "bob"}, "vip": set(), "new": {"ana", "bob"}}
