"""One day by hand, from the source systems to a dry run of the push: what the DAGs do, with the same functions."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Command
from sandbox_process import UNTIL as DAY
from sandbox_process import start_sandbox


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The demo's source systems with few people, and connections to them."""
    running = start_sandbox(tmp_path / "sandbox", people=50)
    for name, place, key in (
        ("CRM", "crm", "sandbox-crm-token"),
        ("SHOP", "shop", "sandbox-shop-key"),
        ("NEWSLETTER", "brevo/inbox", "sandbox-inbox-token"),
        ("BREVO", "brevo", "sandbox-brevo-key"),
    ):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"host": f"{running.url}/{place}", "password": key}))
    yield running.url
    running.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Great Expectations and its libraries, when they are first imported
def test_a_day_goes_from_the_sources_to_a_planned_push(audience: Command, stores: Path, sandbox: str) -> None:
    said = []
    for source in ("crm", "newsletter", "shop"):
        ended = audience("ingest", source, "--partition", DAY, "--since", "2025-01-01")
        assert ended.code == 0, ended.err
        assert "rows in" in ended.out
        said.append(ended.out)
    refreshed = audience("refresh", "--partition", DAY)
    assert refreshed.code == 0, refreshed.err
    assert f"{DAY} segments" in refreshed.out
    planned = audience("activate", "brevo", "--dry-run")
    assert planned.code == 0, planned.err
    assert planned.out.startswith(f"brevo {DAY} would be told: creates ")
    tried = audience("identity", "preview", "--threshold", "0.9")
    assert tried.code == 0, tried.err
    sizes = [line.split()[-2:] for line in tried.out.partition("Segments")[2].splitlines()[2:]]
    # Of so few records nothing is learned: another threshold changes nobody, and the features are filled to the same segments.
    assert sizes and all(now == then for now, then in sizes), tried.out
    assert any(int(now) > 0 for now, _ in sizes)
    status = audience("status")
    assert "Stale days: none" in status.out, status.err
    said += [refreshed.out, planned.out, tried.out, status.out]
    shown = re.findall(r'[^\s"]+@[^\s"]+', "".join(said))
    assert shown and not set("".join(shown)) - set("x9.-_@")  # a payload shows the shape of an address
