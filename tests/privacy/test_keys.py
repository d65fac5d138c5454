"""Another pseudonym key: it takes in every row at once, and nobody who was refused is ever allowed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from audience.core.errors import KeysChanged, SettingsError
from audience.core.masked import Personal, PseudonymKey, Secret
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Acknowledged, Consent, ContactPoint, Lease, Suppression
from audience.privacy.attributes import contacts
from audience.privacy.contact_keys import contact_keys
from audience.privacy.keys import hold, in_use, later_forms, rotate, rows_by_table, states
from audience.privacy.sendable import sendable
from key import KEY
from privacy.people import MARKETING, answer, point, store, suppressed

ONE = PseudonymKey(KEY.reveal())
SECOND, THIRD = Secret("a-second-key-for-tests-only-0123456789"), Secret("a-third-key-for-tests-only-01234567890")
TWO = PseudonymKey(KEY.reveal(), later=(SECOND,))
THREE = PseudonymKey(KEY.reveal(), later=(SECOND, THIRD))


def key_of(name: str, key: PseudonymKey) -> str:
    (found,) = contact_keys([Personal(f"{name}@mailbox.example")], key)
    assert found is not None
    return found


def under(key: PseudonymKey, *rows: Any) -> list[Any]:
    """The same rows with the contact key of the address that they name."""
    for row in rows:
        row.contact_key = key_of(row.contact_key, key)
    return list(rows)


@pytest.fixture
def town(warehouse: Warehouse) -> Warehouse:
    """Ana agreed; Bea agreed and is suppressed; Cam withdrew; of Dan only the suppression is left. One push told of Ana."""
    with warehouse.vault.begin() as connection:
        in_use(connection, ONE)
    people = [point("ana", first_name="Ana"), point("bea"), point("cam")]
    said = [answer("ana", "granted"), answer("bea", "granted"), answer("cam", "granted"), answer("cam", "withdrawn", 9)]
    store(warehouse, *under(ONE, *people, *said, suppressed("bea"), suppressed("dan", "erased")))
    with warehouse.vault.begin() as connection:
        known = contacts().subquery("known")
        told = sa.select(sa.literal("brevo"), known.c.contact_key, sa.literal(""), known.c.payload_hash, sa.func.now())
        columns = ["destination", "contact_key", "list_name", "payload_hash", "as_of"]
        connection.execute(sa.insert(Acknowledged).from_select(columns, told))
    return warehouse


def turn(warehouse: Warehouse, key: PseudonymKey = TWO, named_by_key: tuple[str, ...] = ()) -> int:
    with warehouse.vault.begin() as connection:
        return rotate(connection, key, named_by_key=named_by_key)


def allowed(warehouse: Warehouse) -> set[str]:
    """Addresses in clear, so that they can be compared under any key."""
    with warehouse.vault.begin() as connection:
        keys = connection.execute(sendable(MARKETING)).scalars().all()
        return set(
            connection.execute(sa.select(ContactPoint.email).where(ContactPoint.contact_key.in_(keys))).scalars()
        )


def dump(warehouse: Warehouse) -> dict[str, list[Any]]:
    with warehouse.vault.begin() as connection:
        tables = (ContactPoint, Consent, Suppression, Acknowledged)
        return {t.__tablename__: sorted(map(str, connection.execute(sa.select(t.__table__)))) for t in tables}


def test_every_row_gets_the_new_key_also_of_who_is_not_known_in_clear(town: Warehouse) -> None:
    assert turn(town) == 12
    with town.vault.begin() as connection:
        keys = set(connection.execute(sa.select(Suppression.contact_key)).scalars())
    assert keys == {key_of("bea", TWO), key_of("dan", TWO)}
    assert key_of("dan", TWO) != key_of("dan", ONE)


def test_who_is_known_under_the_new_key_alone_is_still_refused(town: Warehouse) -> None:
    turn(town)
    store(town, *under(TWO, point("dan"), answer("dan", "granted")))
    assert allowed(town) == {"ana@mailbox.example"}


def test_a_second_time_changes_nothing_and_a_third_key_follows_the_second(town: Warehouse) -> None:
    turn(town)
    before = dump(town)
    assert turn(town) == 0 and dump(town) == before
    assert turn(town, THREE) == 12
    with town.vault.begin() as connection:
        assert set(connection.execute(sa.select(ContactPoint.contact_key)).scalars()) == {
            key_of(name, THREE) for name in ("ana", "bea", "cam")
        }


def test_a_warehouse_may_take_two_keys_at_once(town: Warehouse) -> None:
    turn(town, THREE)
    assert allowed(town) == {"ana@mailbox.example"}
    with town.begin() as connection:
        assert in_use(connection, THREE).ids == THREE.ids


class Killed(Exception):
    """Stands for the end of the process; the server rolls the transaction back just the same."""


@contextmanager
def before_each(warehouse: Warehouse, do: Callable[[int], None]) -> Iterator[None]:
    """Does something before each statement of the block, by its number."""
    engine, number = warehouse.vault.engine, iter(range(1000))

    def listener(*_: object) -> None:
        do(next(number))

    sa.event.listen(engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        sa.event.remove(engine, "before_cursor_execute", listener)


def test_nobody_more_is_allowed_at_any_moment_and_a_kill_at_any_step_leaves_all_as_it_was(town: Warehouse) -> None:
    before, seen, steps = dump(town), [], 0
    watcher = Warehouse(town.engine.url.render_as_string(hide_password=False))

    def look(_: int) -> None:
        seen.append(allowed(watcher))

    def kill(at: int) -> Callable[[int], None]:
        def now(number: int) -> None:
            if number == at:
                raise Killed

        return now

    while True:
        try:
            with before_each(town, kill(steps)):
                turn(town)
        except Killed:
            assert dump(town) == before
            steps += 1
            continue
        break
    assert steps > 15
    after = dump(town)
    assert all(after[name] != before[name] for name in before)
    with before_each(town, look):
        turn(town, THREE)
    watcher.close()
    assert len(seen) > 15 and all(one == {"ana@mailbox.example"} for one in seen)
    assert allowed(town) == {"ana@mailbox.example"}


def test_nothing_is_told_again_and_platforms_that_know_our_key_keep_the_name_they_have(town: Warehouse) -> None:
    with town.begin() as connection:
        old = {r.contact_key for r in connection.execute(sa.select(Acknowledged.contact_key))}
        told = sa.select(sa.literal("webhook"), *(c for c in Acknowledged.__table__.c if c.name != "destination"))
        names = ["destination", *(c.name for c in Acknowledged.__table__.c if c.name != "destination")]
        connection.execute(sa.insert(Acknowledged).from_select(names, told))
    turn(town, named_by_key=("webhook",))
    with town.vault.begin() as connection:
        known = contacts().subquery("known")
        same = sa.select(Acknowledged.destination, Acknowledged.platform_id).join(
            known,
            sa.and_(known.c.contact_key == Acknowledged.contact_key, known.c.payload_hash == Acknowledged.payload_hash),
        )
        rows = connection.execute(same).all()
    assert len(rows) == 6
    assert {r.platform_id for r in rows if r.destination == "brevo"} == {None}
    assert {r.platform_id for r in rows if r.destination == "webhook"} == old


def test_a_push_that_runs_loses_its_lease(town: Warehouse) -> None:
    with town.begin() as connection:
        row = {"destination": "brevo", "epoch": 4, "holder": "run-1", "expires_at": sa.text("now() + interval '5 min'")}
        connection.execute(sa.insert(Lease).values(row))
    turn(town)
    with town.begin() as connection:
        assert connection.execute(sa.select(Lease.epoch).where(Lease.expires_at <= sa.func.now())).scalars().all() == [
            5
        ]


def test_who_made_keys_before_writes_nothing_after(town: Warehouse) -> None:
    with town.begin() as connection:
        hold(connection, ONE)
    turn(town)
    with town.begin() as connection, pytest.raises(KeysChanged, match="found 1 keys, expected 2"):
        hold(connection, ONE)
    with town.begin() as connection:
        hold(connection, TWO)


def test_until_the_rotation_the_longer_setting_reads_and_writes_as_the_shorter_one(town: Warehouse) -> None:
    with town.begin() as connection:
        assert in_use(connection, TWO).ids == ONE.ids
        assert [(s.place, s.rows > 0) for s in states(connection, TWO)] == [
            ("lake and warehouse", True), ("waits for audience keys rotate", False),
        ]  # fmt: skip


@pytest.mark.parametrize("lacking", [ONE, PseudonymKey(SECOND.reveal()), PseudonymKey(SECOND.reveal(), later=(ONE,))],
                         ids=["without the second", "without the first", "in another order"])  # fmt: skip
def test_a_key_that_rows_need_cannot_be_dropped(town: Warehouse, lacking: PseudonymKey) -> None:
    turn(town)
    expected = rf"found keys .*, expected {TWO.ids[0]}, {TWO.ids[1]} first, in this order: \d+ rows of the warehouse"
    with town.vault.begin() as connection:
        with pytest.raises(SettingsError, match=expected) as told:
            in_use(connection, lacking)
        assert f"{sum(rows_by_table(connection).values())} rows" in str(told.value)
    assert not any(secret in str(told.value) for secret in (KEY.reveal(), SECOND.reveal()))


def test_a_key_that_somebody_kept_is_found_whenever_it_was_told() -> None:
    for told in (ONE, TWO, THREE):
        assert key_of("ana", THREE) in later_forms(key_of("ana", told), THREE)
    assert list(later_forms(key_of("ana", ONE), ONE)) == [key_of("ana", ONE)]
