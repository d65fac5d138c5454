"""A folder on a disk that is soon full."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILLER = "filler"


@contextmanager
def little_room(folder: Path, *, kilobytes: int) -> Iterator[Callable[[], Callable[[], None]]]:
    """A file system of its own in the folder; yields what fills it, which gives back what makes room again.

    Where nobody may mount one, files of this process may not become larger than a few bytes instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        yield _limit
        return
    try:
        yield lambda: _fill(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path) -> Callable[[], None]:
    filler = folder / FILLER
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 1024)
    return filler.unlink


def _limit() -> Callable[[], None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
