"""The compiled rule, the explained rule and a plain reference agree on every rule and every person."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.segments.compile import compile_rule
from audience.segments.rule import All, Any, Condition, Not, Rule
from audience.segments.why import holds
from segments.rules import RULES, a_row, is_member, rows, table_of

ORACLE = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def members(duck: Backend, rule: Rule, people: list[dict[str, object]]) -> list[bool]:
    """What the engine answers for each person; explaining must come to the same."""
    table = table_of(people)
    found = table.select("person_id", answer=compile_rule(rule, table))
    answers = {r["person_id"]: r["answer"] for r in duck.to_pyarrow(found).to_pylist()}
    answered = [answers[f"p{i}"] for i in range(len(people))]
    assert answered == [holds(rule, p) for p in people]
    return answered


@ORACLE
@given(rule=RULES, people=st.lists(rows(), min_size=1, max_size=8))
def test_engine_and_reference_agree(duck: Backend, rule: Rule, people: list[dict[str, object]]) -> None:
    assert members(duck, rule, people) == [is_member(rule, p) for p in people]


@ORACLE
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_a_value_and_never_sql(duck: Backend, text: str) -> None:
    people = [a_row(country=text), a_row(country=text + "x"), a_row(country=None)]
    assert members(duck, Condition("country", "is", text), people) == [True, False, False]
    assert members(duck, Condition("country", "none_of", (text,), "keep"), people) == [False, True, True]


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE features; --", "' OR '1'='1", "$$", "?", ":x", "%s", "{x}", "\\'", "\0"]
)
def test_sql_in_a_value_is_only_a_text(duck: Backend, text: str) -> None:
    assert members(duck, Condition("country", "is", text), [a_row(country=text), a_row(country="DE")]) == [True, False]


IN_DE = ("country", "one_of", ("DE",))


@pytest.mark.parametrize(
    ("rule", "in_de", "in_fr", "unknown"),
    [
        (Condition(*IN_DE), True, False, False),
        (Condition(*IN_DE, "keep"), True, False, True),
        (Not(Condition(*IN_DE, "drop")), False, True, True),
        (Not(Condition(*IN_DE, "keep")), False, True, False),
        (Condition("country", "none_of", ("DE",), "drop"), False, True, False),
        (Condition("country", "none_of", ("DE",), "keep"), False, True, True),
        (Condition("country", "known", True), True, True, False),
        (Condition("country", "known", False), False, False, True),
        (Not(Condition("country", "known", False)), True, True, False),
    ],
)
def test_the_truth_table(duck: Backend, rule: Rule, in_de: bool, in_fr: bool, unknown: bool) -> None:
    people = [a_row(country="DE"), a_row(country="FR"), a_row(country=None)]
    assert members(duck, rule, people) == [in_de, in_fr, unknown]


def test_bounds_of_between_are_included(duck: Backend) -> None:
    people = [a_row(recency_days=d) for d in (6, 7, 60, 61)]
    assert members(duck, Condition("recency_days", "between", (7, 60)), people) == [False, True, True, False]


def test_above_and_below_leave_their_bound_out(duck: Backend) -> None:
    people = [a_row(recency_days=d) for d in (6, 7, 8)]
    assert members(duck, Condition("recency_days", "above", 7), people) == [False, False, True]
    assert members(duck, Condition("recency_days", "below", 7), people) == [True, False, False]


def test_a_cent_decides(duck: Backend) -> None:
    people = [a_row(spend_30d_eur=Decimal(d)) for d in ("99.99", "100.00", "100.01")]
    assert members(duck, Condition("spend_30d_eur", "above", 100), people) == [False, False, True]


def test_not_a_number_is_unknown_and_not_the_largest_number(duck: Backend) -> None:
    people = [a_row(p_buy_30d=float("nan")), a_row(p_buy_30d=0.9)]
    assert members(duck, Condition("p_buy_30d", "at_least", 0.35), people) == [False, True]
    assert members(duck, Condition("p_buy_30d", "known", True), people) == [False, True]


def test_a_thousand_conditions_in_one_group_are_no_deep_recursion(duck: Backend) -> None:
    rule = Any(tuple(Condition("recency_days", "is", d) for d in range(1000)))
    assert members(duck, rule, [a_row(recency_days=999), a_row(recency_days=1000)]) == [True, False]


def test_sixty_four_levels_of_wide_groups_are_no_deep_recursion(duck: Backend) -> None:
    rule: Rule = Condition("recency_days", "is", 7)
    for level in range(64):
        wide = tuple(Condition("recency_days", "is", 100 + level) for _ in range(14))
        rule = (
            Not(rule)
            if level % 3 == 2
            else Any((*wide, rule))
            if level % 3
            else All((Not(wide[0]), rule, Not(Any(wide))))
        )
    people = [a_row(recency_days=d) for d in (7, 8, 100, 163)]
    assert members(duck, rule, people) == [is_member(rule, p) for p in people]
