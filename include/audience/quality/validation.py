"""Suites and results in the form in which Great Expectations 1.x keeps its own, so that its tooling can read them.

Great Expectations evaluates nothing here, the engine counted; and it is not imported, which takes four seconds of a
processor and 270 MB. `gx_objects` makes its objects of what is written here. It holds no row values, as its own
`BOOLEAN_ONLY` results do, and numbers beside the verdict.
"""

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Any, assert_never

from audience.core.lake import Lake
from audience.quality.audit import Audit, Finding
from audience.quality.expectation import (
    Accepted,
    Between,
    Bound,
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

Json = dict[str, Any]

SEVERITIES: dict[Severity, str] = {"block": "critical", "reject": "warning", "warn": "info"}
"""Ours in the words of Great Expectations: what fails hurts all rows, its own rows, or nobody yet."""


def suite_of(name: str, expectations: Sequence[Expectation]) -> Json:
    """The declared expectations as a suite."""
    return {
        "name": name,
        "id": None,
        "expectations": [configuration(e) for e in expectations],
        "meta": {"great_expectations_version": version("great_expectations")},
        "notes": None,
    }


def result_of(audit: Audit) -> Json:
    """What an audit found as a validation result. `success` means that nothing blocks, as publishing does."""
    held = sum(f.passed for f in audit.findings)
    evaluated = len(audit.findings)
    return {
        "success": audit.passed,
        "results": [_result(f) for f in audit.findings],
        "suite_name": audit.table,
        "suite_parameters": {},
        "statistics": {
            "evaluated_expectations": evaluated,
            "successful_expectations": held,
            "unsuccessful_expectations": evaluated - held,
            "success_percent": 100 * held / evaluated if evaluated else None,
        },
        "meta": {
            "great_expectations_version": version("great_expectations"),
            "expectation_suite_name": audit.table,
            "active_batch_definition": {"datasource_name": "lake", "data_asset_name": audit.table},
            "batch_parameters": {"partition": audit.partition.key},
        },
        "id": None,
    }


def keep_result(lake: Lake, audit: Audit) -> None:
    """Notes the result beside the tables: `_notes/validations/<table>/<partition>.json`."""
    lake.note(f"validations/{audit.table}", audit.partition, result_of(audit))


_NO_EXCEPTION = {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def _result(finding: Finding) -> Json:
    result: Json = {"element_count": finding.rows, "unexpected_count": finding.failed}
    if finding.observed is not None:
        result["observed_value"] = finding.observed
    config = configuration(finding.expectation)
    return {"success": finding.passed, "expectation_config": config, "result": result, "meta": {},
            "exception_info": _NO_EXCEPTION}  # fmt: skip


def configuration(expectation: Expectation) -> Json:
    """The expectation of Great Expectations that says the same, with our words and severity."""
    kind, arguments = _said(expectation)
    return {
        "type": kind,
        "kwargs": {name: value for name, value in arguments.items() if value is not None},
        "meta": {},
        "description": expectation.words,
        "severity": SEVERITIES[expectation.severity],
    }


def _said(expectation: Expectation) -> tuple[str, Json]:  # noqa: PLR0911, PLR0912 - one case for each kind
    """Its type and arguments; None is what it has when nothing is said."""
    mostly = getattr(expectation, "mostly", 1.0)
    rows = {"mostly": mostly if mostly < 1 else None}
    match expectation:
        case Columns(names=names):
            return "expect_table_columns_to_match_set", {"column_set": list(names)}
        case OfType(column=column, type=kind):
            return "expect_column_values_to_be_of_type", {"column": column, "type_": kind}
        case NotNull(column=column):
            return "expect_column_values_to_not_be_null", {"column": column, **rows}
        case OneOf(column=column, values=values):
            return "expect_column_values_to_be_in_set", {"column": column, "value_set": list(values), **rows}
        case Between(column=column, low=low, high=high):
            bounds = {"min_value": _bound(low), "max_value": _bound(high)}
            return "expect_column_values_to_be_between", {"column": column, **bounds, **rows}
        case Matches(column=column, pattern=pattern):
            return "expect_column_values_to_match_regex", {"column": column, "regex": pattern, **rows}
        case Unique(columns=(column,)):
            return "expect_column_values_to_be_unique", {"column": column, **rows}
        case Unique(columns=columns):
            return "expect_compound_columns_to_be_unique", {"column_list": list(columns), **rows}
        case Plausible() | Usable() | Keeps() | NotInFuture() | Refers() | SumsTo():
            return "unexpected_rows_expectation", {"unexpected_rows_query": _breaking(expectation)}
        case RefusedShare(at_most=at_most, per=per):
            return "expect_refused_share_to_be_at_most", {"at_most": at_most, "per": list(per) or None}
        case Accepted(reason=reason):
            return "expect_no_row_to_be_refused", {"reason": reason}
        case Fresh(column=column, hours=hours):
            return "expect_newest_value_to_be_at_most_hours_old", {"column": column, "hours": hours}
        case Volume(low=low, high=high):
            return "expect_row_count_to_be_near_weekday_median", {"low": low, "high": high}
        case Stable(column=column, below=below, edges=edges):
            shape = {"column": column, "below": below, "edges": list(edges)}
            return "expect_column_stability_index_to_be_below", shape
    assert_never(expectation)


def _bound(bound: Bound | None) -> float | str | None:
    return bound.isoformat() if isinstance(bound, date) else bound


def _breaking(expectation: Plausible | Usable | Keeps | NotInFuture | Refers | SumsTo) -> str:
    """The query whose rows break an expectation that Great Expectations has no words for; of declared names."""
    rows = "SELECT * FROM {batch}"
    match expectation:
        case Plausible(column=column, type=kind):
            past = "_day - INTERVAL 123 YEARS" if kind == "day" else "TIMESTAMPTZ '1970-01-02'"
            return f"{rows} WHERE {column} < {past} OR {column} >= _day + INTERVAL 2 DAYS"
        case Usable(column=column):
            return f"{rows} WHERE _unusable_{column}"
        case Keeps(column=column, by=by):
            several = f"SELECT {by} FROM {{batch}} GROUP BY {by} HAVING count(DISTINCT {column}) > 1"  # noqa: S608 - of declared names, and read only
            return f"{rows} WHERE {by} IN ({several})"
        case NotInFuture(column=column):
            return f"{rows} WHERE {column} > as_of"
        case Refers(column=column, to=to, key=key):
            return f"{rows} WHERE {column} NOT IN (SELECT {key} FROM {to})"  # noqa: S608 - of declared names, and read only
        case SumsTo(column=column, part=part, amount=amount, by=by, within=within, within_share=share):
            total = f"SELECT {by}, sum({amount}) AS total FROM {part} GROUP BY {by}"  # noqa: S608 - of declared names, and read only
            off = f"abs({column} - total) > greatest({within:g}, {share:g} * abs(total))"
            return f"{rows} JOIN ({total}) USING ({by}) WHERE {off}"
