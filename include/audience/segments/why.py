"""Why a person is, or is not, in a segment: every condition of its rule with the value that was found."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from audience.segments.rule import All, Any, Condition, Count, Not, Rule

Row = Mapping[str, object]
"""The columns that a rule may ask about and those of its windows, for one person; None where unknown."""


@dataclass(frozen=True)
class Reason:
    """One condition, where it stands in the file, what was found for the person, and whether it is satisfied."""

    place: str
    condition: Condition | Count
    found: object
    satisfied: bool


def why(rule: Rule, row: Row) -> list[Reason]:
    """Every condition in the order of the file; `holds` says what they come to."""
    return [
        Reason(place, condition, _found(condition, row), _satisfied(condition, _found(condition, row)))
        for place, condition in _conditions(rule, "members")
    ]


def holds(rule: Rule, row: Row) -> bool:
    """Whether the person is a member: what the compiled rule answers for the same row."""
    match rule:
        case All(rules):
            return all(holds(r, row) for r in rules)
        case Any(rules):
            return any(holds(r, row) for r in rules)
        case Not(part):
            return not holds(part, row)
        case Condition() | Count():
            return _satisfied(rule, _found(rule, row))


def _found(condition: Condition | Count, row: Row) -> object:
    if isinstance(condition, Count):
        return row.get(condition.window.column) or 0
    return row[condition.column]


def _conditions(rule: Rule, place: str) -> Iterator[tuple[str, Condition | Count]]:
    match rule:
        case All(rules) | Any(rules):
            group = "all" if isinstance(rule, All) else "any"
            for index, part in enumerate(rules):
                yield from _conditions(part, f"{place}.{group}[{index}]")
        case Not(part):
            yield from _conditions(part, f"{place}.not")
        case Condition() | Count():
            yield place, rule


def _satisfied(condition: Condition | Count, found: object) -> bool:
    if isinstance(condition, Count):
        return _TESTS[condition.operator](cast("float", found), cast("tuple[float, ...]", condition.operands))
    is_known = found is not None and not (isinstance(found, float) and math.isnan(found))
    if condition.operator == "known":
        return is_known == condition.value
    if not is_known:
        return condition.if_unknown == "keep"
    return _TESTS[condition.operator](cast("float", found), cast("tuple[float, ...]", condition.operands))


_TESTS: dict[str, Callable[[float, tuple[float, ...]], bool]] = {
    "is": lambda found, v: found == v[0],
    "at_least": lambda found, v: found >= v[0],
    "at_most": lambda found, v: found <= v[0],
    "above": lambda found, v: found > v[0],
    "below": lambda found, v: found < v[0],
    "between": lambda found, v: v[0] <= found <= v[1],
    "one_of": lambda found, v: found in v,
    "none_of": lambda found, v: found not in v,
}
