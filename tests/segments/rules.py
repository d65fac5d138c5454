"""Random rules and random people, and a reference that says who is a member, written as plainly as possible."""

import math
from decimal import Decimal
from typing import Any as Anything

import ibis
import pyarrow as pa
from hypothesis import strategies as st

from audience.core.tables import FEATURES, SCORES
from audience.segments.columns import COLUMNS
from audience.segments.rule import All, Any, Condition, Not, Rule

SCHEMA = ibis.schema({"person_id": "string"} | {n: c.ibis_type for n, c in COLUMNS.items()})

TEXTS = st.sampled_from(
    ["DE", "FR", "", "'", "''; DROP TABLE x; --", '"', "\\", "%", "NULL", "é", "e\u0301", "😀", "\u2028", "a\nb"]
)
ASKED = st.sampled_from(
    [
        "country",
        "cluster",
        "is_customer",
        "recency_days",
        "monetary_score",
        "spend_30d_eur",
        "basket_365d_eur",
        "p_buy_30d",
    ]
)
"""Columns of every type, with and without nulls; few, so that random rules and people often meet."""


def a_value(column: str) -> st.SearchStrategy[Anything]:
    """A value that the column may have."""
    match COLUMNS[column].type:
        case "text":
            return TEXTS | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(-3, 8)
        case "decimal":
            return st.sampled_from([Decimal("-0.01"), Decimal(0), Decimal("0.01"), Decimal("99.99"), Decimal(100)])
        case _:
            return (
                st.sampled_from([0.0, 0.1, 0.3, 0.35, 1.0])
                if column == "p_buy_30d"
                else st.sampled_from([-0.0, 0.1, 0.3, 99.99])
            )


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    column = draw(ASKED)
    kind = COLUMNS[column].type
    operators = ["is", "known"]
    operators += ["one_of", "none_of"] if kind != "boolean" else []
    operators += ["at_least", "at_most", "above", "below", "between"] if kind not in {"text", "boolean"} else []
    operator = draw(st.sampled_from(operators))
    value = a_value(column)
    match operator:
        case "known":
            operand = draw(st.booleans())
        case "between":
            operand = tuple(sorted([draw(value), draw(value)]))
        case "one_of" | "none_of":
            operand = tuple(draw(st.lists(value, min_size=1, max_size=4)))
        case _:
            operand = draw(value)
    return Condition(column, operator, operand, draw(st.sampled_from(["keep", "drop"])))


RULES: st.SearchStrategy[Rule] = st.recursive(
    conditions(),
    lambda part: (
        st.builds(All, st.lists(part, min_size=1, max_size=4).map(tuple))
        | st.builds(Any, st.lists(part, min_size=1, max_size=4).map(tuple))
        | st.builds(Not, part)
    ),
    max_leaves=12,
)


def a_row(**known: object) -> dict[str, object]:
    """A person of whom nothing is known but what is said, and that some columns are never unknown."""
    always: dict[str, object] = {
        c.name: {"boolean": False, "integer": 0, "decimal": Decimal(0)}[c.type]
        for c in (*FEATURES.columns, *SCORES.columns)
        if c.required and c.name != "person_id"
    }
    return dict.fromkeys(SCHEMA.names) | always | {"person_id": "p1"} | known


@st.composite
def rows(draw: st.DrawFn) -> dict[str, object]:
    found = {
        c: draw(st.none() | a_value(c))
        for c in ["country", "cluster", "recency_days", "monetary_score", "basket_365d_eur"]
    }
    not_a_number = draw(st.sampled_from([None, math.nan, 0.35, 0.0]))
    return a_row(
        **found,
        p_buy_30d=not_a_number,
        is_customer=draw(st.booleans()),
        spend_30d_eur=draw(a_value("spend_30d_eur")),
    )


def table_of(people: list[dict[str, object]]) -> ibis.Table:
    numbered = [row | {"person_id": f"p{i}"} for i, row in enumerate(people)]
    return ibis.memtable(
        pa.Table.from_pylist(numbered, schema=SCHEMA.to_pyarrow())
    )  # keeps null and not-a-number apart


def is_member(rule: Rule, row: dict[str, object]) -> bool:
    """The truth table of `rule`, once more."""
    if isinstance(rule, All):
        return all(is_member(r, row) for r in rule.rules)
    if isinstance(rule, Any):
        return any(is_member(r, row) for r in rule.rules)
    if isinstance(rule, Not):
        return not is_member(rule.rule, row)
    x: Anything = row[rule.column]
    v: Anything = rule.value
    unknown = x is None or x != x  # noqa: PLR0124  # only not-a-number differs from itself
    if rule.operator == "known":
        return unknown is not v
    if unknown:
        return rule.if_unknown == "keep"
    answers = {
        "is": lambda: x == v,
        "at_least": lambda: not x < v,
        "at_most": lambda: not x > v,
        "above": lambda: x > v,
        "below": lambda: x < v,
        "between": lambda: not x < v[0] and not x > v[1],
        "one_of": lambda: any(x == one for one in v),
        "none_of": lambda: all(x != one for one in v),
    }
    return bool(answers[rule.operator]())
