"""Nothing is handed out for sending but by the gate, under the lease, with consent asked at that moment."""

from datetime import date

import pytest
import sqlalchemy as sa

from audience.core.errors import ConsentMissing, LeaseLost
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Item, Lease, Plan
from audience.privacy.claims import Claim
from audience.privacy.gate import Recipient, SendableAudience, claim, claim_leavers
from privacy.people import MARKETING, answer, point, store, suppressed

WANTED = sa.select(
    sa.column("contact_key", sa.String), sa.column("contact_key", sa.String).label("person_id"),
    sa.literal("vip").label("list_name"), sa.literal(MARKETING).label("purpose"),
).select_from(sa.text("vault.contact_point"))  # fmt: skip
"""Everybody in the vault should be on the list `vip`."""

EPOCH = 4
VIP = Claim("brevo", EPOCH, plan_id=1, list_name="vip", at_most=100)


def planned(warehouse: Warehouse, *contacts: str, action: str = "add", list_name: str = "vip") -> None:
    lease = Lease(
        destination="brevo", epoch=EPOCH, holder="run-1", expires_at=sa.func.now() + sa.text("interval '1 min'")
    )
    plan = Plan(plan_id=1, destination="brevo", as_of=date(2026, 11, 20), state="pushing", counts={})
    store(warehouse, lease, plan)
    store(warehouse, *(
        Item(plan_id=1, contact_key=c, list_name=list_name, action=action, payload_hash="old", state="planned")
        for c in contacts
    ))  # fmt: skip


def states(warehouse: Warehouse) -> dict[str, tuple[str, str | None]]:
    with warehouse.vault.begin() as connection:
        return {k: (s, r) for k, s, r in connection.execute(sa.select(Item.contact_key, Item.state, Item.reason))}


def claimed(warehouse: Warehouse, what: Claim = VIP, action: str = "add") -> tuple[int, list[str]]:
    with warehouse.vault.begin() as connection:
        taken, _, audience = claim(connection, what, action=action, wanted=WANTED)
        return taken, [r.contact_key for r in audience]


def test_nobody_but_the_gate_makes_an_audience() -> None:
    with pytest.raises(ConsentMissing, match="made outside the gate"):
        SendableAudience(())
    with pytest.raises(ConsentMissing):
        SendableAudience((), object())


def test_an_audience_shows_its_size_and_nobody_in_it(warehouse: Warehouse) -> None:
    store(warehouse, point("ana", first_name="Ana"), answer("ana", "granted"))
    planned(warehouse, "ana")
    with warehouse.vault.begin() as connection:
        _, _, audience = claim(connection, VIP, action="add", wanted=WANTED)
    assert repr(audience) == "SendableAudience(1 contacts)"
    assert "mailbox" not in repr(audience[0]) and "Ana" not in repr(audience[0])
    assert audience[0].email.reveal() == "ana@mailbox.example"
    assert isinstance(audience[0], Recipient) and len(audience[0:0]) == 0


def test_who_may_be_written_to_is_in_flight_and_who_may_not_is_withheld_with_the_reason(warehouse: Warehouse) -> None:
    store(warehouse, *(point(c) for c in ("ana", "bob", "cam", "dan")))
    store(warehouse, answer("ana", "granted"), answer("bob", "withdrawn"), answer("cam", "granted"), suppressed("cam"))
    planned(warehouse, "ana", "bob", "cam", "dan", "erased")
    assert claimed(warehouse) == (5, ["ana"])
    no = ("withheld", "no consent, or suppressed")
    assert states(warehouse) == {
        "ana": ("in_flight", None), "bob": no, "cam": no, "dan": no, "erased": ("withheld", "not in the vault"),
    }  # fmt: skip


def test_no_more_than_asked_for_is_taken_and_nothing_twice(warehouse: Warehouse) -> None:
    store(warehouse, *(point(c) for c in "abc"), *(answer(c, "granted") for c in "abc"))
    planned(warehouse, "a", "b", "c")
    two = Claim("brevo", EPOCH, 1, "vip", 2)
    assert [claimed(warehouse, two) for _ in range(3)] == [(2, ["a", "b"]), (1, ["c"]), (0, [])]


def test_a_profile_in_flight_carries_the_hash_of_what_the_vault_says_now(warehouse: Warehouse) -> None:
    store(warehouse, point("ana"), answer("ana", "granted"))
    planned(warehouse, "ana", action="upsert", list_name="")
    assert claimed(warehouse, Claim("brevo", EPOCH, 1, "", 10), "upsert") == (1, ["ana"])
    with warehouse.vault.begin() as connection:
        assert len(connection.execute(sa.select(Item.payload_hash)).scalar_one()) == 64


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE push.lease SET epoch = epoch + 1",
        "UPDATE push.lease SET expires_at = now() - interval '1 second'",
        "DELETE FROM push.lease",
    ],
)
def test_without_the_lease_nothing_is_taken(warehouse: Warehouse, change: str) -> None:
    store(warehouse, point("ana"), answer("ana", "granted"))
    planned(warehouse, "ana")
    with warehouse.vault.begin() as connection:
        connection.execute(sa.text(change))
    with pytest.raises(LeaseLost, match="brevo: epoch 4 does not hold the lease any more"):
        claimed(warehouse)
    assert states(warehouse) == {"ana": ("planned", None)}


def test_taking_somebody_off_a_list_needs_no_consent_but_an_address(warehouse: Warehouse) -> None:
    store(warehouse, point("ana"), answer("ana", "withdrawn"), suppressed("ana"))
    planned(warehouse, "ana", "erased", action="remove")
    with warehouse.vault.begin() as connection:
        taken, _, leavers = claim_leavers(connection, VIP)
    assert (taken, [v.email.reveal() for v in leavers]) == (2, ["ana@mailbox.example"])
    assert states(warehouse)["erased"] == ("withheld", "not in the vault")
