"""A push may stop anywhere; run again, it ends where it would have ended. And nobody without consent was ever sent."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.town import FRIDAY, Town
from audience.core.errors import DestinationUnavailable, LeaseLost
from audience.core.warehouse.models import Lease


class Killed(BaseException):
    """Not an Exception: nothing may catch it on the way out."""


def dies_at(step: int) -> Callable[[str], None]:
    """An `at_call` that dies at its n-th step: after any call, and before each that writes."""
    steps = count()

    def at_call(call: str) -> None:
        if not call.startswith("before GET") and next(steps) == step:
            raise Killed

    return at_call


def changed_town(town: Town) -> None:
    """A platform that is in sync, and then somebody joins, somebody leaves, somebody withdraws, somebody is renamed."""
    town.people("ana", "bob", "cam", "dan", "fay")
    town.people("eve", consent=False)
    town.segment("vip", ["ana", "bob", "cam", "eve"])
    town.segment("new", ["fay", "bob"])
    town.push()
    town.segment("vip", ["ana", "cam", "dan", "eve"])
    town.segment("new", ["fay", "dan"])
    town.withdraw("cam")
    town.rename("ana", "Anaïs")


def test_killed_at_any_step_and_run_again_it_ends_the_same(town: Town, desk: PlatformDesk) -> None:
    """Step by step the town changes, the push of the change dies at that step, and is run again.

    Each step a guest arrives whose withdrawal is the next step's change.
    """
    town.people("ana", "bob", "cam", "dan")
    town.people("eve", consent=False)
    for step in range(1000):
        stay = {"ana", "bob"} if step % 2 else {"ana", "cam"}
        town.people(f"guest{step}")
        town.withdraw(f"guest{step - 1}")
        town.rename("ana", f"Ana {step}")
        town.segment("vip", {*stay, "eve", f"guest{step}", f"guest{step - 1}"})
        town.segment("new", {"dan", *stay - {"ana"}})
        desk.forget_requests()
        is_dead = False
        try:
            town.push(at_call=dies_at(step))
        except Killed:
            is_dead = True
        report = town.push()

        expected = {
            "audience": {*stay, "dan", f"guest{step}"},
            "vip": {*stay, f"guest{step}"},
            "new": {"dan", *stay - {"ana"}},
        }
        assert desk.lists() == town.desired() == town.acknowledged() == expected, step
        assert desk.api("GET", "/contacts/ana%40mailbox.example")["attributes"]["FIRSTNAME"] == f"Ana {step}", step
        imported = Counter(e for w in desk.writes() if w["call"].endswith("import") for e in w["emails"])
        assert not {*imported} & {f"guest{step - 1}@mailbox.example", "eve@mailbox.example"}, step
        assert imported[f"guest{step}@mailbox.example"] <= 2 + is_dead, (
            step
        )  # profile and list, and the batch that was in flight
        assert desk.journal()["violations"]["resubscribes"] == 0, step
        assert report.in_sync and report.dead == 0, step
        assert town.items("in_flight") == [], step
        if not is_dead:
            assert step > 20  # the push was over before it came to this step: every step was tried
            return


@pytest.mark.parametrize("kind", ["drop_after_accept", "truncate"])
def test_an_answer_that_never_came_is_asked_for_again(town: Town, desk: PlatformDesk, kind: str) -> None:
    changed_town(town)
    for match in ("POST /brevo/v3/contacts/import", "POST /brevo/v3/contacts/lists/{list_id}/contacts/remove",
                  "GET /brevo/v3/processes/{process_id}"):  # fmt: skip
        desk.fault(match, kind, times=1)
    report = town.push()
    assert desk.lists() == town.acknowledged() == town.desired()
    assert report.in_sync


def test_an_outcome_that_stays_unknown_is_told_again_with_the_value_of_then(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault("POST /brevo/v3/contacts/import", "drop_after_accept", times=None)
    with pytest.raises(DestinationUnavailable, match="POST /contacts/import: RemoteProtocolError after 6 tries"):
        town.push()
    assert desk.lists()["audience"] == {"ana"} and town.acknowledged() == {}

    desk.mend()
    town.rename("ana", "Anaïs")
    town.push()
    assert desk.api("GET", "/contacts/ana%40mailbox.example")["attributes"]["FIRSTNAME"] == "Anaïs"


def test_an_addition_in_doubt_is_taken_away_when_it_is_no_longer_desired(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    desk.fault("POST /brevo/v3/contacts/import", "drop_after_accept", times=None, after=1)
    with pytest.raises(DestinationUnavailable):
        town.push()
    assert desk.lists()["vip"] == {"ana", "bob"}

    desk.mend()
    town.segment("vip", ["bob"])
    report = town.push()
    assert desk.lists() == town.acknowledged() == {"audience": {"bob"}, "vip": {"bob"}}
    assert report.removals == 2  # planned, not found by chance as ghosts


def test_a_process_that_is_killed_half_way_leaves_nothing_a_rerun_does_not_finish(
    town: Town, desk: PlatformDesk
) -> None:
    changed_town(town)
    script = """
import os
from activation.town import Town
from audience.core.warehouse import Warehouse

calls = 0
def kill_in_the_middle(call):
    global calls
    calls += call.startswith("after POST")
    if calls == 2:
        os._exit(9)

Town(Warehouse(os.environ["WAREHOUSE"]), os.environ["PLATFORM"]).push(at_call=kill_in_the_middle, holder="killed")
"""
    url = town.warehouse.engine.url.render_as_string(hide_password=False)
    environment = os.environ | {"WAREHOUSE": url, "PLATFORM": desk.url, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert killed.returncode == 9
    with pytest.raises(LeaseLost, match="held by killed until"):
        town.push(holder="another")
    with town.warehouse.begin() as connection:
        connection.execute(sa.update(Lease).values(expires_at=sa.func.now()))  # five minutes later

    report = town.push(holder="another")

    assert desk.lists() == town.desired() == town.acknowledged()
    assert report.in_sync and desk.journal()["violations"]["resubscribes"] == 0


def test_two_runs_at_once_the_second_is_told_who_holds_the_destination(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    refused: list[str] = []

    def second_run(call: str) -> None:
        if call == "before POST /contacts/import":
            with pytest.raises(LeaseLost) as lost:
                town.push(holder="run-2")
            refused.append(str(lost.value))

    report = town.push(holder="run-1", at_call=second_run)

    assert report.in_sync
    assert refused and all(r.startswith("brevo: held by run-1 until ") for r in refused)


def test_an_orphan_stops_at_its_next_call_and_changes_no_ledger(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    overtaken = False

    def somebody_takes_over(call: str) -> None:
        nonlocal overtaken
        if call == "after POST /contacts/import" and not overtaken:
            overtaken = True
            town.push(holder="orphan")  # the retry of the same task: it takes its own lease over

    with pytest.raises(LeaseLost, match="epoch 1 does not hold the lease any more"):
        town.push(holder="orphan", at_call=somebody_takes_over)

    assert desk.lists() == town.desired() == town.acknowledged()
    imports = [w for w in desk.writes() if w["call"].endswith("import")]
    assert len(imports) == 3  # the orphan's one, and profile and list of the run that took over


def test_an_older_partition_never_overwrites_a_newer(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"], day=FRIDAY.next)
    town.push(as_of=FRIDAY.next)
    desk.forget_requests()
    assert town.push(as_of=FRIDAY, approved=True).skipped
    assert desk.calls() == {} and desk.lists()["vip"] == {"ana", "bob"}
