"""`python -m audience.orchestration.describe FOLDER`: what the DAG files declare, as one line of JSON on stdout.

A process of its own, because importing Airflow takes seconds and makes files in AIRFLOW_HOME. No database is needed.
"""

import ast
import json
import sys
from pathlib import Path
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import (
    DAG,
    Asset,
    AssetAll,
    CronPartitionTimetable,
    CronTriggerTimetable,
    PartitionedAssetTimetable,
    PartitionedAtRuntime,
    RollupMapper,
)
from airflow.sdk.definitions.timetables.simple import NullTimetable
from cron_descriptor import Options, get_description  # type: ignore[import-untyped]  # it has no stubs


def main(folder: Path) -> None:
    bag = DagBag(dag_folder=folder)
    if bag.import_errors:
        sys.exit("\n".join(f"{file}: {error}" for file, error in sorted(bag.import_errors.items())))
    dags = sorted(bag.dags.values(), key=lambda dag: dag.dag_id)
    described = [_file(path, [d for d in dags if Path(d.fileloc) == path]) for path in sorted(folder.glob("*.py"))]
    print(json.dumps(described))  # noqa: T201  # what this process is for


def _file(path: Path, dags: list[DAG]) -> dict[str, Any]:
    return {
        "file": path.name,
        "runbook": ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "",
        "dags": [{"dag_id": d.dag_id, "runs": runs(d.timetable), "parameters": _parameters(d)} for d in dags],
    }


def _parameters(dag: DAG) -> dict[str, str]:
    return {name: dag.params.get_param(name).description or "" for name in dag.params}


def runs(timetable: object) -> str:
    """A schedule in words."""
    if isinstance(timetable, CronPartitionTimetable):
        day = "for the day before" if timetable.run_offset == -1 else f"offset {timetable.run_offset}"
        words = get_description(timetable.expression, Options(use_24hour_time_format=True))
        return f"{words} {timetable.timezone}, {day}; backfills of any range"
    if isinstance(timetable, PartitionedAssetTimetable):
        assets = _names(timetable.asset_condition)
        if isinstance(timetable.default_partition_mapper, RollupMapper):
            return f"Once a week, when all seven days of {assets} were announced"
        return (
            f"When {assets} of the same day were announced"
            if " and " in assets
            else f"When a day of {assets} was announced"
        )
    if isinstance(timetable, CronTriggerTimetable):
        words = get_description(timetable.expression, Options(use_24hour_time_format=True))
        return f"{words} {timetable.timezone}"
    if isinstance(timetable, PartitionedAtRuntime | NullTimetable):
        return "By hand"
    return type(timetable).__name__


def _names(condition: Any) -> str:
    if isinstance(condition, Asset):
        return f"`{condition.name}`"
    joined = " and " if isinstance(condition, AssetAll) else " or "
    return joined.join(_names(part) for part in condition.objects)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
