"""`make soak`: the fault campaign at length, on every platform, seed after seed, with real processes killed and frozen.

Prints scenarios, injections and violations, the memory of this process and the size of the ledger; exits with 1 when
anything was violated. A database of its own is made on AUDIENCE_SOAK_POSTGRES (default: the local server) and dropped.
"""

import argparse
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import sqlalchemy as sa

from activation.campaign import Campaign, as_table
from activation.stands import STANDS, Stand
from activation.town import Town
from audience.core.warehouse import Warehouse
from sandbox_process import start_sandbox

SERVER = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
TURNS = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1, help="of the first campaign; the next ones count on")
    parser.add_argument("--only", help="platforms, by comma; all of them when it is not given")
    parser.add_argument("--turns", type=int, default=TURNS, help="pushes of one campaign")
    chosen = parser.parse_args()
    until, seed = time.monotonic() + 60 * chosen.minutes, chosen.seed
    stands = [stand for stand in STANDS if stand.name in (chosen.only or stand.name).split(",")]
    done: dict[str, Campaign] = {}
    memory: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        sandbox = start_sandbox(Path(folder), people=50)
        try:
            while seed == chosen.seed or time.monotonic() < until:
                for stand in stands:
                    one = _campaign(stand, sandbox.url, Path(folder) / f"{stand.name}-{seed}", seed, chosen.turns)
                    _add(done, one)
                    memory.setdefault(stand.name, []).append(_resident_mb())
                    _say(f"seed {seed}, {stand.name}: {len(one.violations)} violations, {memory[stand.name][-1]} MB")
                seed += 1
        finally:
            sandbox.stop()
    campaigns = list(done.values())
    _say("")
    sys.stdout.write(as_table(campaigns) + "\n")
    violations = [f"{c.town.stand.name}: {v}" for c in campaigns for v in c.violations]
    for violation in violations:
        _say(violation)
    _say(f"{sum(c.injections.total() for c in campaigns)} injections, seeds {chosen.seed} to {seed - 1}")
    for name, found in memory.items():
        _say(f"memory after {name}: {', '.join(str(mb) for mb in found)} MB")
    return 1 if violations else 0


def _campaign(stand: Stand, url: str, folder: Path, seed: int, turns: int) -> Campaign:
    admin = sa.create_engine(os.environ.get("AUDIENCE_SOAK_POSTGRES", SERVER), isolation_level="AUTOCOMMIT")
    name = f"audience_soak_{uuid.uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    warehouse = Warehouse(admin.url.set(database=name).render_as_string(hide_password=False))
    try:
        warehouse.migrate()
        with stand.desk(url, folder) as desk:
            one = Campaign(Town(warehouse, desk.url, stand), desk, seed=seed, processes=True).run(turns)
        one.violations += _unbounded(warehouse, seed)
        return one
    finally:
        warehouse.close()
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def _unbounded(warehouse: Warehouse, seed: int) -> list[str]:
    """Items of earlier plans are forgotten: the ledger is as large as what is there, not as what happened."""
    with warehouse.begin() as connection:
        older = "SELECT count(*) FROM push.item WHERE plan_id < (SELECT max(plan_id) FROM push.plan)"
        left = connection.execute(sa.text(older)).scalar_one()
    return [f"seed {seed}: {left} items of earlier plans are left"] if left else []


def _add(done: dict[str, Campaign], one: Campaign) -> None:
    first = done.setdefault(one.town.stand.name, one)
    if first is not one:
        first.injections += one.injections
        first.violations += one.violations


def _resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
