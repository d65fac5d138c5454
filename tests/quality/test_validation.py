"""What was found, in Great Expectations' own form: its tooling reads it back, and it holds no row values."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from audience.core.lake import Lake
from audience.core.table import Column, Table
from audience.core.tables import ENTITIES
from audience.quality import validation
from audience.quality.audit import Audit, Finding
from audience.quality.expectation import Accepted, Between, NotNull, Refers, Unique, Volume
from audience.quality.gx_objects import not_accepted, result_object, suite_object
from audience.quality.suites import suite
from audience.quality.validation import configuration, keep_result, result_of
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

OTHERS = (
    Accepted("items: no field '{id}'"),
    Between("birth_date", low=date(1900, 1, 1), severity="warn", mostly=0.9),
    Unique(("order_id", "line"), mostly=0.5),
)
"""Forms that no suite has."""


def test_a_result_that_was_kept_is_read_by_great_expectations(lake: Lake) -> None:
    keep_result(lake, FOUND)
    kept = lake.note("validations/raw_shop__order", FRIDAY)
    read: Any = result_object(kept)
    assert (read.success, read.suite_name, read.asset_name) == (True, "raw_shop__order", "raw_shop__order")
    assert read.batch_parameters == {"partition": "2026-11-20"}
    assert [(r.success, r.result["element_count"], r.result["unexpected_count"]) for r in read.results] == [
        (False, 1000, 2), (True, 998, 0), (True, 998, 0)
    ]  # fmt: skip
    assert read.statistics["successful_expectations"] == 2
    assert read.to_json_dict() == kept, "what it keeps itself of the same result"


def test_severities_are_those_of_great_expectations() -> None:
    configs = [r["expectation_config"] for r in result_of(FOUND)["results"]]
    assert [(c["type"], c["severity"]) for c in configs] == [
        ("expect_column_values_to_not_be_null", "warning"),
        ("unexpected_rows_expectation", "info"),
        ("expect_row_count_to_be_near_weekday_median", "info"),
    ]
    blocked = replace(FOUND, findings=(Finding(Volume(low=0.01, severity="block"), 0, 0, 0.0, False),))
    assert result_of(blocked)["success"] is False
    assert result_of(blocked)["results"][0]["expectation_config"]["severity"] == "critical"


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_every_declared_expectation_is_written_as_great_expectations_writes_it(entity: str) -> None:
    declared = (*suite(ENTITIES[entity]), *OTHERS)
    made: Any = suite_object(entity, declared)
    assert [e.description for e in made.expectations] == [e.words for e in declared]
    assert made.to_json_dict()["expectations"] == [configuration(e) for e in declared]
    assert json.loads(json.dumps(made.to_json_dict())) == made.to_json_dict()


def test_what_great_expectations_does_not_accept_is_a_line_with_place_found_and_expected() -> None:
    declared = {"consent": (NotNull(3, severity="warn"),)}  # type: ignore[arg-type]
    assert not_accepted(declared, {"consent": ENTITIES["consent"]}) == [
        "suites: consent: 3 is known: column: found 3, Great Expectations expects: str type expected"
    ]


def test_an_expectation_that_great_expectations_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_said", lambda _expectation: ("expect_nice_weather", {}))
    place = Table("place", "a place", (Column("code", "text", "code", required=True),), key=("code",))
    assert not_accepted({}, {"place": place})[0] == (
        "suites: place: has its 1 declared columns and no others: found 'expect_nice_weather', expected an expectation of"
        " Great Expectations or of quality/gx_expectations.py"
    )


def test_keeping_a_result_does_not_import_great_expectations() -> None:
    program = "import sys, audience.quality.publication, audience.quality.validation as v; v.suite_of('a', []);"
    program += "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_result_is_kept_beside_the_tables_and_replaced(lake: Lake) -> None:
    keep_result(lake, replace(FOUND, findings=()))
    keep_result(lake, FOUND)
    assert lake.note("validations/raw_shop__order", FRIDAY)["statistics"] == result_of(FOUND)["statistics"]
    assert lake.tables() == []
