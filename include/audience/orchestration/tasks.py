"""The tasks of all DAGs: each opens the house and takes one step. XCom carries references and numbers only."""

import json
import logging
import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import PokeReturnValue, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from audience import steps
from audience.core.errors import PushHeld
from audience.orchestration.assets import SEGMENTS, required
from audience.orchestration.inside import house
from audience.orchestration.notifiers import channels
from audience.sources.contract import sources_in_use

if TYPE_CHECKING:
    from audience.house import House

Facts = dict[str, Any]

log = logging.getLogger(__name__)


def partition_key() -> str | None:
    """The day of this run; None when it was triggered without one, which every step refuses."""
    return get_current_context()["dag_run"].partition_key


@task
def extract(source: str) -> Facts:
    since = get_current_context()["params"].get("since")
    with house() as stores:
        return steps.extract(stores, source, partition_key(), since)


@task
def publish(extraction: Facts) -> Facts:
    with house() as stores:
        return steps.publish(stores, extraction)


@task
def identity() -> Facts:
    """Chooses the days of this run. When there are none the run ends here, and announces nothing."""
    with house() as stores:
        chosen = steps.days_to_compute(stores, partition_key())
        if not chosen["days"]:
            raise AirflowSkipException("nothing that the day is computed from has changed")
        return chosen | {"done": {day: steps.identity(stores, day) for day in chosen["days"]}}


@task
def features(chosen: Facts) -> Facts:
    with house() as stores:
        return chosen | {"done": {day: steps.features(stores, day) for day in chosen["days"]}}


@task
def review(chosen: Facts) -> Facts:
    """Looks at who was found, beside the way to the segments."""
    with house() as stores:
        return {day: steps.review(stores, day) for day in chosen["days"]}


@task
def scores(chosen: Facts) -> Facts:
    with house() as stores:
        return chosen | {"done": {day: steps.scores(stores, day) for day in chosen["days"]}}


@task
def segments(chosen: Facts) -> Facts:
    """Announces every day that was computed, not only the one that the run is named after."""
    get_current_context()["outlet_events"][SEGMENTS].add_partitions(list(chosen["days"]))
    with house() as stores:
        return {day: steps.segments(stores, day, input_) for day, input_ in chosen["days"].items()}


@task
def train() -> Facts:
    with house() as stores:
        as_of = get_current_context()["params"].get("as_of")
        return steps.train(stores, as_of or steps.end_of_week(partition_key()))


@task
def announce() -> Facts:
    """Announces every day of the form's range for each required source."""
    context = get_current_context()
    days = steps.days_between(context["params"]["first"], context["params"]["last"])
    for asset in required():
        context["outlet_events"][asset].add_partitions(days)
    return {"days": days}


@task
def replay() -> Facts:
    """Lands what passes now of the quarantined rows that the form names."""
    with house() as stores:
        return steps.replay(stores, by=_person(), **_chosen_rows())


@task
def discard() -> Facts:
    """Gives up the quarantined rows that the form names."""
    why = get_current_context()["params"]["why"]
    with house() as stores:
        return {"discarded": steps.discard(stores, by=_person(), why=why, **_chosen_rows())}


@task
def show() -> Facts:
    """Logs the quarantined rows that the form names: all by number, the first ones by shape."""
    with house() as stores:
        found = steps.show_quarantined(stores, most=get_current_context()["params"]["most"], **_chosen_rows())
    for one in found["open"]:
        log.info("%s %s: %s x %s", one["partition"], one["entity"], one["rows"], one["reason"])
    for row in found["shapes"]:
        log.info("%s", json.dumps(row, ensure_ascii=False))
    return {"open": sum(one["rows"] for one in found["open"]), "shown": len(found["shapes"])}


def _chosen_rows() -> dict[str, Any]:
    """The rows that a form of `audience.orchestration.forms` names."""
    form = get_current_context()["params"]
    return {name: form[name] for name in ("source", "first", "last", "reason")}


def _person() -> str:
    """Who triggered this run, as Airflow knows them."""
    run = get_current_context()["dag_run"]
    return str(run.triggering_user_name or run.run_id)


@task
def announce_stale(replayed: Facts) -> Facts:
    """Announces the computed days that a replay made stale; without one it is skipped, and nothing is announced."""
    if not replayed["stale"]:
        raise AirflowSkipException("no computed day is stale")
    for asset in required():
        get_current_context()["outlet_events"][asset].add_partitions(replayed["stale"])
    return {"days": replayed["stale"]}


@task
def watch() -> Facts:
    with house() as stores:
        # The run's own moment: a run that is cleared later looks as of then, and a manual one as of now.
        now = get_current_context()["dag_run"].run_after
        return steps.watch(stores, sources_in_use(os.environ), channels(stores.settings), now)


LOOK_SECONDS, GIVE_UP_SECONDS = 60, 8 * 3600
"""A push that waits for the platform frees its worker: the ledger knows its jobs, and each look goes on from there."""


@task.sensor(mode="reschedule", poke_interval=LOOK_SECONDS, timeout=GIVE_UP_SECONDS)
def push(destination: str) -> PokeReturnValue:
    """Pushes the newest segment tables, whichever day woke this run: a late day changes the newest one too.

    A change that the guard holds is not pushed; `held` says why: lists and numbers.
    """
    with house() as stores:
        try:
            return _push(stores, destination, None)
        except PushHeld as held:
            log.warning("%s", held)
            asked = {"held": str(held), "plan_id": held.plan_id, "as_of": str(held.as_of)}
            return PokeReturnValue(is_done=True, xcom_value=asked)


@task.short_circuit
def is_held(report: Facts) -> bool:
    return bool(report.get("plan_id"))


@task.short_circuit
def is_still_asked(destination: str) -> bool:
    """A question that a later push has made moot is not put to anybody, and its answer is not used."""
    with house() as stores:
        return steps.is_still_asked(stores, destination, int(_asked()["plan_id"]))


@task.sensor(mode="reschedule", poke_interval=LOOK_SECONDS, timeout=GIVE_UP_SECONDS)
def push_approved(destination: str) -> PokeReturnValue:
    """Pushes after a person said yes: that partition and no other, and nothing that the person was not asked about."""
    with house() as stores:
        return _push(stores, destination, _asked()["as_of"], answer_to=int(_asked()["plan_id"]))


def _asked() -> Facts:
    return get_current_context()["dag_run"].conf or {}


def _push(stores: "House", destination: str, partition: str | None, *, answer_to: int | None = None) -> PokeReturnValue:
    run = get_current_context()["dag_run"].run_id
    report = steps.activate(stores, destination, partition, holder=run, answer_to=answer_to, patience_seconds=30)
    log.info("pushed: %s", report)
    return PokeReturnValue(is_done=not report["waiting_seconds"], xcom_value=report)
