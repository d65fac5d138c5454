"""Objects of Great Expectations 1.x, of the suites and results that are kept. Using it takes seconds.

It is for who works with its tooling, and for `audience check`. Publishing needs none of it.
"""

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from audience.core.table import Table
from audience.core.tables import ENTITIES
from audience.quality.expectation import Expectation
from audience.quality.suites import SUITES, suite
from audience.quality.validation import Json, configuration, suite_of

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult


def suite_object(name: str, expectations: Sequence[Expectation]) -> "ExpectationSuite":
    """The declared expectations as a suite.

    Raises:
        ExpectationNotFoundError: Great Expectations has no such expectation; a suite of its own leaves it out, and logs it.
        ValidationError: of its pydantic: an argument is none of that expectation.
    """
    written = suite_of(name, expectations)
    made: ExpectationSuite = _great_expectations().ExpectationSuite(
        **written | {"expectations": [_object(e) for e in written["expectations"]]}
    )
    return made


def _object(written: Json) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return ExpectationConfiguration(**written).to_domain_obj()


def not_accepted(
    declared: Mapping[str, tuple[Expectation, ...]] = SUITES, tables: Mapping[str, Table] = ENTITIES
) -> list[str]:
    """What Great Expectations does not accept of the suites of all tables: where, what was found, what it expects."""
    return [
        f"suites: {entity}: {expectation.words}: {problem}"
        for entity, table in tables.items()
        for expectation in suite(table, declared)
        for problem in _not_accepted(expectation)
    ]


def _not_accepted(expectation: Expectation) -> list[str]:
    _great_expectations()
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions import ExpectationNotFoundError

    written = configuration(expectation)
    try:
        _object(written)
    except ExpectationNotFoundError:
        return [
            f"found {written['type']!r}, expected an expectation of Great Expectations or of quality/gx_expectations.py"
        ]
    except ValidationError as error:
        told = written["kwargs"]
        places = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        return [f"{place}: found {told.get(place)!r}, Great Expectations expects: {words}" for place, words in places]
    return []


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
