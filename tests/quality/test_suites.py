"""Declared suites: a name that nothing has is found before anything runs."""

import pytest

from audience.core.table import Column, Table
from audience.core.tables import ENTITIES
from audience.quality.expectation import (
    Between,
    Columns,
    Expectation,
    Keeps,
    Matches,
    NotNull,
    OneOf,
    Refers,
    Stable,
    SumsTo,
    Unique,
    Usable,
    Volume,
)
from audience.quality.suites import SUITES, problems, suite

SALE = Table(
    name="sale",
    grain="one sale",
    key=("name",),
    columns=(
        Column("name", "text", "whose", required=True),
        Column("email", "text", "who", personal=True, one_of=("a",)),
        Column("pieces", "integer", "pieces"),
        Column("kind", "text", "kind", one_of=("a", "b")),
        Column("is_new", "boolean", "new"),
    ),
)
TABLES = {"sale": SALE}


def problem(*expectations: Expectation) -> list[str]:
    return problems({"sale": expectations}, TABLES)


def test_the_shipped_suites_can_be_used() -> None:
    assert problems() == []


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_every_entity_has_a_suite_that_names_each_expectation_once(entity: str) -> None:
    words = [e.words for e in suite(ENTITIES[entity])]
    assert len(words) == len(set(words)) >= 4


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        (NotNull("nam", severity="warn"), "sale has no column 'nam'; did you mean 'name'?"),
        (Refers("name", to="sales", key="name"), "no entity 'sales'; did you mean 'sale'?"),
        (Refers("name", to="sale", key="nam"), "sale has no column 'nam'; did you mean 'name'?"),
        (SumsTo("pieces", part="sale", amount="piece", by="name", within=0), "sale has no column 'piece'; did you mean"
         " 'pieces'?"),
        (Unique(("name", "nam")), "sale has no column 'nam'; did you mean 'name'?"),
        (Stable("pieces"), "pieces is distributed as over 28 days: index below 0.25: found no declared values, expected"
         " edges, one_of or matches, and no personal data"),
        (Stable("email"), "email is distributed as over 28 days: index below 0.25: found no declared values, expected"
         " edges, one_of or matches, and no personal data"),
        (Keeps("kind", by="nam"), "sale has no column 'nam'; did you mean 'name'?"),
        (Usable("kind"), "kind is usable: found a column whose unusable values refuse the row, expected one whose become"
         " unknown"),
        (NotNull("kind"), "kind is known: found severity reject, expected the rule on the column itself, which admission"
         " reads"),
    ],
)  # fmt: skip
def test_what_can_never_be_judged_is_a_problem(expectation: Expectation, expected: str) -> None:
    assert problem(expectation) == [f"suites: sale: {expected}"]


@pytest.mark.parametrize(
    ("expectation", "expected"),
    [
        (NotNull("name", severity="wran"), "NotNull: severity: found 'wran', expected one of reject, block, warn"),  # type: ignore[arg-type]
        (NotNull("name", severity="warn", mostly=95), "NotNull: mostly: found 95, expected a share above 0, at most 1"),
        (Between("pieces", 9, 1, severity="warn"), "Between: low, high: found (9, 1), expected the lower bound first"),
        (Between("pieces", severity="warn"), "Between: low, high: found None, expected at least one bound"),
        (Matches("name", "(", severity="warn"), "Matches: pattern: found '(', expected a regular expression: missing ),"
         " unterminated subpattern at position 0"),
        (OneOf("kind", (), severity="warn"), "OneOf: values: found (), expected at least one"),
        (Stable("pieces", edges=(5, 1)), "Stable: edges: found (5, 1), expected ascending numbers, each once"),
    ],
)  # fmt: skip
def test_a_value_that_no_expectation_can_have_is_a_problem(expectation: Expectation, expected: str) -> None:
    assert problem(expectation) == [f"suites: sale: {expected}"]


def test_an_unknown_entity_and_an_unknown_expectation_are_problems() -> None:
    assert problems({"sail": ()}, TABLES) == ["suites: no entity 'sail'; did you mean 'sale'?"]
    assert problem("column_values_to_be_nice") == [  # type: ignore[arg-type]
        "suites: sale: found str, expected an expectation of audience.quality.expectation"
    ]


def test_an_expectation_that_stands_twice_is_a_problem() -> None:
    assert problem(Volume(low=0.5), Volume(low=0.5)) == [
        "suites: sale: expected twice: rows are at least 0.5 times the weekday's median"
    ]


def test_a_distribution_takes_its_buckets_from_the_column() -> None:
    found = suite(SALE, {"sale": (Stable("kind"), Stable("is_new"))})
    assert found[-2:] == (Stable("kind", values=("a", "b")), Stable("is_new", values=("false", "true")))


def test_what_rejects_follows_from_the_columns() -> None:
    assert [e.words for e in suite(SALE) if e.severity == "reject"] == [
        "name is of type text", "name is known", "email is of type text", "email is one of a",
        "pieces is of type integer", "kind is of type text", "kind is one of a, b", "is_new is of type boolean",
    ]  # fmt: skip
    assert suite(SALE)[0] == Columns(SALE.names)


def test_a_line_without_its_order_is_shown_and_most_of_them_block() -> None:
    links = [e for e in SUITES["order_line"] if isinstance(e, Refers) and e.to == "order"]
    assert [(e.severity, e.mostly) for e in links] == [("warn", 1.0), ("block", 0.5)]
