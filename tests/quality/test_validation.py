"""What was found, as Great Expectations' own objects: its tooling reads them back, and they hold no row values."""

import json
from datetime import date
from typing import Any

import pytest

from audience.core.lake import Lake
from audience.core.tables import ENTITIES
from audience.quality.audit import Audit, Finding
from audience.quality.expectation import Accepted, Expectation, NotNull, Refers, Volume
from audience.quality.suites import suite
from audience.quality.validation import keep_result, result_of, suite_of
from rows import FRIDAY

FOUND = Audit(
    "raw_shop__order",
    FRIDAY,
    1000,
    (
        Finding(NotNull("order_id"), 1000, 2, 0.002, False),
        Finding(Refers("record_id", to="contact", key="record_id"), 998, 0, 0.0, True),
        Finding(Volume(low=0.5), 998, 0, None, True),
    ),
    {},
)


def as_json(audit: Audit) -> dict[str, Any]:
    result: Any = result_of(audit)
    found: dict[str, Any] = result.to_json_dict()
    return found


def test_a_result_is_read_back_by_great_expectations() -> None:
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema

    read = ExpectationSuiteValidationResultSchema().load(json.loads(json.dumps(as_json(FOUND))))
    assert (read.success, read.suite_name, read.asset_name) == (True, "raw_shop__order", "raw_shop__order")
    assert read.batch_parameters == {"partition": "2026-11-20"}
    assert [(r.success, r.result["element_count"], r.result["unexpected_count"]) for r in read.results] == [
        (False, 1000, 2), (True, 998, 0), (True, 998, 0)
    ]  # fmt: skip
    assert read.statistics["successful_expectations"] == 2


def test_severities_are_those_of_great_expectations() -> None:
    configs = [r["expectation_config"] for r in as_json(FOUND)["results"]]
    assert [(c["type"], c["severity"]) for c in configs] == [
        ("expect_column_values_to_not_be_null", "warning"),
        ("unexpected_rows_expectation", "info"),
        ("expect_row_count_to_be_near_weekday_median", "info"),
    ]
    blocked = Audit("t", FRIDAY, 0, (Finding(Volume(low=0.01, severity="block"), 0, 0, 0.0, False),), {})
    assert as_json(blocked)["success"] is False
    assert as_json(blocked)["results"][0]["expectation_config"]["severity"] == "critical"


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_every_declared_expectation_has_its_counterpart_with_its_words(entity: str) -> None:
    declared = (*suite(ENTITIES[entity]), Accepted("items: no field '{id}'"))
    found = suite_of(entity, declared).expectations
    assert [e.description for e in found] == [e.words for e in declared]


def test_a_bound_that_is_a_day_is_written() -> None:
    from audience.quality.expectation import Between

    expectation: Expectation = Between("birth_date", low=date(1900, 1, 1), severity="warn")
    (config,) = (r["expectation_config"] for r in as_json(
        Audit("t", FRIDAY, 1, (Finding(expectation, 1, 0, 0.0, True),), {}))["results"])  # fmt: skip
    assert config["kwargs"]["min_value"] == "1900-01-01"


def test_a_result_is_kept_beside_the_tables_and_replaced(lake: Lake) -> None:
    keep_result(lake, FOUND)
    keep_result(lake, FOUND)
    assert lake.note("validations/raw_shop__order", FRIDAY)["suite_name"] == "raw_shop__order"
    assert lake.tables() == []
