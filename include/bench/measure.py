"""Measures one way of doing a step: in a process of its own, the best of a few laps, with its answer."""

import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench.place import LAPS, Place

SHORT_S = 10.0
"""A lap longer than this is not repeated: noise is small beside it."""

LIBRARIES = ["audience.core.engine", "audience.core.warehouse", "duckdb", "ibis.backends.duckdb", "pyarrow.parquet"]
"""What nearly every way imports. The process that all ways are forked from imports it once, and computes nothing."""


class Stopwatch:
    """Counts laps. What happens between laps (setting up, comparing) is not counted."""

    def __init__(self, laps: int = LAPS) -> None:
        self.laps = laps
        self.seconds: list[float] = []
        self.processor_s: list[float] = []
        self.peak_mb = 0.0

    def again(self) -> bool:
        """True while another lap is worth it: `while watch.again(): with watch.lap(): ...`"""
        return not self.seconds or (len(self.seconds) < self.laps and self.seconds[-1] < SHORT_S)

    @contextmanager
    def lap(self) -> Iterator[None]:
        began, processor_began = time.perf_counter(), time.process_time()
        yield
        self.seconds.append(time.perf_counter() - began)
        self.processor_s.append(time.process_time() - processor_began)
        self.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


Way = Callable[[Place, Stopwatch], object]
"""One way of doing a step: counts its laps and returns its answer, something small that equals an equal answer."""


@dataclass(frozen=True)
class Run:
    """What a way took.

    Args:
        seconds: of its best lap.
        peak_mb: most memory the process held until its last lap ended, Python and libraries included. A database
            server is a process of its own and not counted.
        processor_s: least seconds of processor time of a lap, all threads together: on a busy machine the fairer number.
    """

    seconds: float
    peak_mb: float
    answer: Any
    processor_s: float = 0.0


@dataclass(frozen=True)
class Usual:
    """The usual alternative. `share` of the rows were done (1 = all); `seconds` are scaled up to all of them."""

    name: str
    seconds: float
    share: float = 1.0

    @classmethod
    def of(cls, name: str, run: Run, share: float = 1.0) -> "Usual":
        return cls(name, run.seconds / share, share)


@dataclass(frozen=True)
class Step:
    """One line of the table: what was done, on how much, by us, at the limit, and as it is usually done."""

    name: str
    size: str
    ours: Run
    limit: Run
    limit_name: str
    usual: Usual | None = None

    @property
    def ratio(self) -> float:
        return self.ours.seconds / self.limit.seconds


class AnswersDiffer(AssertionError):
    """Two ways of doing a step gave different answers: then their times say nothing."""


class WayFailed(RuntimeError):
    """A way raised; the message is its traceback."""


def run(way: Way, place: Place) -> Run:
    """Runs a way in a fresh process, forked from one that has done nothing but import `LIBRARIES`.

    Raises:
        WayFailed: it raised, or ended without an answer.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(way, place, there))
    process.start()
    there.close()
    try:
        found = here.recv()
    except EOFError:
        found = "it ended without an answer"
    process.join()
    if isinstance(found, str):
        raise WayFailed(f"{way.__module__}.{way.__qualname__}: {found}")
    assert isinstance(found, Run)
    return found


def equal(name: str, first: Run, second: Run) -> None:
    """Raises AnswersDiffer unless both ways of a step gave the same answer."""
    if first.answer != second.answer:
        raise AnswersDiffer(f"{name}: ours gave {first.answer}, the other {second.answer}")


def _child(way: Way, place: Place, parent: Connection) -> None:
    watch = Stopwatch(place.laps)
    try:
        answer = way(place, watch)
        seconds, processor_s = (min(each, default=0.0) for each in (watch.seconds, watch.processor_s))
        parent.send(Run(seconds, watch.peak_mb, answer, processor_s))
    except BaseException:
        parent.send(traceback.format_exc())
