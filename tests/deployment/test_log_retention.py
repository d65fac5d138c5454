"""Local task logs fill disks (amazon-mwaa-docker-images#609): the service log-retention keeps them bounded."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from compose_file import interpolated

DAY_SECONDS = 86_400


@pytest.fixture
def clean(made_secrets: dict[str, str], tmp_path: Path) -> Callable[..., list[str]]:
    """Runs the service until it sleeps, over a folder of logs; gives what is left."""
    service = interpolated(made_secrets)["services"]["log-retention"]

    def run(**settings: str) -> list[str]:
        (tmp_path / "dag_id=last").mkdir()
        old_and_empty = tmp_path / "dag_id=last"
        os.utime(old_and_empty, (0, 0))
        process = subprocess.Popen(
            service["command"],
            env={"PATH": os.environ["PATH"], **service["environment"], "LOGS": str(tmp_path), **settings},
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 10
            while old_and_empty.exists():  # empty folders go last
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            process.terminate()
            ended = process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its sleep, which ends with the container
        assert ended == 0
        return sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())

    return run


def write(file: Path, *, days_old: float, size: int = 10) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    then = time.time() - days_old * DAY_SECONDS
    os.utime(file, (then, then))


def test_logs_older_than_the_retention_go(clean: Callable[..., list[str]], tmp_path: Path) -> None:
    write(tmp_path / "dag_id=a/run_id=manual__2026-10-01T00:00:00+00:00/attempt=1.log", days_old=31)
    write(tmp_path / "dag_id=a/run_id=today/attempt=1.log", days_old=29.9)
    assert clean() == ["dag_id=a/run_id=today/attempt=1.log"]


def test_the_oldest_logs_go_while_all_are_too_large(clean: Callable[..., list[str]], tmp_path: Path) -> None:
    for day in range(4):
        write(tmp_path / f"run of {day} days ago.log", days_old=day, size=400_000)
    assert clean(LOG_MAX_MB="1") == ["run of 0 days ago.log", "run of 1 days ago.log"]
