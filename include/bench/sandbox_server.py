"""The sandbox for a benchmark: in a process of its own, without limits; its address is noted for the children."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.place import DAY, Place


@contextmanager
def running_sandbox(place: Place, *, people: int) -> Iterator[None]:
    """Listens as long as the block runs; `url_of` says where."""
    import httpx

    state = place.folder / "sandbox"
    state.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state", str(state), "--until", str(DAY)]
    command += ["--people", str(people)]
    include = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=include, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own
        try:
            assert server.stdout is not None
            (state / "url").write_text(server.stdout.readline().split()[1], encoding="utf-8")
            lifted = {"shop": None, "brevo": None, "process_delay_seconds": 0}
            httpx.post(f"{url_of(place)}/_control/limits", json=lifted).raise_for_status()
            yield
        finally:
            server.terminate()


def url_of(place: Place) -> str:
    return (place.folder / "sandbox" / "url").read_text(encoding="utf-8")
