"""Airflow imports this module in each of its processes; the scheduler warms up here for the tasks it forks.

A task is a fork of the process that runs the executor. Importing scikit-learn and MLflow costs 7 seconds of CPU; done
once before the fork, every task has them at no cost. Celery workers fork likewise.
"""

import contextlib
import os
import sys

HEAVY = ("sklearn.pipeline", "sklearn.linear_model", "skops.io", "mlflow",
         "mlflow.store.tracking.sqlalchemy_workspace_store", "mlflow.store.model_registry.sqlalchemy_workspace_store",
         "ibis", "duckdb", "dlt.sources.helpers.rest_client", "sqlalchemy")  # fmt: skip

__all__: list[str] = []

# Where dlt finds Airflow it asks it for 20 variables, in each task that fetches, and for its secrets among them.
os.environ.setdefault("PROVIDERS__ENABLE_AIRFLOW_SECRETS", "false")


def _warm_up() -> None:
    from importlib import import_module

    from audience.models.mlflow_client import QUIET

    os.environ.update(QUIET)
    for name in HEAVY:
        # A missing library is the task's to report, where a person sees it.
        with contextlib.suppress(ImportError):
            import_module(name)


def _forks_tasks() -> bool:
    """The scheduler does with the local executor, a Celery worker always."""
    program = set(sys.argv[1:3])
    if "scheduler" in program:
        return os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor") == "LocalExecutor"
    return {"celery", "worker"} <= program


if _forks_tasks():
    _warm_up()
