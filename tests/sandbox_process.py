"""Starts and stops a sandbox as a person would: another process, a port, HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

INCLUDE = Path(__file__).resolve().parents[1] / "include"
UNTIL = "2026-11-20"


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    state: Path
    process: subprocess.Popen[str]

    def client(self, prefix: str = "", **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url + prefix, headers=headers, timeout=30)

    def stop(self) -> int:
        """Ends it; returns its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=15)


def start_sandbox(state: Path, *, people: int | None = None) -> Sandbox:
    """Starts `python -m sandbox` with the year that ends on UNTIL, on a port that the system chooses.

    Returns when it accepts connections.
    """
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state", str(state), "--until", UNTIL]
    if people is not None:
        command += ["--people", str(people)]
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(INCLUDE)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as told:
        address = told.readline().split()
    assert address, f"the sandbox ended with {process.wait(timeout=15)} before it listened"
    return Sandbox(address[1], state, process)
