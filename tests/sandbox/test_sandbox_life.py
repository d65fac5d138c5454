"""Starting, stopping, starting again: the same world, and a platform that remembers."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from datetime import date
from pathlib import Path

import httpx
import pytest
from sandbox_reading import a_list, imported

from sandbox.world.build import build, world_folder
from sandbox.world.options import WorldOptions
from sandbox_process import INCLUDE, UNTIL, Sandbox, start_sandbox

SMALL = WorldOptions(date.fromisoformat(UNTIL), seed=11, people=60)


def fingerprint(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.suffix != ".parquet")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(SMALL, tmp_path / name)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


def test_a_built_world_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / f"world-{SMALL.key}"
    build(SMALL, folder)
    built = (folder / "world.json").stat().st_mtime_ns
    assert world_folder(SMALL, tmp_path) == folder
    assert (folder / "world.json").stat().st_mtime_ns == built


def test_a_world_needs_at_least_one_buyer() -> None:
    with pytest.raises(ValueError, match="people: expected at least 1, found 0"):
        WorldOptions(SMALL.until, people=0)


def test_a_restarted_platform_remembers_and_starts_within_seconds(sandbox: Sandbox, tmp_path: Path) -> None:
    for path in sandbox.state.glob("world-*"):
        (tmp_path / path.name).symlink_to(path)
    first = start_sandbox(tmp_path)
    with first.client("/brevo/v3", **{"api-key": "sandbox-brevo-key"}) as brevo:
        httpx.post(first.url + "/_control/limits", json={"process_delay_seconds": 0})
        imported(brevo, ["kept@mailbox.example"], a_list(brevo, "kept"))
    assert first.stop() == 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    second = start_sandbox(tmp_path)
    assert httpx.get(second.url + "/_control/brevo/lists").json() == {"kept": ["kept@mailbox.example"]}
    assert second.stop() == 0
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used < 5


def test_a_taken_port_is_told_in_one_line_and_exits_2(sandbox: Sandbox, tmp_path: Path) -> None:
    port = sandbox.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "sandbox", "--port", port, "--state", str(tmp_path)]
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(INCLUDE)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert (
        ended.stderr == f"sandbox: cannot listen on 127.0.0.1:{port}: Address already in use; choose another --port\n"
    )


def test_health_tells_the_first_and_the_last_day(sandbox: Sandbox) -> None:
    health = httpx.get(sandbox.url + "/health").json()
    assert (health["status"], health["first_day"], health["until"]) == ("ok", "2025-11-20", "2026-11-20")


def test_the_two_packages_do_not_know_each_other() -> None:
    for package, other in (("sandbox", "audience"), ("audience", "sandbox")):
        told = {path: path.read_text(encoding="utf-8") for path in (INCLUDE / package).rglob("*.py")}
        assert not [path for path, text in told.items() if f"import {other}" in text or f"from {other}" in text]
