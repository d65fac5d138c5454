"""From an address or a person to every key that rows about them are found by, as identity sees them now."""

from collections.abc import Collection
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.lake_erasing import every_row
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.tables import PERSON_KEY, raw
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import ContactPoint
from audience.core.warehouse.models.erasure import KINDS
from audience.privacy.pseudonym import contact_key_of, pseudonyms

_EVER = Partition.parse("9999-12-31")

Keys = dict[str, set[str]]
"""Keys by kind, see `KINDS`."""


@dataclass(frozen=True)
class Subject:
    """Who is meant: one person, or those whose time is over."""

    keys: Keys = field(default_factory=dict)

    def of(self, kind: str) -> set[str]:
        return self.keys.get(kind, set())

    def column(self, *kinds: str) -> ir.StringColumn:
        """The keys of some kinds as a column, for `isin`."""
        return _column({key for kind in kinds for key in self.of(kind)})

    def rows(self) -> pa.Table:
        """One row per key: `kind`, `key`."""
        pairs = [(kind, key) for kind in KINDS for key in sorted(self.of(kind))]
        return pa.table(
            {"kind": pa.array([k for k, _ in pairs], pa.string()), "key": pa.array([k for _, k in pairs], pa.string())}
        )


def subject_of(
    lake: Lake, session: Backend, connection: sa.Connection, key: Secret,
    *, people: Collection[str] = (), addresses: Collection[str] = (),
) -> Subject:  # fmt: skip
    """Everything that is known of these people and of the people of these addresses (contact keys).

    Orders and visitors are looked up here, once, because their rows are found by keys that erasing takes away.
    """
    keys = _person_keys(lake, session, key)
    owners = _owners(session, keys, people, addresses)
    owners |= _of_points(connection, ContactPoint.person_id, owners, addresses)
    known = set(addresses) | _of_points(connection, ContactPoint.contact_key, owners, addresses)
    mine = keys.filter(keys.person_id.isin(_column(owners)))
    rows = session.to_pyarrow(mine.select("kind", "key", "lake_key")).to_pylist()
    found = Subject(
        {
            "address": known | {r["key"] for r in rows if r["kind"] == "email"},
            "record": {r["key"] for r in rows if r["kind"] == "record"},
            "label": {f"email:{r['lake_key']}" for r in rows if r["kind"] == "email"},
        }
    )
    found.keys["person"] = owners
    found.keys["former"] = _formerly(lake, session, keys, found, key) - owners
    found.keys["order"] = _orders(lake, session, found, key)
    found.keys["visitor"] = _visitors(lake, session, found, key)
    return found


def is_theirs(rows: ir.Table, source: str, subject: Subject, key: Secret) -> ir.BooleanValue:
    """Whether a raw row carries an address or a record of the subject."""
    is_address = ibis.literal(False)
    if "email_key" in rows.columns:
        is_address = contact_key_of(rows.email_key, key).isin(subject.column("address"))
    if "record_id" not in rows.columns:
        return is_address.fill_null(False)
    is_record = (ibis.literal(f"{source}:") + rows.record_id).isin(subject.column("record"))
    return is_address.fill_null(False) | is_record.fill_null(False)


def visitor_key(rows: ir.Table, source: str, key: Secret) -> ir.StringValue:
    return ibis.literal(f"{source}:") + pseudonyms(rows.visitor_id, key)


def _person_keys(lake: Lake, session: Backend, key: Secret) -> ir.Table:
    """The newest person keys, as `_with_contact_keys` gives them."""
    newest = lake.newest(PERSON_KEY.name)
    if newest is None:
        return _with_contact_keys(ibis.memtable([], schema=PERSON_KEY.schema), key)
    return _with_contact_keys(lake.read(session, PERSON_KEY, newest), key)


def _with_contact_keys(rows: ir.Table, key: Secret) -> ir.Table:
    """Person keys, those of addresses as the warehouse has them (`key`) and as they stand in the lake (`lake_key`)."""
    is_email = rows.kind == "email"
    return rows.mutate(lake_key=rows.key, key=is_email.ifelse(contact_key_of(rows.key, key), rows.key))


def _owners(session: Backend, keys: ir.Table, people: Collection[str], addresses: Collection[str]) -> set[str]:
    by_address = keys.filter((keys.kind == "email") & keys.key.isin(_column(addresses)))
    return set(people) | set(session.to_pyarrow(by_address.select("person_id").distinct())["person_id"].to_pylist())


def _of_points(
    connection: sa.Connection,
    wanted: sa.orm.InstrumentedAttribute[str],
    people: Collection[str],
    addresses: Collection[str],
) -> set[str]:
    """A column of the addresses in the vault that are these, or are of these people."""
    meant = [("person", one) for one in people] + [("address", one) for one in addresses]
    columns = {
        "kind": pa.array([k for k, _ in meant], pa.string()),
        "key": pa.array([k for _, k in meant], pa.string()),
    }
    connection.execute(sa.text("DROP TABLE IF EXISTS meant"))
    stage_rows(connection, "meant", pa.table(columns), like="privacy.erasure_subject")
    asked = sa.table("meant", sa.column("kind", sa.String), sa.column("key", sa.String))
    found = sa.union(
        sa.select(wanted).where(asked.c.kind == "person", asked.c.key == ContactPoint.person_id),
        sa.select(wanted).where(asked.c.kind == "address", asked.c.key == ContactPoint.contact_key),
    )
    return set(connection.execute(found).scalars())


def _formerly(lake: Lake, session: Backend, keys: ir.Table, found: Subject, key: Secret) -> set[str]:
    """Pseudonyms that their records had on earlier days, unless somebody else has them now."""
    past = every_row(lake, session, PERSON_KEY.name)
    if past is None:
        return set()
    past = _with_contact_keys(past, key)
    is_mine = ((past.kind == "email") & past.key.isin(found.column("address"))) | (
        (past.kind == "record") & past.key.isin(found.column("record"))
    )
    others = keys.filter(keys.person_id.notin(found.column("person"))).select("person_id").distinct()
    former = past.filter(is_mine).select("person_id").distinct().anti_join(others, "person_id")
    return set(session.to_pyarrow(former)["person_id"].to_pylist())


def _orders(lake: Lake, session: Backend, found: Subject, key: Secret) -> set[str]:
    keys: set[str] = set()
    for source in lake.sources_of("order"):
        rows = lake.history(session, raw(source, "order"), through=_EVER)
        mine = rows.filter(is_theirs(rows, source, found, key)).select("order_id").distinct()
        keys |= {f"{source}:{one}" for one in session.to_pyarrow(mine)["order_id"].to_pylist()}
    return keys


def _visitors(lake: Lake, session: Backend, found: Subject, key: Secret) -> set[str]:
    keys: set[str] = set()
    for source in lake.sources_of("web_event"):
        rows = lake.history(session, raw(source, "web_event"), through=_EVER)
        mine = rows.filter(is_theirs(rows, source, found, key) & rows.visitor_id.notnull())
        keyed = mine.select(visitor=visitor_key(mine, source, key)).distinct()
        keys |= set(session.to_pyarrow(keyed)["visitor"].to_pylist())
    return keys


def _column(values: Collection[str]) -> ir.StringColumn:
    return ibis.memtable({"key": pa.array(sorted(values), pa.string())}).key
