"""The tasks of erasure and retention. They know the number of a request, never who it is about."""

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import PokeReturnValue, get_current_context, task

from audience import forgetting
from audience.orchestration.inside import house
from audience.orchestration.tasks import GIVE_UP_SECONDS, LOOK_SECONDS

Facts = dict[str, Any]

log = logging.getLogger(__name__)


@task
def erase_stores() -> Facts:
    with house() as stores:
        return forgetting.erase_stores(stores, _request())


@task.sensor(mode="reschedule", poke_interval=LOOK_SECONDS, timeout=GIVE_UP_SECONDS)
def erase_there(destination: str) -> PokeReturnValue:
    """Deletes the person on a platform; while that is at work, or somebody pushes to it, no worker is held."""
    with house() as stores:
        run = get_current_context()["dag_run"].run_id
        done = forgetting.erase_there(stores, _request(), destination, holder=run, patience_seconds=30)
    log.info("%s: %s", destination, done)
    return PokeReturnValue(is_done=not done["waiting_seconds"], xcom_value=done)


@task
def end_erasure(destinations: list[str]) -> Facts:
    with house() as stores:
        done = forgetting.end_erasure(stores, _request(), destinations)
    for name, contacts in done["elsewhere"].items():
        log.warning(
            "%s: %s contacts that it was told of cannot be asked for: delete them there by hand", name, contacts
        )
    return done


@task
def apply_retention(destinations: list[str]) -> Facts:
    with house() as stores:
        return forgetting.apply_retention(stores, datetime.now(UTC), destinations)


@task.short_circuit
def is_anybody_forgotten(done: Facts) -> bool:
    return bool(done["request"])


def _request() -> str:
    return str(get_current_context()["params"]["request"])
