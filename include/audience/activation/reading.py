"""What a platform shows when its lists are read back, as columns: a million contacts take about 150 MB."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from audience.activation.ahead import ahead
from audience.activation.destination import Listed, OptOut, Platform
from audience.activation.recognise import recognise
from audience.core.masked import Personal, Secret
from audience.core.warehouse import Warehouse
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver

AT_ONCE = 5_000
"""Contacts recognised together: few enough that the calls for the next ones are not kept waiting."""

COLUMNS = pa.schema(
    {
        "list_name": pa.string(),
        "contact_key": pa.string(),
        "email": pa.string(),
        "platform_id": pa.string(),
        "is_opted_out": pa.bool_(),
        "shows_attributes": pa.bool_(),
        **dict.fromkeys(TEXTS, pa.string()),
        **dict.fromkeys(FLAGS, pa.bool_()),
    }
)
"""`contact_key` is null for who is not known; attributes are null where the platform has none."""


@dataclass(frozen=True)
class Reading:
    """Lists as they are there. `opt_outs`: who is on one and opted out."""

    rows: pa.Table
    opt_outs: Sequence[OptOut] = field(default_factory=list)

    def leaver(self, place: int) -> Leaver:
        """The contact of one row, as it is named there: the vault need not know it."""
        key, email, platform_id = (self.rows[c][place].as_py() for c in ("contact_key", "email", "platform_id"))
        return Leaver(key or "", Personal(email) if email else None, platform_id)


def read(platform: Platform, lists: Sequence[str], *, warehouse: Warehouse, destination: str, key: Secret) -> Reading:
    """Reads lists back, one after the other."""
    shown = ((name, listed) for name in lists for listed in platform.read_back(name))
    tables, opt_outs = [COLUMNS.empty_table()], []
    with closing(ahead(iter(lambda: list(islice(shown, AT_ONCE)), []))) as parts:
        for some in parts:
            with warehouse.begin() as connection:
                keys = recognise(connection, destination, (listed.who for _, listed in some), key)
            tables.append(pa.Table.from_pylist(list(_rows(some, keys)), schema=COLUMNS))
            opt_outs += [
                OptOut(listed.who, "blocklist", listed.opted_out_at)
                for _, listed in some
                if listed.opted_out_at is not None
            ]
    return Reading(pa.concat_tables(tables), opt_outs)


def _rows(some: Sequence[tuple[str, Listed]], keys: Sequence[str | None]) -> Iterator[dict[str, Any]]:
    for (name, listed), contact_key in zip(some, keys, strict=True):
        told = listed.attributes or {}
        row: dict[str, Any] = {
            "list_name": name,
            "contact_key": contact_key,
            "email": listed.who.email and listed.who.email.reveal(),
            "platform_id": listed.who.platform_id or _theirs(listed.who.contact_key, contact_key),
            "is_opted_out": listed.opted_out_at is not None,
            "shows_attributes": listed.attributes is not None,
        }
        yield row | {n: v.reveal() if isinstance(v, Personal) else v for n, v in told.items()}


def _theirs(shown: str, known: str | None) -> str | None:
    """The name of somebody else's contact, which can only be named as it is there."""
    return shown if shown and shown != known else None
