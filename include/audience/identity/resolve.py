"""Identity of one partition: person keys, golden records, what changed since the day before, and the vault."""

import hashlib
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import ibis
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.counts import Counts
from audience.core.engine import batches, keep
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import CUSTOMERS, GOLDEN_SOURCE, IDENTITY_CHANGE, PERSON_KEY, raw
from audience.core.trust import ALIKE, Trusted
from audience.core.warehouse import Warehouse
from audience.core.warehouse.load import stage_rows
from audience.identity.changes import changes
from audience.identity.clusters import Decisions
from audience.identity.decisions import decisions_of
from audience.identity.golden import (
    contact_points,
    former_addresses,
    golden_records,
    provenance,
    ranked_addresses,
    survived,
    with_former,
)
from audience.identity.identify import Identity, person_keys
from audience.identity.set_aside import set_aside
from audience.privacy.keys import hold
from audience.privacy.pseudonym import contact_key_of

_ADDRESSED = ("contact", "consent", "order", "event")
"""The entities that tell of people."""

_NOTE = "identity"


@dataclass(frozen=True)
class Resolved:
    """What became of one partition.

    Args:
        counts: records taken; people loaded; records that joined another's person as superseded.
        set_aside: records whose value was not used, by reason.
        given_up: links between records that contradict each other.
        changes: people merged, moved, split, renamed since the day before.
    """

    counts: Counts
    set_aside: dict[str, int] = field(default_factory=dict)
    given_up: int = 0
    changes: dict[str, int] = field(default_factory=dict)


def resolve(
    lake: Lake, session: Backend, warehouse: Warehouse, partition: Partition, key: Secret, *, trusted: Trusted = ALIKE
) -> Resolved:
    """Decides who is one person, as of the end of the partition, and publishes it.

    The vault follows only forwards in time: a past day never overwrites what is known now.
    """
    with warehouse.begin() as connection:
        decisions = decisions_of(connection, partition)
        decided_before = decisions_of(connection, partition.previous)
    identity = Identity(lake, session, key, trusted)
    found = identity.of(partition, decisions)
    owned = found.owned
    lake.write(session, PERSON_KEY, partition, person_keys(owned))
    addresses = keep(session, ranked_addresses(owned, lake, session, partition))
    people = keep(session, survived(owned, trusted))
    customers = lake.write(session, CUSTOMERS, partition, golden_records(people, addresses))
    lake.write(session, GOLDEN_SOURCE, partition, provenance(owned, addresses, trusted))
    before = _keys_before(identity, partition.previous, decided_before)
    moved = keep(session, changes(session, before, found))
    lake.write(session, IDENTITY_CHANGE, partition, moved)
    lake.note(_NOTE, partition, {"input": _input(identity, partition, decisions)})
    former = keep(session, former_addresses(owned, lake, session, partition))
    points = contact_points(people, with_former(addresses, former), partition)
    _fill_vault(session, warehouse, partition, key, points=points, former=former)
    taken = int(session.to_pyarrow(owned.count()).as_py())
    by_kind = session.to_pyarrow(moved.group_by("what").agg(people=_.count()).order_by("what")).to_pylist()
    return Resolved(
        Counts(taken=taken, loaded=customers.rows, superseded=taken - customers.rows),
        set_aside(session, owned, found.clusters.nodes),
        int(session.to_pyarrow(found.clusters.given_up.count()).as_py()),
        {row["what"]: row["people"] for row in by_kind},
    )


def _keys_before(identity: Identity, day: Partition, decisions: Decisions) -> ir.Table:
    """The person keys of a day: as published when they come from the input that there is now, else computed.

    So the changes of a day are the same whether the day before was computed before it, after it, or never.
    """
    lake, session = identity.lake, identity.session
    if not any(lake.publications(table, through=day) for table in _tables(lake)):
        return ibis.memtable([], schema=PERSON_KEY.schema)
    if lake.note(_NOTE, day).get("input") == _input(identity, day, decisions):
        return lake.read(session, PERSON_KEY, day)
    return keep(session, person_keys(identity.of(day, decisions).owned))


def _input(identity: Identity, partition: Partition, decisions: Decisions) -> str:
    """Changes when anything changes that the person keys of a partition come from."""
    trust = {name: asdict(trust) for name, trust in sorted(identity.trusted.items())}
    model = identity.matching.stored(partition)
    extra = f"{_code()} {decisions} {trust} {model.version if model else None}"
    return identity.lake.fingerprint(_tables(identity.lake), through=partition, extra=extra)


def _tables(lake: Lake) -> list[Table]:
    return [raw(source, entity) for entity in _ADDRESSED for source in lake.sources_of(entity)]


@cache
def _code() -> str:
    """A hash of this room."""
    files = sorted(Path(__file__).parent.glob("**/*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def _fill_vault(
    session: Backend, warehouse: Warehouse, partition: Partition, key: Secret, *, points: ir.Table, former: ir.Table
) -> None:
    points = points.mutate(contact_key=contact_key_of(points.contact_key, key))
    formers = former.select("person_id", contact_key=contact_key_of(former.email_key, key))
    with warehouse.vault.begin() as connection:
        hold(connection, key)
        connection.execute(sa.text("LOCK TABLE vault.former_address IN SHARE ROW EXCLUSIVE MODE"))  # one day at a time
        stage_rows(connection, "incoming", batches(session, points), like="vault.contact_point")
        connection.execute(sa.text(_STORE))
        connection.execute(sa.text(_RETIRE), {"as_of": partition.day})
        stage_rows(connection, "incoming_former", batches(session, formers), like="vault.former_address")
        for statement in _FORMER:
            connection.execute(sa.text(statement), {"as_of": partition.day})


_STORE = """
    INSERT INTO vault.contact_point AS known
        (contact_key, person_id, email, first_name, last_name, phone, city, postal_code, is_primary, as_of)
    SELECT contact_key, person_id, email, first_name, last_name, phone, city, postal_code, is_primary, as_of
    FROM incoming
    WHERE NOT EXISTS (SELECT FROM privacy.suppression s
                      WHERE s.contact_key = incoming.contact_key AND s.reason IN ('erased', 'expired'))
    ON CONFLICT (contact_key) DO UPDATE SET
        person_id = excluded.person_id, email = excluded.email, first_name = excluded.first_name,
        last_name = excluded.last_name, phone = excluded.phone, city = excluded.city,
        postal_code = excluded.postal_code, is_primary = excluded.is_primary, as_of = excluded.as_of
    WHERE known.as_of <= excluded.as_of
      AND (known.person_id, known.email, known.first_name, known.last_name, known.phone, known.city,
           known.postal_code, known.is_primary, known.as_of)
          IS DISTINCT FROM
          (excluded.person_id, excluded.email, excluded.first_name, excluded.last_name, excluded.phone, excluded.city,
           excluded.postal_code, excluded.is_primary, excluded.as_of)
"""

_RETIRE = """
    UPDATE vault.contact_point AS known
    SET is_primary = false, as_of = :as_of
    WHERE known.is_primary AND known.as_of <= :as_of
      AND NOT EXISTS (SELECT FROM incoming WHERE incoming.contact_key = known.contact_key)
"""
"""An address that nobody has any more is kept, to be taken off the platforms, and is not written to."""

_FORMER = (
    """
    DELETE FROM vault.former_address AS known
    WHERE NOT EXISTS (SELECT FROM vault.contact_point WHERE contact_point.as_of > :as_of) AND NOT EXISTS (
        SELECT FROM incoming_former AS told
        WHERE told.person_id = known.person_id AND told.contact_key = known.contact_key)
    """,
    """
    INSERT INTO vault.former_address (person_id, contact_key)
    SELECT person_id, contact_key FROM incoming_former
    WHERE NOT EXISTS (SELECT FROM vault.contact_point WHERE contact_point.as_of > :as_of)
      AND NOT EXISTS (SELECT FROM privacy.suppression s
                      WHERE s.contact_key = incoming_former.contact_key AND s.reason IN ('erased', 'expired'))
    ON CONFLICT DO NOTHING
    """,
)
"""Whose address was whose is as of the newest day that was computed, as a whole: people who are told apart share none."""
