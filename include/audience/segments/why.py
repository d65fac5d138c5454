"""Why a person is, or is not, in a segment: every condition of its rule with the value that was found."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from audience.segments.rule import All, Any, Condition, Not, Rule

Row = Mapping[str, object]
"""The columns that a rule may ask about, for one person; None where unknown."""


@dataclass(frozen=True)
class Reason:
    """One condition, where it stands in the file, what was found for the person, and whether it is satisfied."""

    place: str
    condition: Condition
    found: object
    satisfied: bool


def why(rule: Rule, row: Row) -> list[Reason]:
    """Every condition in the order of the file; `holds` says what they come to."""
    return [
        Reason(place, condition, row[condition.column], _satisfied(condition, row[condition.column]))
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
        case Condition():
            return _satisfied(rule, row[rule.column])


def _conditions(rule: Rule, place: str) -> Iterator[tuple[str, Condition]]:
    match rule:
        case All(rules) | Any(rules):
            group = "all" if isinstance(rule, All) else "any"
            for index, part in enumerate(rules):
                yield from _conditions(part, f"{place}.{group}[{index}]")
        case Not(part):
            yield from _conditions(part, f"{place}.not")
        case Condition():
            yield place, rule


def _satisfied(condition: Condition, found: object) -> bool:
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
