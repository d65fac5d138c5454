"""What keeps somebody who was erased away: rows about them that a source tells again are dropped before they are published."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlalchemy as sa

from audience.core.masked import Secret
from audience.core.warehouse.models import ErasedRecord, Suppression
from audience.privacy.erased import ERASED
from audience.privacy.erasing.lake import mentions
from audience.privacy.keys import hold
from audience.privacy.pseudonym import contact_key_of, pseudonyms


@dataclass(frozen=True)
class Tombstones:
    """Keyed hashes of the addresses, and of the records (`<source>:<record_id>`), of everybody who was erased."""

    addresses: frozenset[str]
    records: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.addresses or self.records)

    def is_erased(self, rows: ir.Table, source: str, key: Secret) -> ir.BooleanValue:
        """Whether a typed row is about somebody who was erased."""
        found = ibis.literal(False)
        if "email_key" in rows.columns:
            found = found | contact_key_of(rows.email_key, key).isin(_column(self.addresses)).fill_null(False)
        if "record_id" in rows.columns:
            label = pseudonyms(ibis.literal(f"{source}:") + rows.record_id, key)
            found = found | label.isin(_column(self.records)).fill_null(False)
        return found

    def is_named(self, text: ir.StringValue, key: Secret) -> ir.BooleanValue:
        """Whether a record as it came names the address of somebody who was erased."""
        return mentions(text, _column(self.addresses), key).fill_null(False)


def tombstones(connection: sa.Connection, key: Secret) -> Tombstones:
    """Of everybody. Raises KeysChanged when the pseudonym key was rotated since the caller read it."""
    hold(connection, key)
    addresses = connection.execute(sa.select(Suppression.contact_key).where(Suppression.reason == ERASED)).scalars()
    return Tombstones(frozenset(addresses), frozenset(connection.execute(sa.select(ErasedRecord.record_key)).scalars()))


def _column(keys: frozenset[str]) -> ir.StringColumn:
    return ibis.memtable({"key": pa.array(sorted(keys), pa.string())}).key
