"""Memory does not grow with the rows: measured as the most that a process of its own held."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from databases import Database, database

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

EXTRACTING = """
import resource, sys
from pathlib import Path
from test_sql import FRIDAY, a_source
from audience.core.connection import Connection
from audience.core.lake import Lake
from audience.sources.contract import extract
url, login, folder, rows = sys.argv[1:]
query = f"SELECT id AS product_id, title, changed_at AS updated_at FROM products WHERE id <= {rows} AND changed_at < :end"
extraction = extract(a_source(query), Connection("erp", url, login=login), Lake.at(folder), first=FRIDAY, last=FRIDAY)
assert extraction.rows == {"product": int(rows), "_broken": 0}, extraction
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""

NUMBERS = {"mariadb": "seq_1_to_500000 s", "postgresql": "generate_series(1, 500000) s(seq)"}
INSTANT = {"mariadb": "timestamp NULL", "postgresql": "timestamptz"}


def peak_mb(db: Database, folder: Path, rows: int) -> int:
    """Of a process that extracts so many rows, Python and libraries included."""
    connection = db.connection()
    asked = [connection.url, connection.login, str(folder / str(rows)), str(rows)]
    path = os.pathsep.join(str(p) for p in (ROOT / "include", ROOT / "tests", HERE))
    done = subprocess.run([sys.executable, "-c", EXTRACTING, *asked], env=os.environ | {"PYTHONPATH": path},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["mariadb", "postgresql"])
def test_five_hundred_thousand_rows_take_no_more_memory_than_one_hundred_thousand(tmp_path: Path, server: str) -> None:
    with database(server) as db:
        db.run(
            f"CREATE TABLE products (id int, title varchar(200), changed_at {INSTANT[server]})",
            f"INSERT INTO products SELECT seq, repeat('x', 150), '2026-11-20 08:00:00' FROM {NUMBERS[server]}",
        )
        few, many = (peak_mb(db, tmp_path, rows) for rows in (100_000, 500_000))
    sys.stdout.write(f"{server}: {few} MB for 100,000 rows, {many} MB for 500,000\n")
    assert many < few + 50
    assert many < 1_000
