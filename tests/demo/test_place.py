"""The demo's folder: made once, kept, never shared; what stands in its way is said."""

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo.place import DemoProblem, Place
from demo.processes import Processes

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_second_demo_keeps_the_days_and_secrets_of_the_first(tmp_path: Path) -> None:
    first = Place.at(tmp_path, REPOSITORY, {"AUDIENCE_DEMO_UNTIL": "2026-11-20"})
    second = Place.at(tmp_path, REPOSITORY, {})
    assert second.until == first.until
    assert second.kept == first.kept


def test_two_demos_do_not_share_secrets(tmp_path: Path) -> None:
    one, other = (Place.at(tmp_path / name, REPOSITORY, {}).kept for name in ("one", "other"))
    secret = {"password", "pseudonym_key", "jwt_secret", "internal_secret", "fernet_key"}
    assert all(one[name] != other[name] for name in secret)


def test_only_its_owner_can_read_the_secrets(tmp_path: Path) -> None:
    place = Place.at(tmp_path, REPOSITORY, {})
    for file in (tmp_path / "place.json", place.passwords_file()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_half_written_folder_is_named_and_not_lost(tmp_path: Path) -> None:
    (tmp_path / "place.json").write_text('{"until": "2026-')
    with pytest.raises(DemoProblem, match=r"place\.json is not readable.*make demo-clean"):
        Place.at(tmp_path, REPOSITORY, {})
    assert (tmp_path / "place.json").read_text() == '{"until": "2026-'


def test_a_taken_port_is_named_with_the_way_around_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place = Place.at(tmp_path, REPOSITORY, {"AUDIENCE_DEMO_PORT": str(port)})
        with pytest.raises(DemoProblem, match=f"port {port} is taken.*AUDIENCE_DEMO_PORT={port + 1} make demo"):
            place.check_ports()


def test_the_days_that_are_backfilled_end_with_the_last(tmp_path: Path) -> None:
    place = Place.at(tmp_path, REPOSITORY, {"AUDIENCE_DEMO_UNTIL": "2026-11-03"})
    assert place.backfilled[0] == "2026-10-28"
    assert place.backfilled[-1] == "2026-11-03"
    assert len(place.backfilled) == 7
    assert place.first_load_until.isoformat() == "2026-10-27"


def test_what_a_killed_demo_left_running_is_ended_with_its_children(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])",
    ]
    started = Processes(tmp_path, dict(os.environ))
    started.start("stubborn", command)
    parent = psutil.Process(started.running["stubborn"].pid)
    while not parent.children():
        time.sleep(0.05)
    child = parent.children()[0]
    assert Processes(tmp_path, {}).end_leftovers() == ["stubborn"]
    started.running["stubborn"].wait(timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert list((tmp_path / "pids").iterdir()) == []


def test_a_program_that_got_the_id_of_a_dead_one_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as innocent:
        (tmp_path / "pids").mkdir()
        (tmp_path / "pids" / "scheduler").write_text(f"{innocent.pid} 1.0")
        assert Processes(tmp_path, {}).end_leftovers() == []
        assert innocent.poll() is None
        innocent.terminate()


def test_a_program_that_ends_by_itself_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    processes = Processes(tmp_path, dict(os.environ))
    processes.start("brief", [sys.executable, "-c", "print('no room left'); raise SystemExit(3)"])
    processes.running["brief"].wait()
    with pytest.raises(DemoProblem, match=r"brief ended with code 3:\nno room left"):
        processes.check()
    processes.stop()
