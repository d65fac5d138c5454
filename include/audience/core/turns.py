"""Whose turn it is to call an account: every process that uses it keeps one rate together.

A row per account in the warehouse says until when its turns are given away. A process takes a block of turns in one
statement: the next moments, evenly apart, a tenth of a second of them where the rate has more than one in it. Who comes
second gets the moments behind. So blocks alternate between processes, no number of them is faster than one, there is at
most one round trip in the time that the rate makes a caller wait anyway, and what a process that was killed had taken is
over by itself. The server's clock gives the moments, so machines need not agree about the time.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa

KEPT = 0.95
"""Share of the rate that is used: a call that arrives a twentieth of a second late is not one too many in its second."""

MOST_SECONDS = 0.1
"""A block of turns: as much is lost with a process that is killed, and as unlike may the shares of two processes be."""

LEAST_SECONDS = 0.02
"""Where turns follow each other faster than a call takes, they are taken for so long at once."""

LATE = 0.5
"""A turn may be used until half the time to the next one is over; who comes later takes the next one."""

FAR_SECONDS, MOST_WAITING = 120.0, 60
"""Turns are given away for at most a rest of a minute and the turns of so many processes ahead: what is further away was
written before the server's clock went back."""

_TAKE = sa.text("""
INSERT INTO ops.turn AS taken (account, free_at)
VALUES (:account, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (account) DO UPDATE SET
    free_at = CASE WHEN taken.free_at > clock_timestamp() + make_interval(secs => :far) THEN clock_timestamp()
                   ELSE greatest(taken.free_at, clock_timestamp()) END + make_interval(secs => :seconds)
RETURNING extract(epoch FROM free_at - clock_timestamp()) - :seconds
""")

_REST = sa.text("""
INSERT INTO ops.turn AS taken (account, free_at)
VALUES (:account, clock_timestamp() + make_interval(secs => :seconds))
ON CONFLICT (account) DO UPDATE SET
    free_at = greatest(taken.free_at, clock_timestamp() + make_interval(secs => :seconds))
""")


class Turns(Protocol):
    def take(self, per_second: float) -> float:
        """Takes the next turn of an account that allows so many calls a second: the seconds until it comes."""

    def rest(self, seconds: float) -> None:
        """The account wants to be left alone for so long: no turn is given before, to any process. Who was told so waits
        by itself."""


@dataclass
class OwnTurns:
    """Turns of one process: for tests of a connection, and where there is no warehouse."""

    clock: Callable[[], float] = time.monotonic
    free_at: float = 0.0

    def take(self, per_second: float) -> float:
        now = self.clock()
        turn = max(self.free_at, now)
        self.free_at = turn + 1 / (per_second * KEPT)
        return turn - now

    def rest(self, seconds: float) -> None:
        """There is nobody else to tell."""


@dataclass
class SharedTurns:
    """Turns of an account that several processes call.

    Args:
        engine: of the warehouse.
        account: the name of the connection: a source and a destination of one name are one account.
        clock: seconds, of this process.
    """

    engine: sa.Engine
    account: str
    clock: Callable[[], float] = time.monotonic
    _next: float = 0.0
    _left: int = 0
    _asks: int = 1
    _is_late: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, per_second: float) -> float:
        interval = 1 / (per_second * KEPT)
        with self._lock:
            now = self.clock()
            missed = min(self._left, max(0, -int((self._next + LATE * interval - now) // interval)))
            self._left, self._next = self._left - missed, self._next + missed * interval
            self._is_late = self._is_late or missed > 0
            if not self._left:
                self._take_block(interval)
            turn = self._next
            self._left, self._next = self._left - 1, self._next + interval
            return max(0.0, turn - self.clock())

    def _take_block(self, interval: float) -> None:
        """More turns than last time when all of them were used, fewer when calls take longer than turns do."""
        least, most = (max(1, int(seconds / interval)) for seconds in (LEAST_SECONDS, MOST_SECONDS))
        wanted = self._asks // 2 if self._is_late else self._asks * 2
        self._asks, self._is_late = min(most, max(least, wanted)), False
        with self.engine.begin() as connection:
            values = {
                "account": self.account,
                "seconds": self._asks * interval,
                "far": FAR_SECONDS + MOST_WAITING * interval,
            }
            until = float(connection.execute(_TAKE, values).scalar_one())
        self._next, self._left = self.clock() + max(0.0, until), self._asks

    def rest(self, seconds: float) -> None:
        with self._lock:
            self._left = 0
            with self.engine.begin() as connection:
                connection.execute(_REST, {"account": self.account, "seconds": seconds})
