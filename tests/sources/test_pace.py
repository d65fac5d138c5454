"""A system that allows so many requests a second is asked no faster, all streams together."""

import time

from answering import Answer
from scripted import scripted

from audience.core.connection import Connection
from audience.core.masked import Secret
from audience.sources.contract import bearer, rest


def test_requests_come_no_faster_than_the_system_allows() -> None:
    kiosk = rest("kiosk", "Kiosk", auth=bearer, requests_per_second=20)
    with scripted({"GET /orders": [Answer({"orders": []})]}) as system:
        api = kiosk.open(Connection("kiosk", system.url, password=Secret("a key")))
        began = time.monotonic()
        for _ in range(5):
            api.get("orders")
        took = time.monotonic() - began
        api.close()
    assert len(system.asked) == 5
    assert took >= 4 / 20
