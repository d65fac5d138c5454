"""Whether the warehouse has the tables that everything reads."""

import sqlalchemy as sa

from audience.core.errors import SettingsError
from audience.core.warehouse import Warehouse


def check_migrated(warehouse: Warehouse) -> None:
    """Raises SettingsError when the warehouse was never migrated."""
    with warehouse.begin() as connection:
        if not sa.inspect(connection).has_table("landing", schema="ops"):
            raise SettingsError(
                "warehouse: found no table ops.landing, expected a migrated warehouse: audience migrate"
            )
