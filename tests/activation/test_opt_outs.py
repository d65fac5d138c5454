"""An opt-out always wins, wherever and whenever it is made, and nobody is ever subscribed again."""

from activation.platform import PlatformDesk
from activation.town import Town, key_of


def no_resubscribes(desk: PlatformDesk) -> bool:
    return bool(desk.journal()["violations"]["resubscribes"] == 0)


def test_who_opted_out_on_the_platform_is_suppressed_before_planning(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    desk.block("ana")

    report = town.push()

    assert desk.lists()["vip"] == {"bob"}
    assert report.opted_out >= 1 and report.withheld == 0
    assert "ana" not in desk.written_names()


def test_who_opts_out_on_the_platform_later_leaves_its_lists_and_stays_opted_out(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    desk.block("ana")

    report = town.push()

    assert desk.lists() == {"audience": {"bob"}, "vip": {"bob"}}
    assert report.opted_out == 1
    assert "ana" in desk.blocked() and no_resubscribes(desk)


def test_an_opt_out_of_somebody_not_in_the_vault_yet_is_remembered(town: Town, desk: PlatformDesk) -> None:
    desk.block("eve")
    town.push(approved=True)  # nothing is evaluated yet
    town.people("eve", "bob")
    town.segment("vip", ["eve", "bob"])
    town.push()
    assert desk.lists()["vip"] == {"bob"}


def test_who_withdraws_between_plan_and_claim_is_withheld(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])

    def withdraw_when_planned(call: str) -> None:
        if call == "after GET /contacts/attributes":
            town.withdraw("ana")

    report = town.push(at_call=withdraw_when_planned)

    assert report.withheld == 2
    assert "ana" not in desk.written_names()
    assert town.items("withheld") == [
        ("add", "vip", "ana", "no consent, or suppressed"),
        ("upsert", "", "ana", "no consent, or suppressed"),
    ]


def test_who_withdraws_between_profile_and_list_is_not_added_and_is_taken_off_again(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])

    def suppress_after_the_profiles(call: str) -> None:
        if call == "after POST /contacts/import" and "vip" in desk.lists() and not desk.lists()["vip"]:
            town.suppress("ana") if key_of("ana") not in suppressed else None
            suppressed.add(key_of("ana"))

    suppressed: set[str] = set()
    report = town.push(at_call=suppress_after_the_profiles)

    assert desk.lists() == {"audience": {"bob"}, "vip": {"bob"}}
    assert report.in_sync and report.withheld == 1


def test_who_leaves_the_segment_between_plan_and_claim_is_not_added(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])

    def leave_when_planned(call: str) -> None:
        if call == "after GET /contacts/attributes" and "vip" not in desk.lists():
            town.segment("vip", ["bob"])

    town.push(at_call=leave_when_planned)

    assert "ana" not in desk.written_names()
    assert ("add", "vip", "ana", "left the list after planning") in town.items("withheld")


def test_a_withdrawal_takes_somebody_off_every_list(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.segment("new", ["ana", "bob"])
    town.push()
    town.withdraw("ana")
    town.push()
    assert desk.lists() == {"audience": {"bob"}, "vip": {"bob"}, "new": {"bob"}}


def test_consent_for_one_segment_s_purpose_is_none_for_another_s(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", purposes=["email_marketing"])
    town.segment("vip", ["ana"], purpose="email_marketing")
    town.segment("lookalikes", ["ana"], purpose="profiling")
    town.push()
    assert desk.lists() == {"audience": {"ana"}, "vip": {"ana"}, "lookalikes": set()}


def test_taking_tracking_consent_back_changes_the_profile(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", purposes=["email_marketing", "open_tracking"])
    town.segment("vip", ["ana"])
    town.push()
    assert desk.api("GET", "/contacts/ana%40mailbox.example")["attributes"]["OPEN_TRACKING"] is True
    town.withdraw("ana", purpose="open_tracking")
    town.push()
    assert desk.api("GET", "/contacts/ana%40mailbox.example")["attributes"]["OPEN_TRACKING"] is False
