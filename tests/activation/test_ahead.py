"""While one thing is looked at the next is made: one, and no more."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from audience.activation.ahead import ahead

LONG_S = 30.0


def test_all_things_come_in_their_order() -> None:
    assert list(ahead(iter([0, None, "", 3]))) == [0, None, "", 3]
    assert list(ahead(iter([]))) == []


def test_the_next_thing_is_made_meanwhile_and_none_behind_it() -> None:
    made = [threading.Event() for _ in range(3)]

    def things() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    with closing(ahead(things())) as found:
        assert next(found) == 0
        assert made[1].wait(LONG_S) and not made[2].is_set()


def test_an_error_comes_where_the_thing_would_have_come() -> None:
    def things() -> Iterator[int]:
        yield 1
        raise KeyError("second")

    found = ahead(things())
    assert next(found) == 1
    with pytest.raises(KeyError, match="second"):
        next(found)


def test_who_leaves_early_waits_for_what_is_being_made() -> None:
    may_go_on, ended = threading.Event(), threading.Event()

    def things() -> Iterator[int]:
        yield 1
        may_go_on.wait(LONG_S)
        ended.set()
        yield 2

    found = ahead(things())
    assert next(found) == 1
    threading.Timer(0.1, may_go_on.set).start()
    found.close()
    assert ended.is_set()
