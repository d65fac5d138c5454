"""The stores and connections that every step works with, opened from the environment."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.connection import Connection
from audience.core.engine import engine
from audience.core.lake import Lake
from audience.core.masked import PseudonymKey
from audience.core.settings import Settings
from audience.core.turns import SharedTurns
from audience.core.warehouse import Warehouse
from audience.privacy.key_form import agree
from audience.privacy.keys import in_use


@dataclass(frozen=True)
class House:
    """Settings, lake, warehouse, and how to find a connection by name."""

    settings: Settings
    lake: Lake
    warehouse: Warehouse
    connection: Callable[[str], Connection]

    @classmethod
    def open(cls, environment: Mapping[str, str], connection: Callable[[str], Connection] | None = None) -> Self:
        """Checks the settings and reaches the stores; the embedded PostgreSQL is started when it is the one to use.

        Raises:
            SettingsError: a setting is missing or wrong.
        """
        settings = Settings.read(environment)
        warehouse = Warehouse.of(settings)
        found = connection or partial(Connection.from_environment, environment=environment)
        return cls(
            settings,
            Lake(settings.lake_url),
            warehouse,
            lambda name: replace(found(name), turns=SharedTurns(warehouse.engine, name)),
        )

    def key(self) -> PseudonymKey:
        """The keys of pseudonyms, as many as the warehouse is made with.

        Raises:
            SettingsError: the keys of the lake or of the warehouse were made in another way, or with others.
        """
        with self.warehouse.begin() as connection:
            agree(connection, self.lake, self.settings.pseudonym_key)
            return in_use(connection, self.settings.pseudonym_key)

    @contextmanager
    def engine(self) -> Iterator[Backend]:
        with engine(memory_limit=self.settings.memory_limit) as session:
            yield session

    def mlflow_url(self) -> str:
        """Where models are tracked: the setting, else the schema `mlflow` of the warehouse.

        A schema of its own, because MLflow keeps its own `alembic_version`.
        """
        if self.settings.mlflow_url is not None:
            return self.settings.mlflow_url.reveal()
        with self.warehouse.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS mlflow"))
        tracked = self.warehouse.engine.url.update_query_dict({"options": "-csearch_path=mlflow"})
        return tracked.render_as_string(hide_password=False)

    def models_url(self) -> str:
        """Where model files are: beside the tables of the lake."""
        return f"{self.settings.lake_url.rstrip('/')}/_models"

    def close(self) -> None:
        self.warehouse.close()
