"""What PostgreSQL's processes take for a statement, on the machine of the benchmark."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

EACH_S = 0.05


@dataclass
class ServerUse:
    """0 where the server is on another machine, or its processes may not be looked at.

    Args:
        peak_mb: most that the server's processes held beyond what they held before, with the hash tables that they share.
            The server's buffers are not counted: they are a setting, and there before and after.
        processor_s: seconds of a processor that the connection's own process took last; a busy machine does not lengthen
            them.
    """

    peak_mb: float = 0.0
    processor_s: float = 0.0

    @contextmanager
    def watched(self, connection: "sa.Connection") -> Iterator[None]:
        import sqlalchemy as sa

        backend = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        postmaster = _numbers(backend)[0]
        before, over, worked = _held(postmaster), threading.Event(), _numbers(backend)[1]

        def look() -> None:
            while not over.wait(EACH_S):
                self.peak_mb = max(self.peak_mb, _held(postmaster) - before)

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            self.processor_s = _numbers(backend)[1] - worked


def _numbers(pid: int) -> tuple[int, float]:
    """A process's parent and the seconds of a processor that it took; zeros where it is not to be seen."""
    with suppress(OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0, 0.0


def _held(postmaster: int) -> float:
    """MB of memory of its own that the children of a process have, and of /dev/shm."""
    if not postmaster:
        return 0.0
    held_kb = disk_usage("/dev/shm").used / 1024  # noqa: S108 - where PostgreSQL's parallel joins share their tables
    for process in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        with suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text()
            held_kb += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")), 0)
    return held_kb / 1024
