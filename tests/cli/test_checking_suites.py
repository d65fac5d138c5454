"""A suite or a reference that names what is not there fails at `audience check`, before anything runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INCLUDE = Path(__file__).parents[2] / "include"


@pytest.mark.parametrize(
    ("file", "declared", "mistaken", "problem"),
    [
        ("suites", 'NotInFuture("captured_at")', 'NotInFuture("captured_ad")',
         "suites: consent: consent has no column 'captured_ad'; did you mean 'captured_at'?"),
        ("suites", 'NotInFuture("captured_at")', 'NotInFutur("captured_at")',
         "does not import: NameError: name 'NotInFutur' is not defined"),
        ("reference", '"region": {', '"regoin": {',
         "reference: the sandbox's town: no column 'regoin' to compare; did you mean 'region'?"),
    ],
    ids=["an unknown column", "an unknown expectation", "an unknown column of the people"],
)  # fmt: skip
def test_a_name_that_nothing_has_is_told(tmp_path: Path, file: str, declared: str, mistaken: str, problem: str) -> None:
    product = shutil.copytree(INCLUDE / "audience", tmp_path / "audience")
    shutil.copytree(INCLUDE / "segments", tmp_path / "segments")
    place = product / "quality" / f"{file}.py"
    place.write_text(place.read_text().replace(declared, mistaken, 1))
    command = [sys.executable, "-m", "audience", "check", "--without-settings"]
    ended = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert problem in ended.stdout + ended.stderr
