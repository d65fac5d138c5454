"""What somebody else changes on the platform is seen, shown and put right."""

import random

from activation.platform import PlatformDesk
from activation.town import Town


def two_lists(town: Town) -> None:
    town.people("ana", "bob", "cam")
    town.segment("vip", ["ana", "bob"])
    town.segment("new", ["ana", "bob", "cam"])
    town.push()


def emails(*names: str) -> dict[str, list[str]]:
    return {"emails": [f"{n}@mailbox.example" for n in names]}


def test_a_ghost_is_taken_off_whether_the_vault_knows_it_or_not(town: Town, desk: PlatformDesk) -> None:
    two_lists(town)
    desk.api("POST", "/contacts", {"email": "stranger@mailbox.example"})
    desk.api("POST", f"/contacts/lists/{desk.list_id('vip')}/contacts/add", emails("stranger", "cam"))

    report = town.push()

    assert desk.lists() == town.desired()
    assert report.in_sync


def test_a_member_that_went_missing_comes_back_in_the_same_run(town: Town, desk: PlatformDesk) -> None:
    two_lists(town)
    desk.api("POST", f"/contacts/lists/{desk.list_id('vip')}/contacts/remove", emails("ana"))

    report = town.push()

    assert desk.lists() == town.desired() == town.acknowledged()
    assert (report.adds, report.in_sync) == (1, True)


def test_a_contact_deleted_on_the_platform_comes_back_with_its_attributes_and_lists(
    town: Town, desk: PlatformDesk
) -> None:
    two_lists(town)
    desk.api("DELETE", "/contacts/bob%40mailbox.example")
    town.push()
    assert desk.lists() == town.desired()
    assert desk.api("GET", "/contacts/bob%40mailbox.example")["attributes"]["FIRSTNAME"] == "Bob"


def test_who_opts_out_during_the_push_is_off_the_lists_at_its_end(town: Town, desk: PlatformDesk) -> None:
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])

    def ana_opts_out(call: str) -> None:
        if call == "after GET /processes/2":
            desk.block("ana")

    report = town.push(at_call=ana_opts_out)

    assert desk.lists() == {"audience": {"bob"}, "vip": {"bob"}}
    assert report.opted_out >= 1 and report.in_sync
    assert "ana" in desk.blocked() and desk.journal()["violations"]["resubscribes"] == 0


def test_so_many_ghosts_that_the_desired_state_is_the_likelier_mistake_are_only_shown(
    town: Town, desk: PlatformDesk
) -> None:
    two_lists(town)
    strangers = [f"s{n}" for n in range(60)]
    for name in strangers:
        desk.api("POST", "/contacts", {"email": f"{name}@mailbox.example"})
    desk.api("POST", f"/contacts/lists/{desk.list_id('vip')}/contacts/add", emails(*strangers))

    report = town.push()
    assert not report.in_sync
    assert [(s.name, s.desired, s.on_platform, s.unknown) for s in report.lists if not s.in_sync] == [
        ("vip", 2, 62, 60)
    ]

    assert town.push(approved=True).in_sync
    assert desk.lists() == town.desired()


def test_a_read_back_that_comes_empty_by_mistake_costs_a_repetition_and_nothing_else(
    town: Town, desk: PlatformDesk
) -> None:
    two_lists(town)
    before = desk.lists()
    desk.fault("GET /brevo/v3/contacts/lists/{list_id}/contacts", "empty", times=3)
    report = town.push()
    assert desk.lists() == before and report.in_sync and report.adds == 5


def test_whatever_happens_in_the_town_the_platform_follows(town: Town, desk: PlatformDesk) -> None:
    """Two hundred changes at random, pushed every tenth: joins, leavers, consents, withdrawals, opt-outs, new names."""
    chance = random.Random(7)
    everybody = [f"p{n}" for n in range(40)]
    members: dict[str, set[str]] = {"vip": set(), "new": {"p0"}}
    opted_out: set[str] = set()
    town.people(*everybody, consent=False)
    for step in range(1, 201):
        name = chance.choice(everybody)
        match chance.randrange(8):
            case 0 | 1 | 2:
                members[chance.choice(["vip", "new"])].add(name)
            case 3:
                members[chance.choice(["vip", "new"])].discard(name)
            case 4 | 5:
                town.people(name)
            case 6:
                town.rename(name, f"N{step}")
            case 7 if chance.random() < 0.3:
                town.withdraw(name)
            case _ if chance.random() < 0.2:
                desk.block(name)
                opted_out.add(name)
        if step % 10 == 0:
            for segment, names in members.items():
                town.segment(segment, names)
            report = town.push(approved=True)
            desired = town.desired()
            assert {k: v for k, v in desk.lists().items() if v} == desired == town.acknowledged(), step
            assert report.in_sync
            assert not opted_out & {name for names in desired.values() for name in names}
            assert opted_out <= desk.blocked() and desk.journal()["violations"]["resubscribes"] == 0
    assert len(town.desired()["audience"]) > 5
