"""A quiet MLflow client: no telemetry, no progress bars, no log lines, no global state.

Importing MLflow costs about four seconds, whatever part of it is wanted, so it happens when the first client is made.
"""

import logging
import os
import warnings
from collections.abc import Callable
from typing import Any

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Read by MLflow when it is imported, so they are set before, and whatever the environment says."""


def mlflow_client(tracking_url: str) -> Any:
    """An `MlflowClient` whose runs and versions are behind one URL; makes the tables when they are missing."""
    os.environ.update(QUIET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow uses what SQLAlchemy 2.1 deprecates
        from mlflow import MlflowClient

        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        client = MlflowClient(tracking_uri=tracking_url, registry_uri=tracking_url)
        client.search_registered_models(max_results=1)
    return client


def unless_it_exists(make: Callable[[], object]) -> None:
    """Makes something by name; another process that was faster is fine."""
    from mlflow.exceptions import MlflowException

    try:
        make()
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
