"""A command as a person types it, against stores of the test's own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audience.cli import main
from audience.core.warehouse import Warehouse
from key import KEY


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it said."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def audience(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `audience ...` in this process: `audience("check", "--without-settings")`."""

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["audience", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def stores(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with a complete set of settings; gives the folder of the lake."""
    monkeypatch.setenv("AUDIENCE_HOME", str(tmp_path))
    monkeypatch.setenv("AUDIENCE_WAREHOUSE_URL", warehouse.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("AUDIENCE_PSEUDONYM_KEY", KEY.reveal())
    return tmp_path / "lake"
