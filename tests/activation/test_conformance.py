"""What every destination promises, asked of each platform's simulator. A new destination adds a `Stand` (`stands.py`)."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.stands import BREVO, FILE, MARKETING_CLOUD, STANDS, WEBHOOK, Desk, Stand
from activation.town import Town
from audience.activation import destinations
from audience.core.errors import DestinationRefused, DestinationUnavailable
from audience.core.masked import PseudonymKey, Secret
from audience.core.warehouse import Warehouse
from audience.privacy.keys import in_use, rotate
from key import KEY


@pytest.fixture(params=STANDS, ids=lambda stand: stand.name)
def stand(request: pytest.FixtureRequest) -> Stand:
    found: Stand = request.param
    return found


@pytest.fixture
def desk(platform_url: str, stand: Stand, tmp_path: Path) -> Iterator[Desk]:
    with stand.desk(platform_url, tmp_path) as desk:
        yield desk


@pytest.fixture
def town(warehouse: Warehouse, desk: Desk, stand: Stand) -> Town:
    """Ana and Bob are VIPs, Bob and Cam are new, Eve consented to nothing."""
    town = Town(warehouse, desk.url, stand)
    town.people("ana", "bob", "cam", purposes=("email_marketing", "click_tracking"))
    town.people("eve", consent=False)
    town.segment("vip", ["ana", "bob", "eve"])
    town.segment("new", ["bob", "cam"])
    return town


def is_as_desired(town: Town, desk: Desk) -> bool:
    """Lists as they should be, the ledger as the platform, nobody subscribed again, no call over the limit."""
    there = {name: people for name, people in desk.lists().items() if people}
    violations = desk.journal()["violations"]
    return there == town.desired() == town.acknowledged() and not (
        violations["resubscribes"] or violations["writes_over_limit"]
    )


def told(town: Town, desk: Desk, name: str) -> dict[str, object]:
    return dict(town.stand.attributes(desk.url, f"{name}@mailbox.example") or {})


def test_a_first_push_brings_people_with_their_attributes_and_a_second_writes_nothing(town: Town, desk: Desk) -> None:
    report = town.push()
    assert report.in_sync and is_as_desired(town, desk)
    assert desk.lists()["vip"] == {"ana", "bob"} and desk.lists()[town.base_list] == {"ana", "bob", "cam"}
    assert "eve" not in desk.written_names()
    found = told(town, desk, "ana")
    assert (found["FIRSTNAME"], bool(found["OPEN_TRACKING"]), bool(found["CLICK_TRACKING"])) == ("Ana", False, True)

    desk.forget_requests()
    assert town.push(holder="run-2").in_sync
    assert desk.writes() == []


def test_what_changed_is_told_and_nothing_else(town: Town, desk: Desk) -> None:
    town.push()
    desk.forget_requests()
    town.segment("vip", ["ana", "cam"])
    town.rename("ana", "Anaïs")
    assert town.push().in_sync and is_as_desired(town, desk)
    assert told(town, desk, "ana")["FIRSTNAME"] == "Anaïs"
    assert desk.written_names() == {"ana", "bob", "cam"}


def test_an_attribute_that_is_not_known_any_more_is_emptied(town: Town, desk: Desk) -> None:
    town.push()
    town.rename("ana", None)
    town.push()
    assert not told(town, desk, "ana").get("FIRSTNAME")
    assert told(town, desk, "bob")["FIRSTNAME"] == "Bob"


def test_many_batches_end_as_one_would(town: Town, desk: Desk) -> None:
    town.batch = 2
    town.people(*(f"p{n}" for n in range(7)))
    town.segment("vip", [f"p{n}" for n in range(7)])
    assert town.push().in_sync and is_as_desired(town, desk)
    town.segment("vip", ["p0", "p6"])
    assert town.push(approved=True).in_sync and is_as_desired(town, desk)


def test_who_opts_out_there_leaves_every_list_and_is_never_subscribed_again(town: Town, desk: Desk) -> None:
    if not town.stand.can.tells_opt_outs:
        pytest.skip("this platform does not tell who opted out")
    town.push()
    desk.block("bob")
    report = town.push()
    assert report.opted_out >= 1 and report.in_sync and is_as_desired(town, desk)
    assert not any("bob" in people for people in desk.lists().values())
    town.rename("bob", "Robert")
    town.push()
    assert "bob" in desk.blocked() and is_as_desired(town, desk)


def test_who_opted_out_there_before_we_ever_pushed_is_never_told(town: Town, desk: Desk) -> None:
    if not town.stand.can.tells_opt_outs:
        pytest.skip("this platform does not tell who opted out")
    desk.block("bob")
    assert town.push().in_sync and is_as_desired(town, desk)
    assert "bob" not in desk.written_names() and "bob" in desk.blocked()


def test_a_record_that_is_refused_becomes_a_dead_letter_and_the_rest_goes_on(town: Town, desk: Desk) -> None:
    if not town.stand.refuses:
        pytest.skip("this platform takes every record")
    desk.fault(town.stand.requests["upsert"], "refuse_records", body=["bob@mailbox.example"], times=None)
    report = town.push()
    assert (report.dead, desk.lists()["vip"]) == (3, {"ana"})
    assert {name for _, _, name, _ in town.items("dead")} == {"bob"}
    desk.mend()
    assert town.push().in_sync and is_as_desired(town, desk)


@pytest.mark.parametrize("kind", ["drop_after_accept", "drop_before", "truncate"])
def test_an_answer_that_never_came_is_asked_for_again(town: Town, desk: Desk, kind: str) -> None:
    town.push()
    town.people("dan")
    town.segment("vip", ["ana", "dan"])
    for request in sorted(set(town.stand.requests.values())):
        desk.fault(request, kind, times=1)
    assert town.push().in_sync and is_as_desired(town, desk)


@pytest.mark.parametrize("call", ["opt_outs", "upsert", "remove"])
def test_a_platform_that_is_down_is_given_up_and_the_next_run_ends_the_same(town: Town, desk: Desk, call: str) -> None:
    if call not in town.stand.requests:
        pytest.skip("this platform is never asked for that")
    town.push()
    town.people("dan")
    town.segment("vip", ["ana", "dan"])
    desk.fault(town.stand.requests[call], "status", status=503, body="ana@mailbox.example", times=None)
    with pytest.raises(DestinationUnavailable) as down:
        town.push()
    assert "mailbox" not in str(down.value)
    desk.mend()
    assert town.push().in_sync and is_as_desired(town, desk)


@pytest.mark.parametrize("kind", ["stuck_process", "fail_process", "half_process"])
def test_a_job_that_ends_badly_is_no_success(town: Town, desk: Desk, kind: str) -> None:
    if not town.stand.has_jobs:
        pytest.skip("this platform does everything at once")
    desk.fault(town.stand.requests["upsert"], kind, times=1)
    report = town.push()
    if kind == "stuck_process":
        assert report.waiting_seconds > 0
        with town.warehouse.begin() as connection:
            connection.exec_driver_sql("UPDATE push.job SET submitted_at = submitted_at - interval '6 hours'")
    assert town.push().in_sync and is_as_desired(town, desk)


def test_what_somebody_else_changed_there_is_put_right(town: Town, desk: Desk) -> None:
    if not town.stand.can.reads_back:
        pytest.skip("this platform cannot be read back")
    town.push()
    town.stand.join(desk.url, "vip", "cam@mailbox.example")
    town.stand.join(desk.url, "vip", "stranger@mailbox.example")
    town.stand.delete(desk.url, "ana@mailbox.example")
    assert town.push().in_sync and is_as_desired(town, desk)


def test_an_erased_person_is_deleted_there_and_erasing_again_is_nothing(town: Town, desk: Desk) -> None:
    town.push()
    town.suppress("bob", reason="erased")
    report = town.push()
    assert report.erased == 1 and report.in_sync and is_as_desired(town, desk)
    assert town.stand.attributes(desk.url, "bob@mailbox.example") is None
    town.people("bob")
    assert town.push().in_sync
    assert not any("bob" in people for people in desk.lists().values())


def test_wrong_credentials_stop_at_once_and_are_not_shown(town: Town, desk: Desk) -> None:
    if not town.stand.wrong:
        pytest.skip("this platform asks for no credentials")
    town.connection = type(town.connection)(**(vars(town.connection) | dict(town.stand.wrong)))
    with pytest.raises(DestinationRefused) as refused:
        town.push()
    assert "a-wrong-key" not in str(refused.value)
    assert desk.lists().get("vip") is None


def test_its_own_rate_is_never_exceeded(town: Town, desk: Desk) -> None:
    """With the platform's own limits and pace, on a clock that sleeping moves, no request is refused."""
    if town.destination().per_second == math.inf:
        pytest.skip("this platform has no rate")
    assert town.destination().per_second > 0
    assert destinations.find(town.stand.name).settings["requests_per_second"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("stand", [BREVO, MARKETING_CLOUD, WEBHOOK, FILE], indirect=True, ids=lambda stand: stand.name)
def test_after_a_new_pseudonym_key_nothing_is_told_again_and_who_leaves_is_found(town: Town, desk: Desk) -> None:
    key = PseudonymKey(KEY.reveal(), later=(Secret("a-second-key-for-tests-only-0123456789"),))
    assert town.push().in_sync
    with town.warehouse.begin() as connection:
        in_use(connection, key)
        assert rotate(connection, key, named_by_key=destinations.knowing_by_key())
    report = town.push(key=key)
    assert (report.changes, report.adds, report.removals) == (0, 0, 0) and report.in_sync
    town.segment("vip", ["bob", "eve"])
    assert town.push(key=key).in_sync
    assert desk.lists()["vip"] == {"bob"} and is_as_desired(town, desk)
