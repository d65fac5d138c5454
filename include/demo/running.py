"""The demo's programs while they run: sandbox, PostgreSQL, Airflow's four processes."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx

from audience.core.warehouse.embedded import stop_embedded_postgres
from audience.house import House
from demo.airflow_api import AirflowApi
from demo.place import DemoProblem, Place
from demo.processes import Processes
from demo.progress import Progress
from demo.story import DAGS, SOURCES, Story

AIRFLOW = ("scheduler", "api-server", "dag-processor", "triggerer")


@dataclass(frozen=True)
class Running:
    """Everything that is up.

    Args:
        earliest: the first instant of which the sandbox has data.
    """

    house: House
    story: Story
    processes: Processes
    environment: dict[str, str]
    earliest: datetime


@contextmanager
def running(place: Place, progress: Progress) -> Iterator[Running]:
    """Starts everything and ends everything, whatever happens in between.

    Raises:
        DemoProblem: a port is taken, a program does not come up, a DAG file does not import.
    """
    if leftovers := Processes(place.folder, {}).end_leftovers():
        progress.say(f"ended what an earlier demo left running: {', '.join(leftovers)}")
    place.check_ports()
    progress.chapter("starting the sandbox and Airflow")
    environment = place.environment()
    processes = Processes(place.folder, environment)
    house = House.open(environment)
    try:
        _start(place, processes, house)
        processes.wait_for("the sandbox", lambda: httpx.get(f"{place.sandbox_url}/health").is_success, seconds=120)
        earliest = datetime.fromisoformat(httpx.get(f"{place.sandbox_url}/health").json()["earliest"])
        with closing(AirflowApi(place.airflow_url, "admin", place.kept["password"])) as airflow:
            processes.wait_for("Airflow", airflow.is_up, seconds=240)
            processes.wait_for(
                "the DAGs", lambda: airflow.has_dags(set(DAGS)) or bool(airflow.import_errors()), seconds=120
            )
            if errors := airflow.import_errors():
                raise DemoProblem("DAG files do not import:\n" + "\n".join(errors))
            progress.say("Airflow is up")
            airflow.make_pools((*SOURCES, "brevo"))
            yield Running(house, Story(place, house, airflow, processes, progress), processes, environment, earliest)
    finally:
        processes.stop()
        house.close()
        stop_embedded_postgres(place.folder / "postgres")


def _start(place: Place, processes: Processes, house: House) -> None:
    """Programs that do not need one another start side by side; what takes long starts first."""
    people = ["--people", str(place.people)] if place.people else []
    processes.start(
        "sandbox",
        [sys.executable, "-m", "sandbox", "--port", str(place.sandbox_port), "--state", str(place.folder / "sandbox"),
         "--until", place.until.isoformat(), *people],
    )  # fmt: skip
    with ThreadPoolExecutor() as threads:
        migrated = threads.submit(
            processes.run, "airflow db migrate", [sys.executable, "-m", "airflow", "db", "migrate"]
        )
        house.warehouse.migrate()
        house.mlflow_url()
        migrated.result()
    for name in AIRFLOW:
        processes.airflow(name)
