"""The runs of all DAGs at one moment, and what the demo asks about them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ENDED = ("success", "failed")


@dataclass(frozen=True)
class Runs:
    """One listing of Airflow's DAG runs, as its REST API gives them."""

    listed: tuple[Mapping[str, Any], ...]

    def have(self, dag: str, partitions: Iterable[str]) -> bool:
        """Whether each of the partitions has a run of the DAG that succeeded."""
        return set(partitions) <= {run["partition_key"] for run in self._succeeded(dag)}

    def succeeded(self, dag: str) -> int:
        return len(self._succeeded(dag))

    def has_succeeded(self, dag: str, run_id: str) -> bool:
        return any(run["dag_run_id"] == run_id for run in self._succeeded(dag))

    def are_idle(self, dag: str) -> bool:
        return all(run["state"] in ENDED for run in self.listed if run["dag_id"] == dag)

    @property
    def ended(self) -> int:
        return sum(run["state"] in ENDED for run in self.listed)

    @property
    def failed(self) -> list[tuple[str, str]]:
        """DAG and id of the runs that failed for good."""
        return [(run["dag_id"], run["dag_run_id"]) for run in self.listed if run["state"] == "failed"]

    def _succeeded(self, dag: str) -> list[Mapping[str, Any]]:
        return [run for run in self.listed if run["dag_id"] == dag and run["state"] == "success"]
