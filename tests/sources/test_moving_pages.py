"""Lists that move up while they are read: what changes leaves the window, and no page number stays true."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from answering import simulated

from audience.core.connection import Connection
from audience.core.errors import SourceReplyInvalid, SourceUnavailable
from audience.sources.contract import Rest, anonymous


@contextmanager
def answering(reply: Callable[[int], Any]) -> Iterator[Rest]:
    """A system that is asked `GET /items?from=n`."""
    with simulated(lambda target, _: reply(int(parse_qs(urlsplit(target).query)["from"][0]))) as url:
        with closing(Rest(Connection("kiosk", url), anonymous)) as api:
            yield api


def read(api: Rest) -> list[int]:
    return [r["id"] for r in api.by_overlap("items", "items", lambda n: {"from": n}, limit=5, overlap=2)]


def leaving(records: list[int], gone: dict[int, list[int]]) -> Callable[[int], Any]:
    """Pages of five; before the n-th request, the records of `gone[n]` leave the list."""
    asked = 0

    def reply(first: int) -> Any:
        nonlocal asked
        asked += 1
        for record in gone.get(asked, []):
            records.remove(record)
        return {"items": [{"id": n} for n in records[first : first + 5]]}

    return reply


def test_every_record_comes_once() -> None:
    with answering(leaving(list(range(12)), {})) as api:
        assert read(api) == list(range(12))


def test_no_record_is_lost_when_fewer_leave_between_two_pages_than_overlap() -> None:
    with answering(leaving(list(range(12)), {2: [3], 3: [4]})) as api:
        assert read(api) == list(range(12))


def test_as_many_that_leave_as_overlap_end_the_reading() -> None:
    with answering(leaving(list(range(12)), {2: [0, 3]})) as api:
        with pytest.raises(SourceUnavailable, match="kiosk: GET items: the records changed while they were read"):
            read(api)


def test_a_short_page_is_not_taken_for_the_last() -> None:
    pages = {0: [0, 1, 3, 4], 3: [3, 4, 5, 6, 7], 6: [6, 7]}  # 2 cannot be shown
    with answering(lambda first: {"items": [{"id": n} for n in pages[first]]}) as api:
        assert read(api) == [0, 1, 3, 4, 5, 6, 7]


def test_a_system_that_always_gives_its_first_page_is_read_once() -> None:
    with answering(lambda _: {"items": [{"id": n} for n in range(5)]}) as api:
        assert read(api) == [0, 1, 2, 3, 4]


def test_an_empty_list_in_place_of_an_object_has_no_records() -> None:
    """PHP's JSON has no empty object."""
    with answering(lambda _: []) as api:
        assert read(api) == []


def test_a_reply_without_the_list_is_no_empty_page() -> None:
    with answering(lambda _: {"errors": []}) as api:
        with pytest.raises(SourceReplyInvalid, match="kiosk: GET items: the reply has no list 'items'"):
            read(api)
