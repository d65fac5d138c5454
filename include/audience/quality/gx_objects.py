"""Objects of Great Expectations 1.x, of the suites and results that are kept. Using it takes seconds.

It is for who works with its tooling. Publishing needs none of it.
"""

import logging
import os
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from audience.quality.expectation import Expectation
from audience.quality.validation import Json, suite_of

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult


def suite_object(name: str, expectations: Sequence[Expectation]) -> "ExpectationSuite":
    """The declared expectations as a suite. Great Expectations refuses what is none of its expectations."""
    suite: ExpectationSuite = _great_expectations().ExpectationSuite(**suite_of(name, expectations))
    return suite


def result_object(kept: Json) -> "ExpectationSuiteValidationResult":
    """A result as it was kept, read by Great Expectations."""
    _great_expectations()
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema

    result: ExpectationSuiteValidationResult = ExpectationSuiteValidationResultSchema().load(kept)
    return result


@cache
def _great_expectations() -> Any:
    """The library, quiet and without telemetry, with the expectations that are ours registered."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its own imports import
        import great_expectations as gx

        from audience.quality import gx_expectations  # noqa: F401 - registers what it declares
    return gx
