"""What is seen on the way, and how a person's script asks the Airflow that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from audience.core.lake import Lake
from demo.place import Place
from demo.result import Result
from demo.running import Running

EMPTIED = "coupon_lovers"
"""The segment whose members are taken away, so that the guard holds the push."""

WINDOW = {"width": 1280, "height": 960}


@dataclass(frozen=True)
class Way:
    """After the first push, and after the same backfill again. Everything still runs.

    Args:
        rest: Airflow's REST API, as the user `admin`.
    """

    place: Place
    up: Running
    rest: httpx.Client
    first: Result
    hashes: dict[str, str]
    again: Result
    hashes_again: dict[str, str]

    def wait_for(self, what: str, done: Callable[[], bool]) -> None:
        self.up.processes.wait_for(what, done, seconds=240)

    def trigger(self, dag_id: str, conf: Mapping[str, str | int] | None = None) -> str:
        """Posts what the form in the UI posts; returns the path of the run."""
        form = {
            "conf": dict(conf or {}),
            "data_interval_start": None,
            "data_interval_end": None,
            "logical_date": datetime.now(UTC).isoformat(),
            "partition_key": None,
        }
        asked = self.rest.post(f"/api/v2/dags/{dag_id}/dagRuns", json=form)
        return f"/api/v2/dags/{dag_id}/dagRuns/{asked.raise_for_status().json()['dag_run_id']}"

    def is_asked(self, run: str) -> bool:
        """Whether a held push waits for its answer.

        Airflow 3.3 puts the question again, and forgets the answer, when that comes before the scheduler has seen the
        end of the process that asked: within about a second.
        """
        seen = f"TaskInstance Finished: dag_id=approve_brevo, task_id=ask, run_id={run.rpartition('/')[2]},"
        has_ended = seen in (self.place.folder / "logs" / "scheduler.log").read_text(errors="replace")
        return has_ended and self.states(run)["ask"] == "awaiting_input"

    def question_of(self, run: str) -> str:
        """The run of `approve_brevo` that a held push asked for, once there is one; else an empty text."""
        if not self.succeeded(run):
            return ""
        pushed = self.rest.get(f"{run}/taskInstances/push/xcomEntries/return_value").raise_for_status().json()
        asked = f"/api/v2/dags/approve_brevo/dagRuns/plan_{pushed['value']['plan_id']}"
        return asked if self.rest.get(asked).is_success else ""

    def answer(self, run: str, option: str) -> None:
        """Answers the question of a held push."""
        asked = self.rest.patch(f"{run}/taskInstances/ask/-1/hitlDetails", json={"chosen_options": [option]})
        asked.raise_for_status()

    def runs(self, dag_id: str) -> dict[str, str]:
        """Path of each run of a DAG that succeeded, and its partition."""
        asked = self.rest.get(f"/api/v2/dags/{dag_id}/dagRuns", params={"limit": 100, "state": "success"})
        found = asked.raise_for_status().json()["dag_runs"]
        return {f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}": run["partition_key"] for run in found}

    def states(self, run: str) -> dict[str, str | None]:
        """State of each task of a run."""
        asked = self.rest.get(f"{run}/taskInstances").raise_for_status()
        return {task["task_id"]: task["state"] for task in asked.json()["task_instances"]}

    def succeeded(self, run: str) -> bool:
        """Whether a run is over and well. Raises when it is over and not well."""
        state = self.rest.get(run).raise_for_status().json()["state"]
        assert state != "failed", f"{run}: {self.states(run)}"
        return bool(state == "success")

    def returned(self, run: str, task: str) -> object:
        """What a task of a run handed back."""
        asked = self.rest.get(f"{run}/taskInstances/{task}/xcomEntries/return_value", params={"deserialize": True})
        return asked.raise_for_status().json()["value"]

    def on_platform(self, list_name: str) -> set[str]:
        """The addresses on a list of the sandbox's e-mail platform."""
        return set(httpx.get(f"{self.place.sandbox_url}/_control/brevo/lists").json()[list_name])

    def writes(self) -> int:
        """Calls that changed something on the platform since it last forgot them."""
        return len(httpx.get(f"{self.place.sandbox_url}/_control/requests").json()["brevo_writes"])


def contents(lake: Lake) -> dict[str, str]:
    """Content hashes of the files that a reader sees: all generations of what was told, the last of what was computed."""
    seen = {}
    for table in lake.tables():
        for partition in lake.partitions(table):
            hashes = [file.content_hash for file in lake.files(table, partition)]
            seen[f"{table} {partition}"] = " ".join(
                hashes if table.startswith(("raw_", "quarantine_")) else hashes[-1:]
            )
    return seen
