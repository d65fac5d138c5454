"""Adding a source: two files from one command, a look at what it gives, and the kit that tests it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audience.cli.new_source import begin
from audience.core.errors import DeclarationError
from cli.conftest import Command
from small_sandbox import SmallSandbox

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def connected(small_sandbox: SmallSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("crm", "shop"):
        found = small_sandbox.connection(name)
        made = {"conn_type": name, "host": found.url, "password": found.password.reveal()}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(made))


def test_a_sample_shows_rows_and_hides_people(audience: Command, connected: None) -> None:
    ended = audience("ingest", "shop", "--partition", "2026-11-20", "--sample", "3")
    assert ended.code == 0
    assert "orders: 3 of order" in ended.out and '"email": "***"' in ended.out
    assert "@" not in ended.out + ended.err


def test_a_sample_says_what_would_be_quarantined(
    audience: Command, small_sandbox: SmallSandbox, connected: None
) -> None:
    order = {"id": "O-1", "customer_id": None, "email": "ana@mailbox.example", "created_at": "2026-11-20T08:00:00Z",
             "status": "lost", "currency": "EUR", "total": "1.00", "discount": "0.00", "coupon_used": False, "lines": [],
             "updated_at": "2026-11-20T08:00:00Z", "tier": "gold"}  # fmt: skip
    small_sandbox.fault("GET /shop/orders", status=200, body={"orders": [order], "pages": 1, "total": 1}, times=1)
    ended = audience("ingest", "shop", "--partition", "2026-11-20", "--sample", "3")
    assert "would be quarantined: order: status: not one of paid, cancelled, refunded" in ended.err
    assert "orders: field 'tier' is not known to the source file" in ended.err


def test_a_sample_needs_the_connection_and_says_which(audience: Command) -> None:
    ended = audience("ingest", "crm", "--partition", "2026-11-20", "--sample", "3")
    assert ended.code == 1 and "AIRFLOW_CONN_CRM is not set" in ended.err


@pytest.mark.slow
def test_what_is_begun_passes_the_conformance_kit_as_it_is(tmp_path: Path) -> None:
    copy = tmp_path / "repository"
    for folder in ("include", "tests"):
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    written = begin("loyalty", "Loyalty programme", copy)
    assert [f.name for f in written] == ["loyalty.py", "loyalty.yaml"]
    assert len([line for line in written[0].read_text().splitlines() if line.strip()]) < 60
    kit = [sys.executable, "-m", "pytest", "-q", "tests/sources/test_conformance.py", "-k", "loyalty"]
    kit += ["--basetemp", str(tmp_path / "kit")]
    of_the_copy = {**os.environ, "PYTHONPATH": str(copy / "include")}
    ended = subprocess.run(kit, cwd=copy, capture_output=True, text=True, check=False, env=of_the_copy)
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert "failed" not in ended.stdout and "passed" in ended.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    begin("loyalty", "Loyalty", tmp_path)
    with pytest.raises(DeclarationError, match=r"sources/loyalty.py: there is such a file already"):
        begin("loyalty", "Loyalty", tmp_path)


def test_a_name_that_fits_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="expected a name such as 'shop'"):
        begin("Loyalty Club", "Loyalty", tmp_path)
    assert list(tmp_path.iterdir()) == []
