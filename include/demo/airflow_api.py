"""Airflow's REST API, the calls the demo makes."""

from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from demo.place import DemoProblem
from demo.runs import Runs

ANSWER_SECONDS = 120
"""Two cores that also run a scheduler, its tasks and a browser have been seen to take more than 30 s for one answer."""


class AirflowApi:
    """One Airflow, as one user. Backfills and runs are asked for the way a data engineer's script would."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=ANSWER_SECONDS)
        self._login = {"username": user, "password": password}

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()

    def is_up(self) -> bool:
        health = self._client.get("/api/v2/monitor/health").json()
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def has_dags(self, wanted: set[str]) -> bool:
        return wanted <= {dag["dag_id"] for dag in self._all("/api/v2/dags", "dags")}

    def import_errors(self) -> list[str]:
        errors = self._call("GET", "/api/v2/importErrors").json()["import_errors"]
        return [f"{e['filename']}: {e['stack_trace'].splitlines()[-1]}" for e in errors]

    def make_pools(self, systems: Iterable[str]) -> None:
        """One pool per outside system; one that is there is set anew."""
        pools = [{"name": s, "slots": 4, "description": f"calls to {s}", "include_deferred": False} for s in systems]
        action = {"action": "create", "entities": pools, "action_on_existence": "overwrite"}
        done = self._call("PATCH", "/api/v2/pools", json={"actions": [action]}).json()["create"]
        if done["errors"]:
            raise DemoProblem(f"Airflow made no pools: {done['errors']}")

    def pause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": True})

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, partition: str | None = None, conf: dict[str, Any] | None = None) -> str:
        """Starts a run and returns its id."""
        body = {"logical_date": None, "partition_key": partition, "conf": conf or {}}
        run: str = self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body).json()["dag_run_id"]
        return run

    def backfill(self, dag_id: str, first: str, last: str, *, again: bool) -> int:
        """Asks for a backfill of days first..last; `again` also runs what succeeded before.

        A day's moment for Airflow is its cron tick, so the range has to reach past the last day's midnight.
        """
        body = {
            "dag_id": dag_id,
            "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T23:59:59Z",
            "reprocess_behavior": "completed" if again else "failed",
            "max_active_runs": 3,
        }
        backfill: int = self._call("POST", "/api/v2/backfills", json=body).json()["id"]
        return backfill

    def is_backfilling(self, dag_id: str) -> bool:
        """Whether a backfill of the DAG is open. Airflow closes one up to half a minute after its last run has ended, and
        refuses another one until then (409)."""
        found = self._all("/api/v2/backfills", "backfills", dag_id=dag_id)
        return any(one["completed_at"] is None for one in found)

    def runs(self) -> Runs:
        """The runs of all DAGs."""
        return Runs(tuple(self._all("/api/v2/dags/~/dagRuns", "dag_runs")))

    def running_tasks(self) -> list[str]:
        running = self._all("/api/v2/dags/~/dagRuns/~/taskInstances", "task_instances", state="running")
        return [f"{task['dag_id']}.{task['task_id']}" for task in running]

    def failed_task(self, dag_id: str, run_id: str) -> str:
        """Names of the failed tasks of a run."""
        failed = self._all(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances", state="failed")
        return ", ".join(task["task_id"] for task in failed)

    def _all(self, path: str, items: str, **params: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("GET", path, params={"limit": 100, "offset": offset, **params}).json()
            yield from page[items]
            offset += 100
            if offset >= page["total_entries"]:
                return

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        if "Authorization" not in self._client.headers:
            token = self._client.post("/auth/token", json=self._login)
            token.raise_for_status()
            self._client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        response = self._client.request(method, path, **more)
        if response.is_error:
            raise DemoProblem(f"Airflow answered {response.status_code} to {method} {path}: {response.text[:500]}")
        return response
