"""Suites and results as Great Expectations 1.x holds them, so that its tooling can read them. Importing it takes seconds.

Great Expectations evaluates nothing here: the engine counted, and its objects are built from the declarations and the
counts. They hold no row values, as its own `BOOLEAN_ONLY` results do, and numbers beside the verdict.
"""

import logging
import os
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, assert_never

from audience.core.lake import Lake
from audience.quality.audit import Audit, Finding
from audience.quality.expectation import (
    Accepted,
    Between,
    Columns,
    Expectation,
    Fresh,
    Keeps,
    Matches,
    NotInFuture,
    NotNull,
    OfType,
    OneOf,
    Plausible,
    Refers,
    RefusedShare,
    Severity,
    Stable,
    SumsTo,
    Unique,
    Usable,
    Volume,
)

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationSuiteValidationResult

SEVERITIES: dict[Severity, str] = {"block": "critical", "reject": "warning", "warn": "info"}
"""Ours in the words of Great Expectations: what fails hurts all rows, its own rows, or nobody yet."""


def suite_of(name: str, expectations: Sequence[Expectation]) -> "ExpectationSuite":
    """The declared expectations as a suite."""
    gx = _great_expectations()
    suite: ExpectationSuite = gx.ExpectationSuite(name=name, expectations=[gx_expectation(e) for e in expectations])
    return suite


def result_of(audit: Audit) -> "ExpectationSuiteValidationResult":
    """What an audit found as a validation result. `success` means that nothing blocks, as publishing does."""
    from great_expectations.core import ExpectationSuiteValidationResult

    gx = _great_expectations()
    held = sum(f.passed for f in audit.findings)
    evaluated = len(audit.findings)
    return ExpectationSuiteValidationResult(
        success=audit.passed,
        results=[_result(f) for f in audit.findings],
        suite_name=audit.table,
        statistics={
            "evaluated_expectations": evaluated,
            "successful_expectations": held,
            "unsuccessful_expectations": evaluated - held,
            "success_percent": 100 * held / evaluated if evaluated else None,
        },
        meta={
            "great_expectations_version": gx.__version__,
            "expectation_suite_name": audit.table,
            "active_batch_definition": {"datasource_name": "lake", "data_asset_name": audit.table},
            "batch_parameters": {"partition": audit.partition.key},
        },
    )


def keep_result(lake: Lake, audit: Audit) -> None:
    """Notes the result beside the tables: `_notes/validations/<table>/<partition>.json`."""
    result: Any = result_of(audit)
    lake.note(f"validations/{audit.table}", audit.partition, result.to_json_dict())


def _result(finding: Finding) -> Any:
    from great_expectations.core import ExpectationValidationResult

    result: dict[str, Any] = {"element_count": finding.rows, "unexpected_count": finding.failed}
    if finding.observed is not None:
        result["observed_value"] = finding.observed
    return ExpectationValidationResult(
        success=finding.passed, expectation_config=gx_expectation(finding.expectation).configuration, result=result
    )


def gx_expectation(expectation: Expectation) -> Any:  # noqa: PLR0911, PLR0912 - one case for each kind
    """The expectation of Great Expectations that says the same.

    A parent that is missing or a sum is the query whose rows break it; what it has no words for is in `gx_expectations`.
    """
    _great_expectations()
    from great_expectations import expectations as gxe

    from audience.quality import gx_expectations as own

    known: dict[str, Any] = {"severity": SEVERITIES[expectation.severity], "description": expectation.words}
    rows = known | {"mostly": getattr(expectation, "mostly", 1.0)}
    match expectation:
        case Columns(names=names):
            return gxe.ExpectTableColumnsToMatchSet(column_set=list(names), exact_match=True, **known)
        case OfType(column=column, type=kind):
            return gxe.ExpectColumnValuesToBeOfType(column=column, type_=kind, **rows)
        case NotNull(column=column):
            return gxe.ExpectColumnValuesToNotBeNull(column=column, **rows)
        case OneOf(column=column, values=values):
            return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **rows)
        case Between(column=column, low=low, high=high):
            return gxe.ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **rows)
        case Matches(column=column, pattern=pattern):
            return gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, **rows)
        case Unique(columns=(column,)):
            return gxe.ExpectColumnValuesToBeUnique(column=column, **rows)
        case Unique(columns=columns):
            return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(columns), **rows)
        case Plausible(column=column, type=kind):
            past = "_day - INTERVAL 123 YEARS" if kind == "day" else "TIMESTAMPTZ '1970-01-02'"
            query = f"{_ROWS} {column} < {past} OR {column} >= _day + INTERVAL 2 DAYS"
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, **known)
        case Usable(column=column):
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"{_ROWS} _unusable_{column}", **known)
        case Keeps(column=column, by=by):
            several = f"SELECT {by} FROM {{batch}} GROUP BY {by} HAVING count(DISTINCT {column}) > 1"  # noqa: S608 - of declared names, and read only
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"{_ROWS} {by} IN ({several})", **known)
        case NotInFuture(column=column):
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"{_ROWS} {column} > as_of", **known)
        case Refers(column=column, to=to, key=key):
            query = f"{_ROWS} {column} NOT IN (SELECT {key} FROM {to})"  # noqa: S608 - of declared names, and read only
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, **known)
        case SumsTo(column=column, part=part, amount=amount, by=by, within=within, within_share=share):
            total = f"SELECT {by}, sum({amount}) AS total FROM {part} GROUP BY {by}"  # noqa: S608 - as above
            off = f"abs({column} - total) > greatest({within:g}, {share:g} * abs(total))"
            query = f"SELECT * FROM {{batch}} JOIN ({total}) USING ({by}) WHERE {off}"  # noqa: S608 - as above
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, **known)
        case RefusedShare(at_most=at_most):
            return own.ExpectRefusedShareToBeAtMost(at_most=at_most, **known)
        case Accepted(reason=reason):
            return own.ExpectNoRowToBeRefused(reason=reason, **known)
        case Fresh(column=column, hours=hours):
            return own.ExpectNewestValueToBeAtMostHoursOld(column=column, hours=hours, **known)
        case Volume(low=low, high=high):
            return own.ExpectRowCountToBeNearWeekdayMedian(low=low, high=high, **known)
        case Stable(column=column, below=below, edges=edges):
            return own.ExpectColumnStabilityIndexToBeBelow(column=column, below=below, edges=list(edges), **known)
    assert_never(expectation)


_ROWS = "SELECT * FROM {batch} WHERE"


@cache
def _great_expectations() -> Any:
    """The library, quiet and without telemetry."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its own imports import
        import great_expectations as gx
    return gx
