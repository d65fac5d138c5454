"""Where the warehouse is, how to reach it, and how it is brought to the current schema."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from audience.core.settings import Settings
from audience.core.warehouse.embedded import embedded_postgres
from audience.core.warehouse.roles import APP, VAULT, act_as, settle


class Warehouse:
    """A PostgreSQL database holding the schemas of `audience.core.warehouse.models`, without the vault.

    Args:
        vault_url: the same database by a login that may open the vault; otherwise that of `url` has to.
        role: what connections act as, whatever their login may do besides.
    """

    def __init__(self, url: str, vault_url: str | None = None, *, role: str = APP) -> None:
        self._vault_url, self._role = vault_url or url, role
        self.engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
        sa.event.listen(self.engine, "connect", lambda connection, _: act_as(connection, role))

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The configured server, or the embedded one in `AUDIENCE_HOME/postgres`, started when it is not running."""
        if settings.warehouse_url is not None:
            return cls(settings.warehouse_url.reveal(), settings.vault_url.reveal() if settings.vault_url else None)
        return cls(embedded_postgres(settings.home / "postgres", database="audience"))

    @cached_property
    def vault(self) -> "Warehouse":
        """The same warehouse with the vault open: for who fills it, and for pushes. Closed with this one."""
        return self if self._role == VAULT else Warehouse(self._vault_url, role=VAULT)

    def session(self) -> Session:
        return Session(self.engine)

    def begin(self) -> Any:
        """A connection in one transaction: committed at the end of the block, rolled back on an error."""
        return self.engine.begin()

    def migrate(self, revision: str = "head") -> None:
        """Brings the schema to a revision. Two at once are fine: the second waits and finds nothing to do.

        Raises:
            SettingsError: the roles are missing, and the login may not make them.
        """
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        owner = sa.create_engine(self._vault_url, poolclass=sa.NullPool, hide_parameters=True)
        with owner.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('audience.migrate'))"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            settle(connection)
        self.close()  # connections that were opened before there were roles

    def close(self) -> None:
        self.engine.dispose()
        if "vault" in self.__dict__ and self.vault is not self:
            self.vault.close()
