"""The data, grown once per size and kept."""

import shutil

from bench.measure import Stopwatch
from bench.place import DAY, Place

GROWN = ("contacts", "consents", "orders", "order_lines", "events")


def grow_once(place: Place, _watch: Stopwatch) -> None:
    """Grows what is not there; the folder appears whole."""
    from sandbox.grow import Size, grow

    folder = place.data / "grown"
    if folder.exists():
        return
    aside = folder.with_name("growing")
    shutil.rmtree(aside, ignore_errors=True)
    grow(Size(place.people, place.events), out=aside, until=DAY.day)
    aside.rename(folder)
