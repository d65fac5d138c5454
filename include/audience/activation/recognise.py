"""From the names that a platform has for contacts to the keys that everything else uses."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from audience.activation.destination import Shown
from audience.core.masked import Secret
from audience.core.warehouse.models import Acknowledged
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.contact_keys import contact_keys

_PSEUDONYM = re.compile("[0-9a-f]{32}")


def recognise(connection: sa.Connection, destination: str, shown: Iterable[Shown], key: Secret) -> list[str | None]:
    """The contact key of each contact, in order; None for who is not known: no address, and no name that is ours.

    A platform's contacts are not all ours: somebody else's may have any text where ours have the contact key. So a key
    counts beside an address only when we told the platform of it, and alone only when it is a pseudonym. A platform that
    names contacts by our key may have one of before a rotation: the ledger has it as the platform's id.
    """
    shown = list(shown)
    named = [one.contact_key for one in shown if one.contact_key]
    told = _of_ledger(connection, destination, Acknowledged.platform_id, named)
    told |= {k: k for k in _of_ledger(connection, destination, Acknowledged.contact_key, named)}
    found: list[str | None] = [_own(one, told) for one in shown]
    addresses = {n: one.email for n, one in enumerate(shown) if found[n] is None and one.email is not None}
    for place, known in zip(addresses, contact_keys(list(addresses.values()), key), strict=True):
        found[place] = known
    by_id = [n for n, one in enumerate(shown) if found[n] is None and one.platform_id]
    keys = _of_ledger(connection, destination, Acknowledged.platform_id, [shown[n].platform_id for n in by_id])
    for place in by_id:
        found[place] = keys.get(shown[place].platform_id)
    return found


def _own(shown: Shown, told: Mapping[str, str]) -> str | None:
    if shown.contact_key in told or shown.email is not None:
        return told.get(shown.contact_key)
    return shown.contact_key if _PSEUDONYM.fullmatch(shown.contact_key) else None


def _of_ledger(
    connection: sa.Connection, destination: str, column: InstrumentedAttribute[Any], names: Sequence[str]
) -> dict[str, str]:
    """The contact keys of contacts that the platform was told of, by these names of them."""
    if not names:
        return {}
    rows = connection.execute(
        sa.select(column.label("name"), Acknowledged.contact_key).where(
            Acknowledged.destination == destination,
            Acknowledged.list_name == PROFILE,
            column.is_not(None),  # said for PostgreSQL: the index of ids has no others
            column == sa.any_(sa.literal(list(names), sa.ARRAY(sa.String))),
        )
    )
    return {str(row.name): row.contact_key for row in rows}
