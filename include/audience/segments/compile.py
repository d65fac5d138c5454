"""A rule as one Ibis expression: the same on DuckDB and on Spark. Values travel as literals, never as SQL text."""

import heapq
from collections.abc import Callable
from itertools import count
from operator import and_, or_

import ibis
import ibis.expr.types as ir

from audience.segments.columns import COLUMNS
from audience.segments.rule import All, Any, Condition, Count, Not, Rule

Depth = int


def compile_rule(rule: Rule, people: ibis.Table) -> ir.BooleanValue:
    """True or false, never null, for every row of `people` (one row per person, with every column that the rule asks)."""
    return _compiled(rule, people)[1]


def _compiled(rule: Rule, people: ibis.Table) -> tuple[Depth, ir.BooleanValue]:
    match rule:
        case All(rules):
            return _joined([_compiled(r, people) for r in rules], and_)
        case Any(rules):
            return _joined([_compiled(r, people) for r in rules], or_)
        case Not(part):
            depth, expression = _compiled(part, people)
            return depth + 1, ~expression
        case Condition():
            return 1, _condition(rule, people)
        case Count(window, operator):
            happened = people[window.column].fill_null(0)
            return 1, _TESTS[operator](happened, [ibis.literal(v, type="int64") for v in rule.operands])


def _joined(
    parts: list[tuple[Depth, ir.BooleanValue]],
    operator: Callable[[ir.BooleanValue, ir.BooleanValue], ir.BooleanValue],
) -> tuple[Depth, ir.BooleanValue]:
    """Joins the two shallowest expressions until one is left.

    A chain of 1,000 would be 1,000 deep, and engines walk expressions recursively; this tree is as flat as can be.
    """
    order = count()  # ties keep the order of the file, and expressions are never compared
    heap = [(depth, next(order), expression) for depth, expression in parts]
    heapq.heapify(heap)
    while len(heap) > 1:
        _, _, left = heapq.heappop(heap)
        depth, _, right = heapq.heappop(heap)
        heapq.heappush(heap, (depth + 1, next(order), operator(left, right)))
    depth, _, expression = heap[0]
    return depth, expression


def _condition(condition: Condition, people: ibis.Table) -> ir.BooleanValue:
    column = COLUMNS[condition.column]
    asked = people[condition.column]
    if column.type == "real":  # not a number is not a value; DuckDB would call it larger than every number
        asked = asked.isnan().ifelse(ibis.null(column.ibis_type), asked)
    if condition.operator == "known":
        return asked.notnull() if condition.value else asked.isnull()
    literals = [ibis.literal(v, type=column.ibis_type) for v in condition.operands]
    return _TESTS[condition.operator](asked, literals).fill_null(condition.if_unknown == "keep")


_TESTS: dict[str, Callable[[ir.Value, list[ir.Scalar]], ir.BooleanValue]] = {
    "is": lambda asked, v: asked == v[0],
    "at_least": lambda asked, v: asked >= v[0],
    "at_most": lambda asked, v: asked <= v[0],
    "above": lambda asked, v: asked > v[0],
    "below": lambda asked, v: asked < v[0],
    "between": lambda asked, v: asked.between(v[0], v[1]),
    "one_of": lambda asked, v: asked.isin(v),
    "none_of": lambda asked, v: ~asked.isin(v),
}
