"""Which pseudonym keys a warehouse is made with, and how it gets another one.

A contact key is a chain: the keyed hash of the address by the first key, which is what the lake has, hashed again by each
later key. So a new key takes in every row there is, also of addresses that nobody knows in clear any more, and whoever
learned the earlier keys can do nothing with the rows.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import ibis
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.engine import engine
from audience.core.errors import KeysChanged, SettingsError
from audience.core.masked import PseudonymKey, Secret
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import Acknowledged, Base, ErasureSubject, Lease, Remaining
from audience.core.warehouse.models import PseudonymKey as Used
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.attributes import contacts
from audience.privacy.pseudonym import contact_key_of

HOLDER = "audience keys rotate"
"""Who holds the leases that a rotation takes."""

KEYED = (
    *((table.c.contact_key, sa.true()) for table in Base.metadata.sorted_tables if "contact_key" in table.c),
    (ErasureSubject.__table__.c.key, ErasureSubject.kind == "address"),
)
"""Every column of the warehouse with contact keys, and of which rows."""


@dataclass(frozen=True)
class KeyState:
    """One key of the setting or of the warehouse.

    Args:
        key_id: tells keys apart; nothing follows from it.
        place: `lake and warehouse`, `warehouse`, or `waits for audience keys rotate`.
        rows: of the warehouse, that cannot be found again without it.
    """

    key_id: str
    place: str
    rows: int


def in_use(connection: sa.Connection, key: PseudonymKey) -> PseudonymKey:
    """The keys that contact keys are made with now: all of the setting, or the first ones while a rotation waits.

    The first key that is ever used is remembered by its id.

    Raises:
        SettingsError: the setting lacks a key that rows were made with, or has them in another order.
    """
    used = _used(connection)
    if not used:
        connection.execute(insert(Used).values(position=1, key_id=key.ids[0]).on_conflict_do_nothing())
        used = _used(connection)
    if tuple(used) != key.ids[: len(used)]:
        rows = sum(rows_by_table(connection).values())
        raise SettingsError(
            f"AUDIENCE_PSEUDONYM_KEY: found keys {', '.join(key.ids)}, expected {', '.join(used)} first, in this order:"
            f" {rows} rows of the warehouse, and all of the lake, were made with them and cannot be found without"
        )
    return key.first(len(used))


def hold(connection: sa.Connection, key: Secret) -> None:
    """Keeps the keys of the warehouse as they are until this transaction ends.

    Args:
        key: what the caller made contact keys with.

    Raises:
        KeysChanged: the warehouse has another number of keys by now; doing the same again takes the new ones.
    """
    used = connection.execute(sa.select(Used.position).with_for_update(read=True)).all()
    own = len(key.ids) if isinstance(key, PseudonymKey) else 1
    if used and len(used) != own:
        raise KeysChanged(
            f"found {own} keys, expected {len(used)}: the pseudonym key was rotated meanwhile; run this again"
        )


def rotate(connection: sa.Connection, key: PseudonymKey, *, named_by_key: Collection[str]) -> int:
    """Takes the keys of the setting that the warehouse does not have yet into every contact key. All of it, or nothing.

    A push that runs loses its lease, as if its process had died, and the next one goes on. The ledger stays true: nothing
    is told again because of new keys, and platforms that name contacts by our key go on with the name they were told.

    Args:
        connection: with the vault, in a transaction that the caller ends.
        named_by_key: destinations that know contacts by their contact key.

    Returns:
        The number of rows that have new keys; 0 when the warehouse has all keys of the setting.

    Raises SettingsError as `in_use` does.
    """
    connection.execute(sa.update(Lease).values(epoch=Lease.epoch + 1, holder=HOLDER, expires_at=sa.func.now()))
    connection.execute(sa.text("LOCK TABLE privacy.pseudonym_key IN EXCLUSIVE MODE"))
    before = in_use(connection, key)
    if before.ids == key.ids:
        return 0
    _stage_new_keys(connection, key, since=len(before.ids))
    _note_who_is_up_to_date(connection)
    connection.execute(
        sa.update(Acknowledged)
        .where(Acknowledged.destination.in_(named_by_key), Acknowledged.list_name == PROFILE)
        .where(Acknowledged.platform_id.is_(None))
        .values(platform_id=Acknowledged.contact_key)
    )
    connection.execute(
        sa.update(Remaining)
        .where(Remaining.destination.in_(named_by_key), Remaining.platform_id.is_(None))
        .values(platform_id=Remaining.contact_key)
    )
    new = sa.table("rekeyed", sa.column("old", sa.String), sa.column("new", sa.String))
    rows = 0
    for column, of in KEYED:
        renamed = sa.update(column.table).where(column == new.c.old, of).values({column: new.c.new})
        rows += connection.execute(renamed).rowcount
    _keep_up_to_date(connection, new)
    added = [{"position": n, "key_id": i} for n, i in enumerate(key.ids, start=1) if n > len(before.ids)]
    connection.execute(sa.insert(Used), added)
    return rows


def states(connection: sa.Connection, key: PseudonymKey) -> list[KeyState]:
    """Every key of the setting, in order, with the rows that need it. Raises SettingsError as `in_use` does."""
    used, rows = len(in_use(connection, key).ids), sum(rows_by_table(connection).values())
    places = ["lake and warehouse", *["warehouse"] * (used - 1)]
    waiting = ["waits for audience keys rotate"] * (len(key.ids) - used)
    needed = [rows] * used + [0] * len(waiting)
    return [KeyState(*one) for one in zip(key.ids, places + waiting, needed, strict=True)]


def rows_by_table(connection: sa.Connection) -> dict[str, int]:
    """Rows with a contact key, by table of the warehouse. The vault's are counted where the connection may."""
    may = sa.text("SELECT has_schema_privilege(:schema, 'USAGE')")
    open_ = [(c, of) for c, of in KEYED if connection.scalar(may, {"schema": c.table.schema})]
    return {c.table.fullname: connection.scalar(sa.select(sa.func.count(c)).where(of)) or 0 for c, of in open_}


def _used(connection: sa.Connection) -> Sequence[str]:
    return connection.execute(sa.select(Used.key_id).order_by(Used.position)).scalars().all()


def _stage_new_keys(connection: sa.Connection, key: PseudonymKey, *, since: int) -> None:
    """A temporary table `rekeyed` with every contact key, `old`, and what it becomes by the later keys, `new`."""
    every = sa.union(*(sa.select(column).where(of) for column, of in KEYED))
    old = pa.table({"old": pa.array(connection.execute(every).scalars().all(), pa.string())})
    with engine() as session:
        rows = ibis.memtable(old)
        new = session.to_pyarrow(rows.mutate(new=contact_key_of(rows.old, key, since=since)))
    stage_rows(connection, "rekeyed", new, like="(SELECT '' AS old, '' AS new) made")
    connection.execute(sa.text("CREATE INDEX ON rekeyed (old)"))


_SAME = sa.table("up_to_date", sa.column("destination", sa.String), sa.column("contact_key", sa.String))


def _note_who_is_up_to_date(connection: sa.Connection) -> None:
    """A temporary table with the contacts that a destination was told of as they are now: their hash covers the key."""
    connection.execute(sa.text("CREATE TEMPORARY TABLE up_to_date (destination text, contact_key text) ON COMMIT DROP"))
    known = contacts().subquery("known")
    told = (
        sa.select(Acknowledged.destination, Acknowledged.contact_key)
        .join(known, known.c.contact_key == Acknowledged.contact_key)
        .where(Acknowledged.list_name == PROFILE, Acknowledged.payload_hash == known.c.payload_hash)
    )
    connection.execute(sa.insert(_SAME).from_select(["destination", "contact_key"], told))


def _keep_up_to_date(connection: sa.Connection, new: sa.TableClause) -> None:
    """Gives their new hash to those who were told everything."""
    known = contacts().subquery("known")
    connection.execute(
        sa.update(Acknowledged)
        .where(
            Acknowledged.destination == _SAME.c.destination,
            _SAME.c.contact_key == new.c.old,
            Acknowledged.contact_key == new.c.new,
            Acknowledged.list_name == PROFILE,
            known.c.contact_key == new.c.new,
        )
        .values(payload_hash=known.c.payload_hash)
    )


def later_forms(contact_key: str, key: Secret) -> Iterator[str]:
    """What a contact key that somebody kept may be by now: it does not tell how many keys it was made with."""
    from audience.privacy.pseudonym import pseudonym

    later = key.later if isinstance(key, PseudonymKey) else ()
    for since in range(len(later) + 1):
        found = contact_key
        for one in later[since:]:
            found = pseudonym(found, one)
        yield found
