"""Identity of one partition: person keys, golden records, and the vault."""

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
from audience.core.tables import CUSTOMERS, PERSON_KEY
from audience.core.warehouse import Warehouse
from audience.core.warehouse.load import stage_rows
from audience.identity.components import components
from audience.identity.golden import contact_points, golden_records, ranked_addresses
from audience.identity.records import person_records
from audience.privacy.pseudonym import pseudonyms


def resolve(lake: Lake, session: Backend, warehouse: Warehouse, partition: Partition, key: Secret) -> Counts:
    """Decides who is one person, as of the end of the partition, and publishes `person_key` and `customers`.

    The vault follows only forwards in time: a past day never overwrites what is known now.

    Returns:
        records taken; people loaded; records that joined another's person as superseded.
    """
    records = person_records(lake, session, partition, key)
    found = components(session, records)
    people = found.mutate(person_id=pseudonyms(ibis.literal("person:") + found.first_record, key))
    owned = keep(session, records.join(people.select("record_key", "person_id"), "record_key"))
    lake.write(session, PERSON_KEY, partition, person_keys(owned))
    addresses = keep(session, ranked_addresses(owned, lake, session, partition))
    customers = lake.write(session, CUSTOMERS, partition, golden_records(owned, addresses))
    points = contact_points(owned, addresses, partition)
    with warehouse.begin() as connection:
        stage_rows(connection, "incoming", batches(session, points), like="vault.contact_point")
        connection.execute(sa.text(_STORE))
        connection.execute(sa.text(_RETIRE), {"as_of": partition.day})
    taken = int(session.to_pyarrow(owned.count()).as_py())
    return Counts(taken=taken, loaded=customers.rows, superseded=taken - customers.rows)


def person_keys(owned: ir.Table) -> ir.Table:
    """Every identifier of every person: their records and the keyed hashes of their addresses.

    An address on records of two people (more records than a value may have) belongs to the person known first.
    """
    records = owned.filter(~_.record_key.startswith("email:")).select(
        kind=ibis.literal("record"), key="record_key", person_id="person_id"
    )
    addressed = owned.filter(_.email_key.notnull())
    first = ibis.window(
        group_by=addressed.email_key, order_by=[addressed.known_since, addressed.seen_at, addressed.record_key]
    )
    emails = (
        addressed.mutate(rank=ibis.row_number().over(first))
        .filter(_.rank == 0)
        .select(kind=ibis.literal("email"), key="email_key", person_id="person_id")
    )
    return ibis.union(records, emails)


_STORE = """
    INSERT INTO vault.contact_point AS known
        (contact_key, person_id, email, first_name, last_name, phone, city, postal_code, is_primary, as_of)
    SELECT contact_key, person_id, email, first_name, last_name, phone, city, postal_code, is_primary, as_of
    FROM incoming
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
