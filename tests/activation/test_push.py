"""After a push the platform has exactly who should be there, and a second push has nothing to do."""

from datetime import timedelta

import pytest

from activation.platform import PlatformDesk
from activation.town import FRIDAY, Town
from audience.core.errors import DestinationRefused, SettingsError
from audience.core.masked import Secret
from audience.core.warehouse import Warehouse
from logins import Logins

WRITING = ("POST", "PUT", "DELETE")


def test_a_first_push_brings_profiles_lists_and_attributes(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob", purposes=("email_marketing", "click_tracking"))
    town.people("eve", consent=False)
    town.segment("vip", ["ana", "eve"])
    town.segment("new", ["ana", "bob"])

    report = town.push()

    assert desk.lists() == {"audience": {"ana", "bob"}, "vip": {"ana"}, "new": {"ana", "bob"}}
    assert (report.changes, report.adds, report.removals) == (2, 3, 0)
    assert (report.acknowledged, report.dead, report.withheld) == (5, 0, 0)
    assert report.in_sync
    contact = desk.api("GET", "/contacts/ana%40mailbox.example")
    assert contact["attributes"] == {"FIRSTNAME": "Ana", "OPEN_TRACKING": False, "CLICK_TRACKING": True}


def test_nothing_changed_means_no_writing_call(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    town.push()
    desk.forget_requests()

    report = town.push(holder="run-2")

    assert [c for c in desk.calls() if c.startswith(WRITING)] == []
    assert (report.changes, report.adds, report.removals, report.in_sync) == (0, 0, 0, True)
    assert town.plan_states() == ["done", "done"]


def test_who_leaves_a_segment_leaves_its_list_and_the_base_list_when_it_was_the_last(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana", "bob", "cam")
    town.segment("vip", ["ana", "bob"])
    town.segment("new", ["ana", "cam"])
    town.push()

    town.segment("vip", ["cam"])
    report = town.push()

    assert desk.lists() == {"audience": {"ana", "cam"}, "vip": {"cam"}, "new": {"ana", "cam"}}
    assert report.removals == 3  # ana and bob from vip, bob from the base list
    assert town.acknowledged() == desk.lists()


def test_a_changed_name_is_sent_and_nothing_else(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    desk.forget_requests()

    town.rename("ana", "Anaïs")
    town.push()

    assert desk.written_names() == {"ana"}
    assert desk.api("GET", "/contacts/ana%40mailbox.example")["attributes"]["FIRSTNAME"] == "Anaïs"


def test_a_segment_that_is_no_longer_declared_loses_its_members_there(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana"])
    town.segment("new", ["ana", "bob"])
    town.push()

    with town.warehouse.begin() as connection:
        connection.exec_driver_sql("DELETE FROM segments.definition WHERE segment = 'vip'")
    town.push(approved=True)

    assert desk.lists() == {"audience": {"ana", "bob"}, "vip": set(), "new": {"ana", "bob"}}


def test_a_list_of_the_same_name_in_somebody_else_s_folder_is_left_alone(town: Town, desk: PlatformDesk) -> None:
    desk.api("POST", "/contacts/lists", {"name": "vip", "folderId": 1})
    town.people("ana")
    town.segment("vip", ["ana"])
    town.push()
    lists = desk.api("GET", "/contacts/lists?limit=50")["lists"]
    assert [one["uniqueSubscribers"] for one in lists if one["name"] == "vip" and one["folderId"] == 1] == [0]


def test_only_the_primary_address_of_a_person_is_pushed(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "ana.work")
    with town.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE vault.contact_point SET person_id = 'ana', is_primary = false WHERE person_id = 'ana.work'"
        )
    town.segment("vip", ["ana"])
    town.push()
    assert desk.lists()["vip"] == {"ana"}


def test_a_dry_run_counts_and_changes_nothing(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])

    report = town.push(dry_run=True)

    assert (report.creates, report.changes, report.adds, report.removals, report.calls) == (2, 2, 2, 0, 2)
    assert desk.calls() == {}
    assert town.plan_states() == [] and town.acknowledged() == {}


def test_a_dry_run_is_in_nobody_s_way(town: Town, desk: PlatformDesk) -> None:
    """Beside a push that has its plan and items locked: it waits for none of them, and leaves them as they are."""
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    town.rename("ana", "Anaïs")
    locked = "SELECT count(*) FROM (SELECT 1 FROM push.plan JOIN push.item USING (plan_id) FOR UPDATE) locked"
    with town.warehouse.begin() as connection:
        assert connection.exec_driver_sql(locked).scalar_one() == 4
        report = town.push(dry_run=True)
    assert (report.creates, report.changes) == (0, 1) and town.plan_states() == ["done"]


def test_an_older_partition_is_not_pushed(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"], day=FRIDAY.next)
    report = town.push(as_of=FRIDAY)
    assert report.skipped == "not the newest partition"
    assert desk.calls() == {}


def test_wrong_credentials_stop_the_push_at_once_and_show_no_key(town: Town, desk: PlatformDesk) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    connection = town.connection
    town.connection = type(connection)("brevo", connection.url, password=Secret("a-wrong-key"))
    with pytest.raises(DestinationRefused, match="401") as refused:
        town.push()
    assert "a-wrong-key" not in str(refused.value)
    assert sum(desk.calls().values()) == 1


def test_a_report_is_plain_and_has_no_personal_data(town: Town) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    shown = str(town.push().as_dict())
    assert "ana@" not in shown and "Ana" not in shown
    assert "'as_of': '2026-11-20'" in shown


def test_leases_last_longer_than_any_single_call() -> None:
    from audience.activation.lease import EXPIRY
    from audience.activation.wire import TIMEOUT_SECONDS

    assert timedelta(seconds=2 * TIMEOUT_SECONDS) < EXPIRY


def test_a_push_needs_the_vault_and_no_other_login_can_open_it(town: Town, desk: PlatformDesk, login: Logins) -> None:
    jobs, pushes = login("audience_app"), login("audience_vault")
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    both = Town(Warehouse(jobs, pushes), desk.url)
    assert both.push().in_sync
    assert desk.lists()["vip"] == {"ana", "bob"}
    with pytest.raises(SettingsError, match="the vault: found login "):
        Town(Warehouse(jobs), desk.url).push()
    both.warehouse.close()
