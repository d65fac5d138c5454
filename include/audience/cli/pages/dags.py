"""docs/dags.md: every DAG with its schedule and runbook, as the DAG files declare them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, codes, table


def page(folder: Path) -> str:
    described = describe(folder)
    return markdown.page(
        "DAGs",
        "A DAG file is a table of contents over the functions that the command line calls too; its docstring is its"
        " runbook. Every run is for one UTC day, its partition key.",
        table(
            ("DAG", "Runs", "File"),
            (
                (code(dag["dag_id"]), dag["runs"], code(f"dags/{one['file']}"))
                for one in described
                for dag in one["dags"]
            ),
        ),
        *(_section(one) for one in described),
    )


def describe(folder: Path) -> list[dict[str, Any]]:
    """What Airflow sees in the DAG files, from a process of its own: Airflow is heavy and makes a home for itself."""
    with tempfile.TemporaryDirectory() as home:
        package = Path(__file__).parents[3]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "AUDIENCE_"))}
        found = subprocess.run(  # noqa: S603  # this interpreter, this package
            [sys.executable, "-m", "audience.orchestration.describe", str(folder)],
            env=environment
            | {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(package)},
            capture_output=True,
            text=True,
            check=False,
        )
    if found.returncode != 0:
        raise RuntimeError(f"the DAG files could not be described:\n{found.stderr}")
    listed: list[dict[str, Any]] = json.loads(found.stdout.splitlines()[-1])
    return listed


def _section(one: dict[str, Any]) -> str:
    title, _, runbook = one["runbook"].partition("\n")
    parameters = [(code(name), words) for dag in one["dags"][:1] for name, words in dag["parameters"].items()]
    dags = codes(dag["dag_id"] for dag in one["dags"])
    form = table(("Parameter", "Meaning"), parameters) if parameters else ""
    return "\n\n".join(part for part in (f"## {title.lstrip('# ')}", dags, runbook.strip(), form) if part)
