"""Where the warehouse is, how to reach it, and how it is brought to the current schema."""

from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session

from audience.core.settings import Settings
from audience.core.warehouse.embedded import embedded_postgres


class Warehouse:
    """A PostgreSQL database holding the schemas of `audience.core.warehouse.models`."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The configured server, or the embedded one in `AUDIENCE_HOME/postgres`, started when it is not running."""
        if settings.warehouse_url is not None:
            return cls(settings.warehouse_url.reveal())
        return cls(embedded_postgres(settings.home / "postgres", database="audience"))

    def session(self) -> Session:
        return Session(self.engine)

    def begin(self) -> Any:
        """A connection in one transaction: committed at the end of the block, rolled back on an error."""
        return self.engine.begin()

    def migrate(self, revision: str = "head") -> None:
        """Brings the schema to a revision. Two at once are fine: the second waits and finds nothing to do."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('audience.migrate'))"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def close(self) -> None:
        self.engine.dispose()
