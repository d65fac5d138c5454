"""The lists of a place, opened for one push."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from audience.activation.destination import Calls
from audience.activation.folders.lists import Lists
from audience.activation.folders.place import Place
from audience.activation.folders.sheet import Sheets, Unreadable
from audience.activation.folders.shelf import Shelf
from audience.core.errors import DestinationRefused

SCRATCH = "audience-lists-"
"""Before the number of the process that works in a folder of temporary files."""


@contextmanager
def opened(destination: str, place: Place, calls: Calls) -> Iterator[Lists]:
    """The lists of a place; they are published when nothing went wrong until the end."""
    _clear_scratch()
    with (
        closing(place),
        tempfile.TemporaryDirectory(prefix=f"{SCRATCH}{os.getpid()}-") as scratch,
        closing(Sheets(Path(scratch))) as sheets,
    ):
        lists = Lists(Shelf(destination, place, calls), sheets, Path(scratch), calls.as_of)
        try:
            yield lists
            lists.publish()
        except Unreadable as problem:
            raise DestinationRefused(f"{destination}: a file of a list: {problem}; somebody else wrote it") from None


def _clear_scratch() -> None:
    """Removes what pushes that were killed left on this machine: there are addresses in it."""
    for left in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*-*"):
        number = left.name.removeprefix(SCRATCH).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(left, ignore_errors=True)
