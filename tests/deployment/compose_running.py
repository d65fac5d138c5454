"""The services of docker-compose.yml as processes of this machine: their own commands, environment and health checks.

Started in the order that `depends_on` asks for. Names of services become 127.0.0.1, ports become free ones, paths of
the image become a folder, and names of databases and roles get an ending of their own; nothing else is changed.
"""

import contextlib
import re
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import psutil
from compose_file import REPOSITORY, each_text, image_environment, interpolated

PORTS = ("8080", "8974", "5000", "6379", "8181")
MADE_HERE = ("postgres", "log-retention")
"""Not started: the server that tests share stands for the first, the second has a test of its own."""

PATIENCE_SECONDS = 180


class Stand:
    """Started services; `stop` ends every process that this object started, and no other."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.ending = f"_{uuid.uuid4().hex[:8]}"
        self.port = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        self.took: dict[str, float] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = Event()
        compose = interpolated(environment)
        self.services: dict[str, dict[str, Any]] = each_text(compose["services"], self._here)
        for name, config in compose["configs"].items():
            self._config(name).write_text(self._here(config["content"]))
        self._lay_out()

    # -- names, ports and paths of this machine --------------------------------------------------------------

    def _here(self, text: str) -> str:
        text = re.sub(
            r"://(\w+):([^@/]*)@postgres:5432/(\w+)",
            rf"://\g<1>{self.ending}:\g<2>@127.0.0.1:5432/\g<3>{self.ending}",
            text,
        )
        if not text.startswith("mlflow:5000,"):  # the hosts that MLflow accepts stay as they are
            text = re.sub(r"(?<=[/@])(airflow-api-server|mlflow|redis)(?=:)", "127.0.0.1", text)
            text = re.sub(r"(?:(?<=\d:)|(?<=localhost:)|(?<=--port=)|^)(\d{4})\b", self._port_here, text)
            text = re.sub(r"(?<=-p )(\d{4})\b", self._port_here, text)
        for place in ("/opt/airflow/include", "/opt/airflow", "/opt/audience", "/data"):
            here = REPOSITORY / "include" if place.endswith("include") else self.folder / place.lstrip("/")
            text = re.sub(rf"(?<![\w/]){place}(?![\w-])", str(here), text)
        return text

    def _port_here(self, found: re.Match[str]) -> str:
        return str(self.port.get(found[1], found[1]))

    def _config(self, name: str) -> Path:
        return self.folder / f"config-{name}"

    def _lay_out(self) -> None:
        for place in ("opt/airflow/logs", "opt/audience/lake", "opt/audience/sandbox", "data", "output"):
            (self.folder / place).mkdir(parents=True)
        for room in ("dags", "plugins"):
            (self.folder / "opt/airflow" / room).mkdir()
            for file in (REPOSITORY / room).iterdir():
                (self.folder / "opt/airflow" / room / file.name).symlink_to(file)
        for service in self.services.values():
            for config in service.get("configs", []):
                Path(config["target"]).symlink_to(self._config(config["source"]))

    def environment(self, name: str) -> dict[str, str]:
        """What the service's processes get: the image's, then the service's own, and nothing of this test's."""
        own = {key: str(value) for key, value in self.services[name].get("environment", {}).items()}
        own |= {key: value + self.ending for key, value in own.items() if key.endswith("_DB_NAME")}
        if own.get("PGHOST") == "postgres":
            own["PGHOST"] = "127.0.0.1"
        image = {key: self._here(value) for key, value in image_environment().items()}
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "HOSTNAME": socket.gethostname(),
            "LANG": "C.UTF-8",
            "AIRFLOW_HOME": str(self.folder / "opt/airflow"),
            **image,
            **own,
        }

    # -- starting, as Compose does ---------------------------------------------------------------------------

    def start(self) -> None:
        """Starts every service when what it depends on is as it asks; returns when all are healthy or done."""
        names = [name for name in self.services if name not in MADE_HERE]
        with ThreadPoolExecutor(len(names)) as pool:
            ready: dict[str, Future[None]] = {}
            events = {name: Event() for name in names}
            for name in names:
                ready[name] = pool.submit(self._bring_up, name, events)
            try:
                for future in ready.values():
                    future.result()
            except BaseException:
                self._stopping.set()
                for event in events.values():
                    event.set()
                raise

    def _bring_up(self, name: str, ready: Mapping[str, Event]) -> None:
        for needed, how in self.services[name].get("depends_on", {}).items():
            if needed not in MADE_HERE and how["condition"] != "service_started":
                ready[needed].wait()
        if self._stopping.is_set():
            return
        began = time.monotonic()
        process = self._launch(name)
        try:
            self._wait_until_ready(name, process)
        except BaseException:
            self._stopping.set()
            raise
        finally:
            self.took[name] = time.monotonic() - began
            ready[name].set()

    def _launch(self, name: str) -> subprocess.Popen[bytes]:
        with self._output_file(name).open("wb") as output:
            process = subprocess.Popen(
                self.services[name]["command"], env=self.environment(name), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self._processes[name] = process
        return process

    def _wait_until_ready(self, name: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        once = self.services[name].get("restart") == "no"
        while not self._stopping.is_set():
            ended = process.poll()
            if once and ended == 0:
                return
            if ended is not None or time.monotonic() > deadline:
                raise AssertionError(f"{name}: found exit code {ended}, expected it ready\n{self.output(name)[-3000:]}")
            if not once and self.is_healthy(name):
                return
            time.sleep(0.2 if once else 1)

    def is_healthy(self, name: str) -> bool:
        """Runs the service's health check once, in the service's environment."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            command = ["/bin/sh", "-c", *command]
        checked = subprocess.run(command, env=self.environment(name), capture_output=True, timeout=30, check=False)
        return checked.returncode == 0

    # -- looking, ending -------------------------------------------------------------------------------------

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.port[port]}"

    def run_in(self, name: str, *command: str) -> str:
        """Runs a command as `docker compose exec` would; returns what it prints."""
        done = subprocess.run(
            command,
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def output(self, name: str) -> str:
        return self._output_file(name).read_text(errors="replace")

    def _output_file(self, name: str) -> Path:
        return self.folder / "output" / name

    def stop(self) -> None:
        """Ends the processes started here and what they started; their databases go too, so nothing needs saving."""
        self._stopping.set()
        family: list[psutil.Process] = []
        for process in self._processes.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = psutil.Process(process.pid)
                family += [parent, *parent.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        for process in self._processes.values():
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
