"""A place as a push may use it: the lease checked before everything that is done there, and tried again within bounds."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from audience.activation.destination import Calls, Request
from audience.activation.folders.place import Place
from audience.core.errors import DestinationRefused, DestinationUnavailable

TRIES = 6
"""Tries of one thing that the place does not do; waits between them grow from 0.5 s to 8 s."""

DONE = 200
"""What the request log says of something done, as of a call that was answered."""

Given = TypeVar("Given")


class Shelf:
    """Raises, wherever it reads or writes:

    DestinationRefused: the place refuses us. DestinationUnavailable: it did not do it after TRIES tries. LeaseLost: before
    any of them, this run lost its lease.
    """

    def __init__(
        self, destination: str, place: Place, calls: Calls, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._destination, self._place, self._calls, self._clock = destination, place, calls, clock

    def names(self, folder: str) -> list[str]:
        return self._do(f"LIST {folder}", lambda: self._place.names(folder))

    def fetch(self, path: str, local: Path) -> Path:
        self._do(f"READ {path}", lambda: self._place.fetch(path, local))
        return local

    def put(self, local: Path, path: str) -> None:
        self._do(f"WRITE {path}", lambda: self._place.put(local, path))

    def delete(self, path: str) -> None:
        self._do(f"DELETE {path}", lambda: self._place.delete(path))

    def _do(self, call: str, work: Callable[[], Given]) -> Given:
        for tried in range(1, TRIES + 1):
            self._calls.before(call)
            began = self._clock()
            try:
                done = work()
            except OSError as error:
                self._calls.log(Request(call, None, self._clock() - began))
                found = f"{self._destination}: {call}: {_kind(error)}"
                if isinstance(error, PermissionError):
                    raise DestinationRefused(f"{found}, expected to be let in; check its connection") from None
                if tried == TRIES:
                    raise DestinationUnavailable(f"{found} after {TRIES} tries") from None
                self._calls.pause(0.5 * 2.0 ** (tried - 1))
                continue
            self._calls.log(Request(call, DONE, self._clock() - began))
            self._calls.after(call)
            return done
        raise AssertionError("the last try returns or raises")


def _kind(error: OSError) -> str:
    """What happened: the place's own word, or the system's for its kind; never a sentence that may name anything."""
    own = str(error.args[0]) if error.args else ""
    if type(error) is OSError and error.errno:
        return os.strerror(error.errno)
    return own if own.isidentifier() else type(error).__name__
