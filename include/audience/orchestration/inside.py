"""The house inside an Airflow task: connections come from Airflow, everything else from the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import Connection as AirflowConnection

from audience.core.connection import Connection
from audience.orchestration.connections import of_airflow

if TYPE_CHECKING:
    from audience.house import House


@contextmanager
def house() -> "Iterator[House]":
    from audience.house import House

    opened = House.open(os.environ, connection)
    try:
        yield opened
    finally:
        opened.close()


def connection(name: str) -> Connection:
    """The Airflow connection of this name."""
    return of_airflow(AirflowConnection.get(name))
