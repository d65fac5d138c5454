"""The rule of a segment: a tree of conditions under all, any and not. Every node is true or false for every person.

A value can be unknown (null, or not a number). The question is settled where it arises, at the condition, so that
nothing unknown travels up the tree:

    value of the person     country: {one_of: [DE]}     ..., if_unknown: drop     ..., if_unknown: keep
    DE                      true                        true                      true
    FR                      false                       false                     false
    unknown                 false                       false                     true

Under a `not` the same answers turn round, and "everybody who is not in DE" would silently contain, or leave out,
whoever did not say. So a file must answer there, and for `none_of`: beside the column inside the `not`, where the
answer is about the `not`, or within the condition, where it is about the condition.

    value of the person     not: {country: {one_of: [DE]}, if_unknown: keep}      ..., if_unknown: drop}
    DE                      false                                                 false
    FR                      true                                                  true
    unknown                 true                                                  false

    `not: {country: {one_of: [DE]}, if_unknown: keep}` is `not: {country: {one_of: [DE], if_unknown: drop}}`.

The tree holds the second form only: `Not` needs no answer of its own. `known: true` and `known: false` ask whether
there is a value, and so are never unknown themselves. Nor is a count of events (`window`): nothing that happened is 0.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from audience.core.errors import DeclarationError, nearest
from audience.core.table import Column
from audience.segments.columns import OPERATORS, column_named
from audience.segments.value import Value, shown, typed
from audience.segments.window import Window

Answer = Literal["keep", "drop"]
"""What an unknown value means: it satisfies (keep), or it does not (drop)."""


@dataclass(frozen=True)
class Condition:
    """One question about one column.

    Args:
        operator: `is`; `at_least`, `at_most` (included), `above`, `below` (not included); `between` (two bounds, both
            included); `one_of`, `none_of` (a list); `known` (true: there is a value; false: there is none).
        value: in any form a file may hold it; kept in the column's exact type, lists as tuples.
        if_unknown: what an unknown value means for this condition.

    Raises:
        DeclarationError: no such column, an operator that its type does not have, or a value it cannot have.
    """

    column: str
    operator: str
    value: Value | tuple[Value, ...]
    if_unknown: Answer = "drop"

    def __post_init__(self) -> None:
        column = column_named(self.column)
        operators = OPERATORS[column.type]
        if self.operator not in operators:
            raise DeclarationError(
                self.column,
                f"no operator {self.operator!r} for {column.type}{nearest(self.operator, operators)}",
            )
        object.__setattr__(self, "value", _operand(column, self.operator, self.value))

    def __str__(self) -> str:
        words = [str(v).lower() if isinstance(v, bool) else str(v) for v in self.operands]
        listed = f"[{', '.join(words)}]" if isinstance(self.value, tuple) else words[0]
        return f"{self.column} {self.operator} {listed}"

    @property
    def operands(self) -> tuple[Value, ...]:
        """The value as a tuple, also when it is one value."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


@dataclass(frozen=True)
class Count:
    """One question about how often something happened.

    Args:
        window: which events, within how long before the end of the partition.
        operator: `is`, `at_least`, `at_most`, `above`, `below`, `between`.
        value: whole numbers, as a file may hold them; the bounds of `between` as a tuple.

    Raises:
        DeclarationError: no such operator, no such number, or a question that everybody answers with yes.
    """

    window: Window
    operator: str
    value: Value | tuple[Value, ...]

    def __post_init__(self) -> None:
        if self.operator not in COUNT_OPERATORS:
            raise DeclarationError("count", f"no operator {self.operator!r}{nearest(self.operator, COUNT_OPERATORS)}")
        object.__setattr__(self, "value", _operand(_TIMES, self.operator, self.value))
        if (self.operator, self.value) == ("at_least", 0):
            raise DeclarationError("count", "found at_least 0, which is true for everybody; expected at least 1")

    def __str__(self) -> str:
        listed = f"[{', '.join(map(str, self.operands))}]" if isinstance(self.value, tuple) else str(self.value)
        return f"{self.window.column} {self.operator} {listed}"

    @property
    def operands(self) -> tuple[Value, ...]:
        """The value as a tuple, also when it is one value."""
        return self.value if isinstance(self.value, tuple) else (self.value,)


COUNT_OPERATORS = ("at_least", "at_most", "above", "below", "between", "is")

_TIMES = Column("count", "integer", "how often it happened", required=True, at_least=0)


@dataclass(frozen=True)
class All:
    """True when every part is true."""

    rules: tuple["Rule", ...]

    def __post_init__(self) -> None:
        _not_empty("all", self.rules)


@dataclass(frozen=True)
class Any:
    """True when at least one part is true."""

    rules: tuple["Rule", ...]

    def __post_init__(self) -> None:
        _not_empty("any", self.rules)


@dataclass(frozen=True)
class Not:
    """True when its part is false."""

    rule: "Rule"


Rule = All | Any | Not | Condition | Count


def windows_of(rules: Iterable[Rule]) -> tuple[Window, ...]:
    """Every window that some rules ask about, sorted, each once."""
    return tuple(sorted({window for rule in rules for window in _windows(rule)}))


def _windows(rule: Rule) -> Iterator[Window]:
    match rule:
        case All(rules) | Any(rules):
            for part in rules:
                yield from _windows(part)
        case Not(part):
            yield from _windows(part)
        case Count(window):
            yield window


def definition_hash(rule: Rule) -> str:
    """SHA-256 of the canonical JSON of a rule: the same for two files that differ in layout, comments or words only."""
    return hashlib.sha256(json.dumps(_plain(rule), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(rule: Rule) -> object:
    match rule:
        case All(rules):
            return {"all": [_plain(r) for r in rules]}
        case Any(rules):
            return {"any": [_plain(r) for r in rules]}
        case Not(part):
            return {"not": _plain(part)}
        case Condition(column, operator, _, if_unknown):
            values = [v if isinstance(v, str | bool) else str(v) for v in rule.operands]
            return {"column": column, "operator": operator, "value": values, "if_unknown": if_unknown}
        case Count(window, operator):
            values = [str(v) for v in rule.operands]
            return {"events": window.events, "seconds": window.seconds, "operator": operator, "value": values}


def _operand(column: Column, operator: str, found: object) -> Value | tuple[Value, ...]:
    if operator == "known":
        if not isinstance(found, bool):
            raise DeclarationError(column.name, f"known: found {shown(found)}, expected true or false")
        return found
    if operator == "between":
        return _bounds(column, found)
    if operator in {"one_of", "none_of"}:
        if not isinstance(found, list | tuple) or not found:
            problem = f"{operator}: found {shown(found)}, expected a list with at least one value"
            raise DeclarationError(column.name, problem)
        return tuple(typed(column, v) for v in found)
    return typed(column, found)


def _bounds(column: Column, found: object) -> tuple[Value, Value]:
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise DeclarationError(column.name, f"between: found {shown(found)}, expected two bounds such as [1, 5]")
    low, high = (typed(column, v) for v in found)
    if low > high:  # type: ignore[operator]  # both are of the column's type, and a text has no `between`
        raise DeclarationError(column.name, f"between: found [{low}, {high}], expected the lower bound first")
    return low, high


def _not_empty(group: str, rules: tuple[Rule, ...]) -> None:
    if not rules:
        raise DeclarationError(group, "found nothing, expected at least one part")
