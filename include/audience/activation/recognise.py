"""From the names that a platform has for contacts to the keys that everything else uses."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from audience.activation.destination import Shown
from audience.core.masked import Secret
from audience.core.warehouse.models import Acknowledged
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.contact_keys import contact_keys


def recognise(connection: sa.Connection, destination: str, shown: Iterable[Shown], key: Secret) -> list[str | None]:
    """The contact key of each contact, in order; None for who is not known: no address, and an id that is not ours."""
    shown = list(shown)
    found: list[str | None] = [one.contact_key or None for one in shown]
    addresses = {n: one.email for n, one in enumerate(shown) if not one.contact_key and one.email is not None}
    for place, known in zip(addresses, contact_keys(list(addresses.values()), key), strict=True):
        found[place] = known
    by_id = [n for n, one in enumerate(shown) if found[n] is None and one.platform_id]
    keys = _keys_of_ids(connection, destination, [shown[n].platform_id for n in by_id])
    for place in by_id:
        found[place] = keys.get(shown[place].platform_id)
    return found


def _keys_of_ids(connection: sa.Connection, destination: str, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    rows = connection.execute(
        sa.select(Acknowledged.platform_id, Acknowledged.contact_key).where(
            Acknowledged.destination == destination,
            Acknowledged.list_name == PROFILE,
            Acknowledged.platform_id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.String))),
        )
    )
    return {str(row.platform_id): row.contact_key for row in rows}
