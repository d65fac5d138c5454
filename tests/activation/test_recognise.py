"""A platform names contacts in its own way; somebody else's contacts are never taken for ours, nor kept under their names."""

from activation.town import Town, key_of
from audience.activation.destination import Shown
from audience.activation.recognise import recognise
from audience.core.masked import Personal
from key import KEY


def recognised(town: Town, *shown: Shown) -> list[str | None]:
    with town.warehouse.begin() as connection:
        return recognise(connection, "brevo", shown, KEY)


def address(name: str) -> Personal:
    return Personal(f"{name}@mailbox.example")


def test_an_address_is_its_key_however_it_is_written(town: Town) -> None:
    assert recognised(town, Shown(email=Personal(" ANA@mailbox.example"))) == [key_of("ana")]
    assert recognised(town, Shown(email=Personal("no address"))) == [None]


def test_a_key_that_we_told_of_counts_before_the_address_that_the_contact_has_there_now(town: Town) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    town.push()
    moved = Shown(contact_key=key_of("ana"), email=address("another"))
    assert recognised(town, moved, Shown(contact_key=key_of("ana"))) == [key_of("ana"), key_of("ana")]


def test_somebody_else_s_key_is_no_key_of_ours(town: Town) -> None:
    """An address as the key, or another system's hash: kept as it is it would be a name in clear, or nobody's."""
    theirs = [
        Shown(contact_key="bob@mailbox.example", email=address("bob")),
        Shown(contact_key="f" * 32, email=address("bob")),
    ]
    assert recognised(town, *theirs) == [key_of("bob"), key_of("bob")]
    assert recognised(town, Shown(contact_key="bob@mailbox.example")) == [None]


def test_an_id_is_known_when_it_was_told_with_an_acknowledgement(town: Town) -> None:
    town.people("ana")
    town.segment("vip", ["ana"])
    town.push()
    with town.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE push.acknowledged SET platform_id = '77'")
    assert recognised(town, Shown(platform_id="77"), Shown(platform_id="78")) == [key_of("ana"), None]
