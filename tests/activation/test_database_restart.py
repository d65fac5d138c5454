"""The database server is killed in the middle of a transaction and started again: platform and ledger end as they should."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from activation.platform import PlatformDesk
from activation.town import Town
from audience.core.warehouse import Warehouse
from audience.core.warehouse.embedded import embedded_postgres, stop_embedded_postgres


@dataclass
class Server:
    """A PostgreSQL of this test's own."""

    folder: Path
    url: str

    def die(self) -> None:
        """As when the power goes: every process at once, nothing written down."""
        postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().splitlines()[0]))
        processes = [postmaster, *postmaster.children()]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)

    def start(self) -> None:
        embedded_postgres(self.folder, database="restarted")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "postgres" / "data"
    yield Server(folder, embedded_postgres(folder, database="restarted"))
    stop_embedded_postgres(folder)


MOMENTS = {
    "a plan is written": "INSERT INTO push.item",
    "a batch is claimed, not yet told": "state=CASE",
    "an acknowledgement is written": "INSERT INTO push.acknowledged",
}
"""What the transaction has just done, not yet committed: part of its statement."""


@pytest.mark.slow
def test_a_server_killed_in_a_transaction_and_started_again_loses_nothing(server: Server, desk: PlatformDesk) -> None:
    with closing(Warehouse(server.url)) as warehouse:
        warehouse.migrate()
        _break_and_mend(server, desk, warehouse)


def _break_and_mend(server: Server, desk: PlatformDesk, warehouse: Warehouse) -> None:
    town = Town(warehouse, desk.url)
    town.people("ana", "bob", "cam", "dan")
    town.people("eve", consent=False)
    for turn, statement in enumerate(MOMENTS.values()):
        town.rename("ana", f"Ana {turn}")
        town.segment("vip", ["ana", "eve", "bob" if turn % 2 else "cam"])
        with _killed_after(server, statement) as killed, pytest.raises(sa.exc.DBAPIError):
            town.push(approved=True)
        assert killed, statement
        server.start()
        began = time.monotonic()
        report = town.push(approved=True)
        assert time.monotonic() - began < 10
        assert report.in_sync and desk.lists() == town.desired() == town.acknowledged(), statement
        assert town.items("in_flight") == []
        told = town.stand.attributes(desk.url, "ana@mailbox.example") or {}
        assert told["FIRSTNAME"] == f"Ana {turn}" and "eve" not in desk.written_names()


@contextmanager
def _killed_after(server: Server, statement: str) -> Iterator[list[str]]:
    """Kills the server once, when a statement that has this part was executed and its transaction is open."""
    killed: list[str] = []

    def kill(connection: sa.Connection, cursor: object, executed: str, *_: object) -> None:
        if statement in executed and not killed:
            killed.append(statement)
            server.die()

    sa.event.listen(sa.Engine, "after_cursor_execute", kill)
    try:
        yield killed
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", kill)
