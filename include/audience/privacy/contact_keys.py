"""From addresses that a platform shows to the keys that everything else uses."""

from collections.abc import Sequence
from functools import lru_cache

import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.core.masked import Personal, Secret
from audience.privacy.pseudonym import contact_key_of, keyed_form, pseudonyms


def contact_keys(addresses: Sequence[Personal], key: Secret) -> list[str | None]:
    """The contact key of each address, in order; None where it is no address."""
    if not addresses:
        return []
    rows = pa.table({"place": range(len(addresses)), "email": pa.array([a.reveal() for a in addresses], pa.string())})
    session, query = _asked(key)
    with session.con.cursor() as cursor:
        cursor.register("shown", rows)
        found: list[str | None] = cursor.sql(query).to_arrow_table()["contact_key"].to_pylist()
    return found


@lru_cache(maxsize=4)
def _asked(key: Secret) -> tuple[Backend, str]:
    """A session that is kept, with no thread of its own, and the query for the keys of what is registered as `shown`: to make
    them takes 30 ms, and a push asks often and for few."""
    shown = ibis.table({"place": "int64", "email": "string"}, name="shown")
    keyed = contact_key_of(pseudonyms(keyed_form(shown.email, key), key), key)
    query = shown.select(shown.place, contact_key=keyed).order_by("place")
    session = ibis.duckdb.connect(threads=1)
    session._run_pre_execute_hooks(query)  # registers the functions that it calls
    return session, session.compile(query)
