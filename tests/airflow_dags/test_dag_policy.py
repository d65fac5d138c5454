"""What every DAG must be, whoever adds it: a table of contents with a runbook, retried, limited, pooled, cheap to parse."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DAG_FILES = sorted((REPOSITORY / "dags").glob("*.py"))
SOURCES = {f.stem for f in (REPOSITORY / "include/audience/sources").glob("*.py")} - {"__init__"}
DESTINATIONS = {f.stem for f in (REPOSITORY / "include/audience/activation/destinations").glob("*.py")} - {"__init__"}

_DESCRIBE = """
import json, logging, os, sys, time, socket
logging.disable(logging.CRITICAL)
import airflow.sdk, airflow.providers.standard.operators.hitl, airflow.serialization.serialized_objects
from airflow.dag_processing.dagbag import DagBag

def refused(*_a, **_k):
    raise OSError("a DAG file must not touch the network")
socket.socket.connect = refused

folder, seconds, dags, errors = sys.argv[1], {}, {}, {}
for name in sorted(os.listdir(folder)):
    if not name.endswith(".py"):
        continue
    began = time.process_time()
    bag = DagBag(dag_folder=os.path.join(folder, name), collect_dags=True)
    seconds[name] = time.process_time() - began
    errors |= bag.import_errors
    for dag in bag.dags.values():
        dags[dag.dag_id] = {
            "file": name, "doc": dag.doc_md or "", "timetable": type(dag.timetable).__name__, "catchup": dag.catchup,
            "patterns": [p.schema["pattern"] for p in (dag.params.get_param(n) for n in dag.params) if "pattern" in p.schema],
            "max_active_runs": dag.max_active_runs, "timezone": str(dag.timezone), "tags": sorted(dag.tags),
            "tasks": {
                t.task_id: {
                    "owner": t.owner, "retries": t.retries, "pool": t.pool, "downstream": sorted(t.downstream_task_ids),
                    "timeout_s": t.execution_timeout.total_seconds() if t.execution_timeout else None,
                    "policy": t.retry_policy is not None if hasattr(t, "retry_policy") else None,
                    "outlets": sorted(o.name for o in t.outlets),
                } for t in dag.tasks
            },
        }
print("\\n" + json.dumps({"seconds": seconds, "dags": dags, "errors": errors, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All DAG files parsed in a fresh process without network, as a dag processor would."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "AUDIENCE"))}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(REPOSITORY / "include"),
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", _DESCRIBE, str(REPOSITORY / "dags")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def tasks(parsed: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{dag}.{task}", facts) for dag, d in parsed["dags"].items() for task, facts in d["tasks"].items()]


def test_every_file_imports_without_network(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}


def test_no_file_takes_more_than_two_seconds_after_airflow_itself(parsed: dict[str, Any]) -> None:
    assert {name: s for name, s in parsed["seconds"].items() if s > 2} == {}


def test_parsing_loads_no_heavy_library(parsed: dict[str, Any]) -> None:
    heavy = {"pandas", "sklearn", "great_expectations", "mlflow", "splink", "dlt"}
    assert heavy & set(parsed["modules"]) == set()


def test_every_source_has_its_dag(parsed: dict[str, Any]) -> None:
    assert {f"ingest_{source}" for source in SOURCES} <= parsed["dags"].keys()


def test_every_dag_has_a_runbook(parsed: dict[str, Any]) -> None:
    for dag, facts in parsed["dags"].items():
        for heading in ("**Reads**", "**Writes**", "**If it fails**", "**To redo**"):
            assert heading in facts["doc"], f"{dag}: its docstring has no {heading}"


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda f: f.name)
def test_a_dag_file_is_a_table_of_contents(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 60


def test_every_task_has_an_owner_retries_a_policy_and_a_time_limit(parsed: dict[str, Any]) -> None:
    for name, facts in tasks(parsed):
        assert facts["owner"] == "audience", name
        assert facts["retries"] >= 2, name
        assert facts["timeout_s"], f"{name}: no execution_timeout"
        assert facts["policy"], f"{name}: no retry policy"


def test_every_call_to_an_outside_system_is_in_its_pool(parsed: dict[str, Any]) -> None:
    systems = "|".join(DESTINATIONS)
    outside = {
        name: facts["pool"] for name, facts in tasks(parsed) if re.search(rf"extract|push|\.erase_({systems})$", name)
    }
    assert outside, "found no task that talks to an outside system"
    for name, pool in outside.items():
        place = name if ".erase_" in name else name.split(".")[0]
        assert pool in place, f"{name}: found pool {pool!r}, expected the system's own"


def test_the_form_of_an_erasure_takes_no_address(parsed: dict[str, Any]) -> None:
    """Airflow keeps the form of every run in clear."""
    (pattern,) = parsed["dags"]["erase_contact"]["patterns"]
    assert re.fullmatch(pattern, "0123456789abcdef")
    for written in ("ana@mailbox.example", "p-ana", "0123456789abcde", "0123456789abcdef0"):
        assert not re.search(pattern, written)


def test_no_dag_has_a_bare_cron_string(parsed: dict[str, Any]) -> None:
    named = {"CronPartitionTimetable", "PartitionedAssetTimetable", "PartitionedAtRuntime", "CronTriggerTimetable"}
    named |= {"NullTimetable"}  # only by hand
    assert {d: f["timetable"] for d, f in parsed["dags"].items() if f["timetable"] not in named} == {}


def test_no_dag_catches_up_by_itself(parsed: dict[str, Any]) -> None:
    assert [d for d, f in parsed["dags"].items() if f["catchup"]] == []


def test_the_graph_is_the_one_we_know(parsed: dict[str, Any]) -> None:
    graph = {
        dag: {task: facts["downstream"] for task, facts in sorted(d["tasks"].items())}
        for dag, d in sorted(parsed["dags"].items())
    }
    ingest = {"extract": ["publish"], "publish": []}
    activate = {"ask": [], "is_held": ["ask"], "push": ["is_held"]}
    approve = {
        "ask": ["is_answer_wanted"], "is_answer_wanted": ["push_approved"], "is_still_asked": ["ask"], "push_approved": []
    }  # fmt: skip
    erased_there = [f"erase_{destination}" for destination in DESTINATIONS]
    pushes = {f"activate_{destination}": activate for destination in DESTINATIONS}
    asks = {f"approve_{destination}": approve for destination in DESTINATIONS}
    assert graph == {f"ingest_{source}": ingest for source in SOURCES} | pushes | asks | {
        "apply_retention": {
            "apply_retention": ["is_anybody_forgotten"],
            "erase": [],
            "is_anybody_forgotten": ["erase"],
        },
        "discard_quarantine": {"discard": []},
        "erase_contact": {
            "erase_stores": sorted(erased_there),
            **{task: ["end_erasure"] for task in erased_there},
            "end_erasure": [],
        },
        "refresh_audience": {
            "features": ["review", "scores"],
            "identity": ["features"],
            "review": [],
            "scores": ["segments"],
            "segments": [],
        },
        "replay_quarantine": {"announce_stale": [], "replay": ["announce_stale"]},
        "restate": {"announce": []},
        "show_quarantine": {"show": []},
        "train_models": {"train": []},
        "watch_sources": {"watch": []},
    }


def test_what_dags_announce_is_what_others_wait_for(parsed: dict[str, Any]) -> None:
    outlets = {name: facts["outlets"] for name, facts in tasks(parsed) if facts["outlets"]}
    assert outlets == {f"ingest_{source}.publish": [f"raw_{source}"] for source in SOURCES} | {
        "refresh_audience.segments": ["segments"],
        "replay_quarantine.announce_stale": ["raw_crm", "raw_newsletter", "raw_shop"],
        "restate.announce": ["raw_crm", "raw_newsletter", "raw_shop"],
    }
