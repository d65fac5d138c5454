"""The demo's child processes: each in a group of its own, ended by id, and only ours."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from demo.place import DemoProblem


@dataclass
class Processes:
    """Started programs by name; their ids are kept in a file so that a killed demo's children are found again."""

    folder: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def end_leftovers(self) -> list[str]:
        """Ends what an earlier demo in this folder started and could not end. Returns the names."""
        ended = []
        for file in sorted((self.folder / "pids").glob("*")):
            pid, started = file.read_text().split()
            try:
                process = psutil.Process(int(pid))
                # The id may belong to another program by now.
                if abs(process.create_time() - float(started)) < 1:
                    _end_groups({int(pid)})
                    ended.append(file.name)
            except psutil.NoSuchProcess:
                pass
            file.unlink()
        return ended

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts a program with its output in `logs/<name>.log`."""
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        (self.folder / "pids").mkdir(exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.running[name] = process
        (self.folder / "pids" / name).write_text(f"{process.pid} {psutil.Process(process.pid).create_time()}")

    def airflow(self, *arguments: str) -> None:
        self.start(arguments[0], [sys.executable, "-m", "airflow", *arguments])

    def run(self, name: str, command: Sequence[str]) -> None:
        """Runs a program to its end. Raises DemoProblem with the end of its output when it fails."""
        done = subprocess.run(  # noqa: S603 - our own commands
            command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise DemoProblem(f"{name} failed:\n{(done.stdout + done.stderr)[-2000:]}")

    def check(self) -> None:
        """Raises DemoProblem with the end of its log when a program has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise DemoProblem(f"{name} ended with code {process.returncode}:\n{self.log_end(name)}")

    def log_end(self, name: str) -> str:
        text = (self.folder / "logs" / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])

    def wait_for(self, what: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Waits until `ready()`; a refused or failed request counts as not yet."""
        deadline = time.monotonic() + seconds
        while True:
            self.check()
            try:
                if ready():
                    return
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise DemoProblem(f"{what} did not come up within {seconds:.0f} s; see {self.folder / 'logs'}")
            time.sleep(0.3)

    def stop(self) -> None:
        """Ends everything that was started. A second Ctrl-C does not interrupt it: nothing is left behind."""
        with _undisturbed():
            _end_groups({process.pid for process in self.running.values()})
            for name, process in self.running.items():
                process.wait()
                (self.folder / "pids" / name).unlink(missing_ok=True)
            self.running.clear()


@contextmanager
def _undisturbed() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_groups(groups: set[int]) -> None:
    """SIGTERM to all members of the groups, SIGKILL to what is left after ten seconds."""
    members = [p for p in psutil.process_iter() if _group_of(p.pid) in groups]
    for member in members:
        _signal(member.pid, signal.SIGTERM)
    _gone, alive = psutil.wait_procs(members, timeout=10)
    for member in alive:
        _signal(member.pid, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
