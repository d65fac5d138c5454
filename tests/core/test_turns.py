"""Whoever calls an account, and from wherever: all together keep its rate, each gets a share, nobody's is lost."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
import sqlalchemy as sa

from audience.core.turns import KEPT, MOST_SECONDS, OwnTurns, SharedTurns
from audience.core.warehouse import Warehouse

PER_SECOND = 40

CALLER = """
import sys, time, urllib.request
from audience.core.turns import SharedTurns
from audience.core.warehouse import Warehouse

warehouse, url, name, per_second = sys.argv[1:]
turns = SharedTurns(Warehouse(warehouse).engine, "account")
while True:
    due = turns.take(float(per_second)) + time.monotonic()
    time.sleep(max(0, due - time.monotonic()))
    urllib.request.urlopen(f"{url}/{name}/{due}").close()
"""


@dataclass(frozen=True)
class Call:
    """`due` and `at` are moments of the machine's one monotonic clock."""

    caller: str
    due: float
    at: float

    @property
    def is_late(self) -> bool:
        return self.at - self.due > 1 - KEPT


@contextmanager
def account() -> Iterator[tuple[str, list[Call]]]:
    """A server that notes who called, and when."""
    calls: list[Call] = []

    class Account(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            caller, due = self.path[1:].split("/")
            calls.append(Call(caller, float(due), time.monotonic()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Account)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def most_in_a_second(at: list[float]) -> int:
    return max(sum(start <= other < start + 1 for other in at) for start in at)


def test_three_processes_keep_one_rate_share_it_and_take_over_what_a_killed_one_had(warehouse: Warehouse) -> None:
    url = warehouse.engine.url.render_as_string(hide_password=False)
    with account() as (address, calls):
        command = [sys.executable, "-c", CALLER, url, address]
        callers = {name: subprocess.Popen([*command, name, str(PER_SECOND)]) for name in ("one", "two", "three")}
        try:
            while len({call.caller for call in calls}) < len(callers):
                time.sleep(0.05)
            together = time.monotonic()
            time.sleep(3)
            callers["three"].kill()
            killed = time.monotonic()
            time.sleep(2)
            end = time.monotonic()
        finally:
            for caller in callers.values():
                caller.kill()
                caller.wait()
    assert most_in_a_second([call.due for call in calls]) <= PER_SECOND
    assert most_in_a_second([call.at for call in calls if not call.is_late]) <= PER_SECOND
    shared = [call.caller for call in calls if together <= call.at < killed]
    assert len(shared) > 0.75 * PER_SECOND * (killed - together)
    assert all(shared.count(name) > 0.2 * len(shared) for name in callers)
    later = [call.caller for call in calls if killed + MOST_SECONDS <= call.at < end]
    assert "three" not in later and len(later) > 0.75 * PER_SECOND * (end - killed - MOST_SECONDS)


def test_turns_of_two_processes_follow_each_other(warehouse: Warehouse) -> None:
    now = [0.0]
    first, second = (SharedTurns(warehouse.engine, "account", clock=lambda: now[0]) for _ in range(2))
    turns = sorted(caller.take(0.01) for caller in (first, second, first, second))
    apart = 1 / (0.01 * KEPT)
    assert [b - a for a, b in pairwise(turns)] == pytest.approx([apart] * 3, abs=2)


def test_a_rest_is_everybody_s(warehouse: Warehouse) -> None:
    first, second = (SharedTurns(warehouse.engine, "account") for _ in range(2))
    first.rest(60)
    assert 59 < second.take(10) <= 60.2 and 59 < first.take(10) <= 60.2
    assert SharedTurns(warehouse.engine, "another account").take(10) < 1


def test_turns_given_away_before_the_clock_went_back_do_not_count(warehouse: Warehouse) -> None:
    turns = SharedTurns(warehouse.engine, "account")
    turns.take(10)
    with warehouse.engine.begin() as connection:  # as if they had been given away an hour later
        connection.exec_driver_sql("UPDATE ops.turn SET free_at = free_at + interval '1 hour'")
    assert SharedTurns(warehouse.engine, "account").take(10) < 1


def blocks(warehouse: Warehouse, calls: int, *, seconds_of_a_call: float) -> int:
    """Blocks of turns that are taken for so many calls at 100 a second."""
    now, taken = [0.0], [0]

    def count(_: sa.Connection) -> None:
        taken[0] += 1

    turns = SharedTurns(warehouse.engine, "account", clock=lambda: now[0])
    sa.event.listen(warehouse.engine, "begin", count)
    for _ in range(calls):
        now[0] += turns.take(100) + seconds_of_a_call
    sa.event.remove(warehouse.engine, "begin", count)
    return taken[0]


def test_a_block_is_taken_for_many_calls_where_the_rate_binds(warehouse: Warehouse) -> None:
    assert blocks(warehouse, 200, seconds_of_a_call=0.001) < 35


def test_who_calls_slower_than_turns_come_takes_no_turns_from_others(warehouse: Warehouse) -> None:
    assert blocks(warehouse, 50, seconds_of_a_call=1) > 45


def test_turns_of_one_process_are_evenly_apart() -> None:
    turns = OwnTurns(clock=lambda: 100.0)
    assert [turns.take(10) for _ in range(3)] == pytest.approx([0.0, 0.1 / KEPT, 0.2 / KEPT])
