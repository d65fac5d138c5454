"""The lists of a place, opened for one push."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from audience.activation.destination import Calls
from audience.activation.folders.lists import Lists
from audience.activation.folders.place import Place
from audience.activation.folders.sheet import Sheets, Unreadable
from audience.activation.folders.shelf import Shelf
from audience.core.errors import DestinationRefused


@contextmanager
def opened(destination: str, place: Place, calls: Calls) -> Iterator[Lists]:
    """The lists of a place; they are published when nothing went wrong until the end."""
    with (
        closing(place),
        tempfile.TemporaryDirectory(prefix="audience-") as scratch,
        closing(Sheets(Path(scratch))) as sheets,
    ):
        lists = Lists(Shelf(destination, place, calls), sheets, Path(scratch), calls.as_of)
        try:
            yield lists
            lists.publish()
        except Unreadable as problem:
            raise DestinationRefused(f"{destination}: a file of a list: {problem}; somebody else wrote it") from None
