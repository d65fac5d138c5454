"""Expectations that Great Expectations has no words for, registered with it. The engine evaluates them, not it.

A tool that reads a result needs none of this; one that makes objects of a suite's JSON imports this module first.
Importing it takes seconds.
"""

from typing import Any, ClassVar

from great_expectations.expectations.expectation import BatchExpectation


class _EvaluatedInTheEngine(BatchExpectation):
    def _validate(self, *_args: Any, **_more: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: is evaluated by audience.quality.one_pass")


class ExpectRefusedShareToBeAtMost(_EvaluatedInTheEngine):
    """Of the rows that came in, or of the records that they make by the columns `per`."""

    at_most: float
    per: list[str] | None = None
    success_keys: ClassVar[tuple[str, ...]] = ("at_most", "per")


class ExpectNoRowToBeRefused(_EvaluatedInTheEngine):
    """For this reason."""

    reason: str
    success_keys: ClassVar[tuple[str, ...]] = ("reason",)


class ExpectNewestValueToBeAtMostHoursOld(_EvaluatedInTheEngine):
    """At the end of the partition."""

    column: str
    hours: float
    success_keys: ClassVar[tuple[str, ...]] = ("column", "hours")


class ExpectRowCountToBeNearWeekdayMedian(_EvaluatedInTheEngine):
    """Bounds are times the median of earlier days of the same weekday."""

    low: float
    high: float | None = None
    success_keys: ClassVar[tuple[str, ...]] = ("low", "high")


class ExpectColumnStabilityIndexToBeBelow(_EvaluatedInTheEngine):
    """The population stability index against the 28 days before."""

    column: str
    below: float
    edges: list[float]
    success_keys: ClassVar[tuple[str, ...]] = ("column", "below", "edges")
