"""Whom the demo expects on the platform's lists, found without the gate."""

from datetime import date

import pytest

from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Consent, ContactPoint, Definition, Membership, Suppression
from demo.result import may_be_written_to

FRIDAY = date(2026, 11, 20)


def address(key: str, person: str, *, primary: bool = True) -> ContactPoint:
    email = f"{key}@mailbox.example"
    return ContactPoint(contact_key=key, person_id=person, email=email, is_primary=primary, as_of=FRIDAY)


def answer(key: str, status: str, *, purpose: str = "email_marketing", channel: str = "email") -> Consent:
    return Consent(source="crm", consent_id=f"{key}-{channel}-{purpose}", contact_key=key, channel=channel,
                   purpose=purpose, status=status, captured_at=FRIDAY, proof="form 7", recorded_in=FRIDAY)  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param([answer("home", "granted")], {"home@mailbox.example"}, id="agreed"),
        pytest.param([], set(), id="never asked"),
        pytest.param([answer("home", "granted", purpose="profiling")], set(), id="agreed to another purpose"),
        pytest.param([answer("home", "granted", channel="sms")], set(), id="agreed to another channel"),
        pytest.param([answer("work", "granted")], set(), id="agreed with another than the main address"),
        pytest.param([answer("home", "granted"), answer("work", "withdrawn")], set(), id="withdrew with another address"),
        pytest.param(
            [answer("home", "granted"), Suppression(contact_key="work", reason="complaint", source="inbox",
                                                    suppressed_at=FRIDAY)],
            set(), id="another address is suppressed",
        ),
    ],
)  # fmt: skip
def test_a_member_is_expected_when_the_person_agreed_and_never_refused(
    warehouse: Warehouse, rows: list[object], found: set[str]
) -> None:
    vip = Definition(segment="vip", title="VIP", why="x", purpose="email_marketing", objective="x", deliver_to=[],
                     definition_hash="x")  # fmt: skip
    member = Membership(segment="vip", person_id="ana", entered_on=FRIDAY)
    with warehouse.vault.session() as session:
        session.add_all([vip, member, address("home", "ana"), address("work", "ana", primary=False), *rows])
        session.commit()
    with warehouse.vault.begin() as connection:
        assert may_be_written_to(connection).get("vip", set()) == found
