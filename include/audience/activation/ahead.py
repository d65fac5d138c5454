"""Makes the next thing while the one before is being worked on: claims and pages come slower than an account takes calls."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Thing = TypeVar("Thing")


def ahead(things: Iterator[Thing]) -> Generator[Thing, None, None]:
    """The same things. While one is looked at, a second thread makes the next: one, and no more.

    Whoever leaves early closes it (`contextlib.closing`) and by that waits for what is being made. An error of `things` is
    raised where the thing would have come.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as second:
        following = second.submit(_next, things)
        while found := following.result():
            following = second.submit(_next, things)
            yield found[0]


def _next(things: Iterator[Thing]) -> tuple[Thing] | None:
    """The next thing in a tuple, which is true whatever the thing is; None at the end."""
    for thing in things:
        return (thing,)
    return None
