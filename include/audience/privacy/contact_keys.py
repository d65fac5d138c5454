"""From addresses that a platform shows to the keys that everything else uses."""

from collections.abc import Sequence

import ibis
import pyarrow as pa

from audience.core.engine import engine
from audience.core.masked import Personal, Secret
from audience.privacy.pseudonym import contact_key_of, keyed_form, pseudonyms


def contact_keys(addresses: Sequence[Personal], key: Secret) -> list[str | None]:
    """The contact key of each address, in order; None where it is no address."""
    if not addresses:
        return []
    rows = pa.table({"place": range(len(addresses)), "email": pa.array([a.reveal() for a in addresses], pa.string())})
    with engine() as session:
        table = ibis.memtable(rows)
        keyed = table.select(table.place, contact_key=_keys(table.email, key)).order_by("place")
        found: list[str | None] = session.to_pyarrow(keyed)["contact_key"].to_pylist()
    return found


def _keys(addresses: ibis.expr.types.StringValue, key: Secret) -> ibis.expr.types.StringValue:
    return contact_key_of(pseudonyms(keyed_form(addresses, key), key), key)
