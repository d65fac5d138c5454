"""One record that the platform refuses never stops the others, and rate limits are kept."""

import math
import time

import pytest

from activation.platform import PlatformDesk
from activation.town import Town
from audience.activation.bisection import MOST_CALLS, Outcome, isolate
from audience.core.errors import DestinationRefused, DestinationUnavailable

IMPORT = "POST /brevo/v3/contacts/import"


def test_a_record_the_platform_refuses_becomes_a_dead_letter_and_the_rest_goes_on(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana", "bob(", "cam")  # the platform takes no bracket in an address
    town.segment("vip", ["ana", "bob(", "cam"])

    report = town.push()

    assert desk.lists() == {"audience": {"ana", "cam"}, "vip": {"ana", "cam"}}
    assert (report.acknowledged, report.dead, report.in_sync) == (4, 2, True)
    assert town.items("dead") == [
        ("add", "vip", "bob(", "its profile was refused"),
        ("upsert", "", "bob(", "invalid_emails"),
    ]


def test_a_dead_letter_is_tried_again_by_the_next_push(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob(")
    town.segment("vip", ["ana", "bob("])
    town.push()
    desk.forget_requests()
    report = town.push()
    assert (report.changes, report.dead) == (1, 2)


def test_contacts_deleted_on_the_platform_make_no_removal_fail(town: Town, desk: PlatformDesk) -> None:
    names = [f"p{n}" for n in range(12)]
    town.people(*names)
    town.segment("vip", names)
    town.segment("new", names)
    town.push()
    desk.api("DELETE", "/contacts/p3%40mailbox.example")
    town.segment("vip", ["p0"])
    report = town.push()
    assert desk.lists()["vip"] == {"p0"}
    assert report.dead == 0 and report.in_sync


def test_a_batch_that_is_always_refused_is_cut_down_to_its_bad_records_and_then_given_up(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana", "bob", "cam", "dan")
    town.segment("vip", ["ana", "bob", "cam", "dan"])
    desk.fault(
        IMPORT, "status", status=400, body={"code": "invalid_parameter", "message": "ana@mailbox.example"}, times=3
    )
    report = town.push()
    assert report.dead == 2  # profile and membership of the one record at the bottom of the third level
    assert {reason for _, _, _, reason in town.items("dead")} == {"400 invalid_parameter", "its profile was refused"}


def test_a_failed_import_is_no_success(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault(IMPORT, "fail_process")
    report = town.push()
    assert report.dead == 2 and town.acknowledged() == {}
    town.push()
    assert desk.lists()["vip"] == {"ana"}


def test_parts_of_a_failed_import_are_jobs_that_another_run_goes_on_from(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob", "cam", "dan")
    town.segment("vip", ["ana", "bob", "cam", "dan"])
    desk.fault(IMPORT, "fail_process", times=1)
    desk.fault(IMPORT, "stuck_process", times=2)
    report = town.push(patience_seconds=20)
    assert report.waiting_seconds > 0  # nobody sits and waits for the two halves
    with town.warehouse.begin() as connection:
        covered = "SELECT count(*) FROM push.item i JOIN push.job j ON i.job = j.number WHERE j.finished_at IS NULL"
        assert connection.exec_driver_sql(covered).scalar_one() == 4
    assert town.push(holder="run-2", patience_seconds=20).waiting_seconds > 0
    imports = [w["emails"] for w in desk.writes() if w["call"].endswith("import")]
    assert [len(emails) for emails in imports] == [4, 2, 2]  # looked at, not sent again


def test_an_import_that_never_ends_is_left_to_later_runs_and_given_up_after_hours(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault(IMPORT, "stuck_process")
    assert town.push().waiting_seconds > 0
    assert town.push(holder="run-2").waiting_seconds > 0 and town.acknowledged() == {}
    assert len([w for w in desk.writes() if w["call"].endswith("import")]) == 1  # it is looked at, not sent again
    with town.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE push.job SET submitted_at = submitted_at - interval '6 hours'")
    town.push(holder="run-3")
    assert desk.lists() == town.acknowledged() == {"audience": {"ana"}, "vip": {"ana"}}


@pytest.mark.parametrize("answer", [{"status": 404}, {"status": 200, "body": "no JSON"}], ids=["not known", "no JSON"])
def test_an_import_that_cannot_be_asked_about_any_more_is_not_in_the_way_for_ever(
    town: Town, desk: PlatformDesk, answer: dict[str, object]
) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault(IMPORT, "stuck_process")
    assert town.push(patience_seconds=0).waiting_seconds > 0
    with town.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE push.job SET submitted_at = submitted_at - interval '6 hours'")
    desk.fault("GET /brevo/v3/processes/{process_id}", "status", times=1, **answer)
    assert town.push().in_sync
    assert desk.lists() == town.acknowledged() == {"audience": {"ana"}, "vip": {"ana"}}


def test_a_body_larger_than_brevo_advises_is_cut_in_two(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob", "cam")
    for name in ("ana", "bob", "cam"):
        town.rename(name, name * 1_300_000)
    town.segment("vip", ["ana", "bob", "cam"])
    assert town.push().in_sync
    profiles = [w["emails"] for w in desk.writes() if w["call"].endswith("import") and w["list"] == "audience"]
    assert [len(emails) for emails in profiles] == [1, 2]


def test_a_storm_of_429_is_waited_out_as_long_as_the_platform_says(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault(IMPORT, "status", status=429, headers={"x-sib-ratelimit-reset": "7"}, times=3)
    slept: list[float] = []
    town.push(sleep=slept.append)
    assert desk.lists()["vip"] == {"ana"}
    assert len([s for s in slept if 6.5 < s <= 7]) == 3


def test_a_storm_that_does_not_end_is_given_up(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault(IMPORT, "status", status=429, headers={"x-sib-ratelimit-reset": "1"}, times=None)
    with pytest.raises(DestinationUnavailable, match="POST /contacts/import: still 429 after 10 waits"):
        town.push()
    assert desk.calls()["POST /brevo/v3/contacts/import"] == 11


def test_errors_of_the_server_are_tried_again_with_growing_waits_and_no_address_in_the_message(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.fault("GET /brevo/v3/contacts", "status", status=503, body="ana@mailbox.example", times=None)
    slept: list[float] = []
    with pytest.raises(DestinationUnavailable) as unavailable:
        town.push(sleep=slept.append)
    assert str(unavailable.value) == "brevo: GET /contacts: 503 after 6 tries"
    waits = [s for s in slept if s > 0.1]
    assert len(waits) == 5 and all(0.25 * 2**n <= w <= 0.75 * 2**n for n, w in enumerate(waits))


def test_with_the_platform_s_own_limits_no_call_is_ever_too_many(town: Town, desk: PlatformDesk) -> None:
    town.connection = type(town.connection)("brevo", town.connection.url, password=town.connection.password)
    desk.limits(brevo={}, process_delay_seconds=0.2)
    town.people("ana", "bob")
    town.segment("vip", ["ana"])
    town.segment("new", ["ana", "bob"])
    assert town.push(sleep=time.sleep).in_sync
    assert desk.journal()["apps"]["brevo"]["refused_over_limit"] == 0


def test_polls_spread_out_when_few_requests_of_the_hour_are_left(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    desk.limits(brevo={"others_per_hour": 15, "contacts_per_second": 10_000}, process_delay_seconds=3600)
    slept: list[float] = []
    assert town.push(sleep=slept.append).waiting_seconds > 0
    assert slept[:2] == [100, 100]  # 14 are left for the rest of the hour; the lease is renewed meanwhile


@pytest.mark.parametrize("size", [2, 3, 10, 150, 20_000])
def test_one_bad_record_is_found_within_two_calls_per_halving(size: int) -> None:
    keys = [str(n) for n in range(size)]
    for bad in {0, size // 3, size - 1}:
        sent: list[slice] = []

        def send(part: slice, bad: int = bad, sent: list[slice] = sent) -> Outcome:
            sent.append(part)
            return Outcome(whole="404") if part.start <= bad < part.stop else Outcome()

        assert isolate(keys, send).refused == {str(bad): "404"}
        assert len(sent) <= 2 * math.ceil(math.log2(size)) + 1


def test_a_platform_that_refuses_everything_is_not_asked_for_ever() -> None:
    calls: list[slice] = []

    def send(part: slice) -> Outcome:
        calls.append(part)
        return Outcome(whole="400 bad_request")

    with pytest.raises(DestinationRefused, match="400 calls for a batch of 20000 refused, last: 400 bad_request"):
        isolate([str(n) for n in range(20_000)], send)
    assert len(calls) == MOST_CALLS


def test_an_empty_batch_makes_no_call() -> None:
    def never(_: slice) -> Outcome:
        raise AssertionError

    assert isolate([], never) == Outcome()
