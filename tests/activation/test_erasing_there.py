"""Who asked to be erased is deleted on each platform, whatever is under way there, and never comes back."""

import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.town import Town, key_of
from audience import forgetting
from audience.activation import lease
from audience.core.errors import AudienceError, DestinationRefused
from audience.core.lake import Lake
from audience.core.masked import Personal, Secret
from audience.core.settings import Settings
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import ContactPoint, Erasure, Item
from audience.house import House
from audience.privacy.erased import ask_to_erase


@pytest.fixture
def house(town: Town, lake: Lake, settings: Settings) -> House:
    """Ana and Bob are on the platform."""
    town.people("ana", "bob")
    town.segment("vip", ["ana", "bob"])
    town.push()
    return House(settings, lake, town.warehouse, lambda _: town.connection)


def request(house: House, name: str) -> str:
    number = forgetting.request_erasure(house, by="dpo", address=Personal(f"{name}@mailbox.example"))
    assert number is not None
    return number


def erase_there(house: House, number: str) -> forgetting.Facts:
    return forgetting.erase_there(house, number, "brevo", holder="erasure", patience_seconds=5)


def known(desk: PlatformDesk) -> set[str]:
    """Which of these people are contacts of the account at all."""
    everybody = {one["email"] for one in desk.api("GET", "/contacts?limit=1000")["contacts"]}
    return {name for name in ("ana", "bob", "cam", "dan", "eve") if f"{name}@mailbox.example" in everybody}


def test_the_person_is_deleted_there_and_in_the_vault_and_the_request_ends(
    house: House, town: Town, desk: PlatformDesk
) -> None:
    number = request(house, "ana")
    forgetting.erase_stores(house, number)
    assert erase_there(house, number) == {"contacts": 1, "waiting_seconds": 0}
    forgetting.end_erasure(house, number, ["brevo"])
    assert known(desk) == {"bob"}
    (found,) = forgetting.erasures(house)  # in the vault an address, and two items of the push
    assert (found.receipts["brevo"], found.receipts["vault"]) == (1, 3) and found.finished_at is not None
    with house.warehouse.begin() as connection:
        assert connection.execute(sa.select(ContactPoint.person_id)).scalars().all() == ["bob"]
        keys = connection.execute(sa.select(Item.contact_key)).scalars()
        assert key_of("ana") not in set(keys)


def test_the_same_address_that_is_imported_again_is_not_told(house: House, town: Town, desk: PlatformDesk) -> None:
    number = request(house, "ana")
    forgetting.erase_stores(house, number)
    erase_there(house, number)
    forgetting.end_erasure(house, number, ["brevo"])
    desk.forget_requests()
    town.people("ana")  # with a fresh consent
    town.segment("vip", ["ana", "bob"])
    town.push()
    assert (known(desk), "ana" in desk.written_names()) == ({"bob"}, False)


def test_a_push_that_is_under_way_does_not_bring_the_person_back(house: House, town: Town, desk: PlatformDesk) -> None:
    town.people("cam", "dan")
    town.segment("vip", ["ana", "bob", "cam", "dan"])
    numbers: list[str] = []

    def asked(call: str) -> None:
        """Cam asks to be erased while the platform is told of them."""
        if call == "before POST /contacts/import" and not numbers:
            numbers.append(request(house, "cam"))
            assert erase_there(house, numbers[0])["waiting_seconds"] > 0  # somebody pushes

    town.push(at_call=asked)
    forgetting.erase_stores(house, numbers[0])
    erase_there(house, numbers[0])
    forgetting.end_erasure(house, numbers[0], ["brevo"])
    town.push()
    assert known(desk) == {"ana", "bob", "dan"}


def test_whom_a_job_of_the_platform_brings_is_deleted_after_it(house: House, town: Town, desk: PlatformDesk) -> None:
    town.people("cam")
    town.segment("vip", ["ana", "bob", "cam"])
    desk.limits(process_delay_seconds=2)
    assert town.push(patience_seconds=0).waiting_seconds > 0  # Cam is left to the platform
    number = request(house, "cam")
    waiting = forgetting.erase_there(house, number, "brevo", holder="erasure", patience_seconds=0)
    assert (waiting["contacts"], waiting["waiting_seconds"] > 0) == (0, True)
    assert erase_there(house, number) == {"contacts": 1, "waiting_seconds": 0}
    assert "cam" in desk.written_names() and known(desk) == {"ana", "bob"}


def test_whom_a_push_told_that_was_killed_before_it_noted_so_is_deleted(
    house: House, town: Town, desk: PlatformDesk
) -> None:
    class Killed(BaseException): ...

    def die(call: str) -> None:
        if call == "after POST /contacts/import":
            raise Killed

    town.people("cam")
    town.segment("vip", ["ana", "bob", "cam"])
    with pytest.raises(Killed):
        town.push(at_call=die)
    assert "cam" in desk.written_names() and "cam" not in town.acknowledged()["audience"]
    assert erase_there(house, request(house, "cam")) == {"contacts": 1, "waiting_seconds": 0}
    assert known(desk) == {"ana", "bob"}


def test_who_left_every_list_before_is_still_a_contact_there_and_is_deleted(
    house: House, town: Town, desk: PlatformDesk
) -> None:
    town.people("cam", "dan")
    town.segment("vip", ["ana", "bob", "cam", "dan"])
    town.push()
    town.withdraw("cam")  # who says no, and who is no member any more
    town.segment("vip", ["ana", "bob"])
    town.push()
    assert desk.lists() == town.acknowledged() == {"audience": {"ana", "bob"}, "vip": {"ana", "bob"}}
    for name in ("cam", "dan"):
        assert erase_there(house, request(house, name)) == {"contacts": 1, "waiting_seconds": 0}
    assert known(desk) == {"ana", "bob"}


def test_who_left_every_list_and_the_vault_is_named_for_somebody_to_delete_there(
    house: House, town: Town, desk: PlatformDesk
) -> None:
    town.segment("vip", ["bob"])
    town.push()
    with town.warehouse.begin() as connection:
        connection.execute(sa.delete(ContactPoint).where(ContactPoint.person_id == "ana"))
    number = request(house, "ana")
    forgetting.erase_stores(house, number)
    assert erase_there(house, number) == {"contacts": 0, "waiting_seconds": 0}
    assert forgetting.end_erasure(house, number, ["brevo"])["elsewhere"] == {"brevo": 1}


def test_a_platform_that_is_no_longer_in_use_is_named_for_somebody_to_delete_there(house: House) -> None:
    number = request(house, "ana")
    forgetting.erase_stores(house, number)
    assert forgetting.end_erasure(house, number, [])["elsewhere"] == {"brevo": 1}


def test_a_platform_that_refuses_us_keeps_the_request_open_and_the_address_in_the_vault(
    house: House, town: Town, desk: PlatformDesk
) -> None:
    number = request(house, "ana")
    town.connection = type(town.connection)("brevo", town.connection.url, password=Secret("of yesterday"))
    with pytest.raises(DestinationRefused):
        erase_there(house, number)
    assert forgetting.erasures(house)[0].receipts == {}
    assert "ana" in town.names().values() and "ana" in known(desk)


def test_while_somebody_pushes_there_it_is_looked_at_again_later(house: House, town: Town) -> None:
    number = request(house, "ana")
    held = lease.take(town.warehouse, "brevo", "a push")
    assert erase_there(house, number)["waiting_seconds"] == forgetting.BUSY_SECONDS
    held.release()
    assert erase_there(house, number) == {"contacts": 1, "waiting_seconds": 0}


def test_a_platform_that_never_heard_of_the_person_is_not_called(house: House, desk: PlatformDesk) -> None:
    number = request(house, "eve")
    desk.forget_requests()
    assert erase_there(house, number) == {"contacts": 0, "waiting_seconds": 0}
    assert desk.calls() == {}


def test_who_was_refused_to_be_deleted_is_not_lost_to_the_next_push(
    house: House, town: Town, desk: PlatformDesk
) -> None:
    """A push takes whoever is suppressed off its lists, and with that off the ledger: the deletion is owed all the same."""
    number = request(house, "ana")
    desk.fault("DELETE /brevo/v3/contacts/{identifier}", "status", status=400, body={"code": "x"}, times=2)
    with pytest.raises(AudienceError, match="found 1 contacts"):
        erase_there(house, number)
    town.push()
    assert town.acknowledged() == {"audience": {"bob"}, "vip": {"bob"}} and "ana" in known(desk)
    assert erase_there(house, number) == {"contacts": 1, "waiting_seconds": 0}
    assert known(desk) == {"bob"}


def test_however_many_are_owed_at_once_are_noted_at_once(warehouse: Warehouse) -> None:
    everybody = [f"key-{number}" for number in range(70_000)]  # PostgreSQL takes 65,535 values in one statement
    with warehouse.begin() as connection:
        ask_to_erase(connection, "brevo", everybody)
        assert connection.execute(sa.select(sa.func.count()).select_from(Erasure)).scalar() == 70_000
