"""A new pseudonym key changes nobody: people, past days and what was refused stay as they were."""

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.masked import PseudonymKey, Secret
from audience.core.partition import Partition
from audience.core.tables import PERSON_KEY
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import ContactPoint
from audience.identity.resolve import resolve
from audience.privacy.keys import in_use, rotate
from audience.privacy.ledger import record_consents
from audience.privacy.pseudonym import pseudonym
from audience.privacy.sendable import sendable
from identity.test_resolve import THURSDAY, House, a_contact, at, hashes, key_of
from key import KEY
from rows import FRIDAY

ONE = PseudonymKey(KEY.reveal())
TWO = PseudonymKey(KEY.reveal(), later=(Secret("a-second-key-for-tests-only-0123456789"),))


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    """Ana has an account; Eve ordered as a guest, so nobody knows her address in clear."""
    house = House(lake, duck, warehouse)
    yes = {"consent_id": "1", "email_key": key_of("ana@example.org"), "status": "granted", "captured_at": at(THURSDAY)}
    house.land("contact", a_contact("C-1", "ana@example.org"), day=THURSDAY)
    house.land("consent", yes, day=THURSDAY)
    house.land("order", {"email_key": key_of("eve@example.org"), "ordered_at": at(THURSDAY)}, day=THURSDAY)
    return house


def people(house: House, day: Partition, key: PseudonymKey) -> dict[str, str]:
    resolve(house.lake, house.duck, house.warehouse, day, key)
    record_consents(house.lake, house.duck, house.warehouse, day, key)
    rows = house.duck.to_pyarrow(house.lake.read(house.duck, PERSON_KEY, day)).to_pylist()
    return {row["key"]: row["person_id"] for row in rows}


def turn(house: House) -> None:
    with house.warehouse.vault.begin() as connection:
        in_use(connection, ONE)
        rotate(connection, TWO, named_by_key=())


def allowed(house: House) -> set[str]:
    with house.warehouse.vault.begin() as connection:
        keys = connection.execute(sendable("email_marketing")).scalars().all()
        named = sa.select(ContactPoint.email).where(ContactPoint.contact_key.in_(keys))
        return set(connection.execute(named).scalars())


def test_a_past_day_computed_again_with_the_new_key_is_the_same_to_the_byte(house: House) -> None:
    before = people(house, THURSDAY, ONE)
    files, vault = hashes(house.lake), house.vault()
    turn(house)
    assert people(house, THURSDAY, TWO) == before and hashes(house.lake) == files
    again = house.vault()
    assert {e: row["person_id"] for e, row in again.items()} == {e: row["person_id"] for e, row in vault.items()}
    assert again["ana@example.org"]["contact_key"] != vault["ana@example.org"]["contact_key"]
    assert allowed(house) == {"ana@example.org"}


def test_who_was_there_before_the_new_key_is_the_same_person_after_it(house: House) -> None:
    """Eve opens an account, and orders again; her first order was stored before the rotation, without her address."""
    guest = people(house, THURSDAY, ONE)[key_of("eve@example.org")]
    turn(house)
    house.land("contact", a_contact("C-2", "eve@example.org"), day=FRIDAY)
    house.land("order", {"order_id": "O-2", "email_key": key_of("eve@example.org")}, day=FRIDAY)
    after = people(house, FRIDAY, TWO)
    assert after["crm:C-2"] == after[key_of("eve@example.org")] == guest
    assert guest == pseudonym(f"person:email:{key_of('eve@example.org')}", KEY)


def test_a_withdrawal_after_the_new_key_takes_back_what_was_granted_before_it(house: House) -> None:
    people(house, THURSDAY, ONE)
    turn(house)
    no = {"consent_id": "2", "email_key": key_of("ana@example.org"), "status": "withdrawn", "captured_at": at(FRIDAY)}
    house.land("consent", no, day=FRIDAY)
    people(house, FRIDAY, TWO)
    assert allowed(house) == set()
