"""The `members` of a segment file -> Rule. `rule` documents what the forms mean."""

from audience.core.errors import DeclarationError, nearest
from audience.segments.columns import COLUMNS, can_be_unknown
from audience.segments.rule import COUNT_OPERATORS, All, Answer, Any, Condition, Count, Not, Rule
from audience.segments.value import shown
from audience.segments.window import read_window

MAX_DEPTH = 64
"""Groups and nots within one another; beyond it nobody can say what a rule means."""
MAX_CONDITIONS = 1000

_GROUPS: dict[str, type[All] | type[Any]] = {"all": All, "any": Any}
_NEVER_UNKNOWN = "expected none: a count is never unknown, what did not happen is 0"
_TURNED: dict[Answer, Answer] = {"keep": "drop", "drop": "keep"}


class RuleReader:
    """Reads one rule; what cannot be read is in `problems`, each with its place."""

    def __init__(self) -> None:
        self.problems: list[DeclarationError] = []
        self._conditions = 0

    def rule(self, found: object, place: str) -> Rule | None:
        """The rule, or None when there are problems."""
        rule = self._part(found, place, depth=0, is_turned=False)
        if self._conditions > MAX_CONDITIONS:
            self.problems.append(
                DeclarationError(place, f"found {self._conditions} conditions, expected at most {MAX_CONDITIONS}")
            )
        return None if self.problems else rule

    def _part(self, found: object, place: str, *, depth: int, is_turned: bool) -> Rule | None:
        """Goes on after a problem, so that a file shows all of them."""
        try:
            return self._node(found, place, depth=depth, is_turned=is_turned)
        except DeclarationError as error:
            self.problems.append(error)
            return None

    def _node(self, found: object, place: str, *, depth: int, is_turned: bool) -> Rule | None:
        if not isinstance(found, dict) or len(found) != 1:
            keys = f"{len(found)} keys ({', '.join(found)})" if isinstance(found, dict) and found else shown(found)
            raise DeclarationError(place, f"found {keys}, expected one condition, or one of all, any, not")
        ((key, value),) = found.items()
        if key in {*_GROUPS, "not"} and depth == MAX_DEPTH:
            raise DeclarationError(place, f"found rules more than {MAX_DEPTH} deep, expected fewer")
        if key == "not":
            return self._not(value, f"{place}.not", depth=depth + 1)
        if key in _GROUPS:
            return self._group(key, value, f"{place}.{key}", depth=depth + 1, is_turned=is_turned)
        if key == "count":
            return self._count(value, f"{place}.count")
        return self._condition(key, value, place, is_turned=is_turned)

    def _group(self, key: str, found: object, place: str, *, depth: int, is_turned: bool) -> Rule | None:
        if not isinstance(found, list) or not found:
            raise DeclarationError(place, f"found {shown(found)}, expected a list with at least one part")
        parts = [self._part(part, f"{place}[{i}]", depth=depth, is_turned=is_turned) for i, part in enumerate(found)]
        read = tuple(p for p in parts if p is not None)
        return _GROUPS[key](read) if len(read) == len(parts) else None

    def _not(self, found: object, place: str, *, depth: int) -> Rule | None:
        if not isinstance(found, dict) or "if_unknown" not in found:
            part = self._node(found, place, depth=depth, is_turned=True)
            return None if part is None else Not(part)
        rest = {k: v for k, v in found.items() if k != "if_unknown"}
        if {*rest} == {"count"}:
            raise DeclarationError(place, f"found if_unknown beside count, {_NEVER_UNKNOWN}")
        if len(rest) != 1 or {*rest} & {*_GROUPS, "not"}:
            beside = ", ".join(rest) or "nothing"
            raise DeclarationError(place, f"found if_unknown beside {beside}, expected it beside one column")
        ((column, value),) = rest.items()
        answer = _answer(found["if_unknown"], place)
        return Not(self._condition(column, value, place, is_turned=True, answer_of_not=answer))

    def _count(self, found: object, place: str) -> Count:
        self._conditions += 1
        keys = ("event", "within", *COUNT_OPERATORS)
        if not isinstance(found, dict):
            raise DeclarationError(
                place, f"found {shown(found)}, expected such as {{event: click, within: 24 h, at_least: 3}}"
            )
        if "if_unknown" in found:
            raise DeclarationError(place, f"found if_unknown, {_NEVER_UNKNOWN}")
        for key in found:
            if key not in keys:
                raise DeclarationError(place, f"no key {key!r}{nearest(key, keys)}")
        if missing := [key for key in ("event", "within") if key not in found]:
            raise DeclarationError(place, f"missing: {', '.join(missing)}")
        asked = [key for key in found if key in COUNT_OPERATORS]
        if len(asked) != 1:
            operators = f"{len(asked)} operators ({', '.join(asked)})" if asked else "no operator"
            raise DeclarationError(place, f"found {operators}, expected one of {', '.join(COUNT_OPERATORS)}")
        try:
            window = read_window(found["event"], found["within"])
        except DeclarationError as error:
            raise DeclarationError(f"{place}.{error.place}", error.problem) from None
        try:
            return Count(window, asked[0], found[asked[0]])
        except DeclarationError as error:
            raise DeclarationError(place, error.problem) from None

    def _condition(
        self, column: str, found: object, place: str, *, is_turned: bool, answer_of_not: Answer | None = None
    ) -> Condition:
        self._conditions += 1
        if column not in COLUMNS:
            raise DeclarationError(
                place, f"no column {column!r}{nearest(column, [*COLUMNS, *_GROUPS, 'not', 'count'])}"
            )
        here = f"{place}.{column}"
        asked = dict(found) if isinstance(found, dict) else {"is": found}
        own = _answer(asked.pop("if_unknown"), here) if "if_unknown" in asked else None
        if len(asked) != 1:
            found_operators = f"{len(asked)} operators ({', '.join(asked)})" if asked else "no operator"
            raise DeclarationError(here, f"found {found_operators}, expected one; more of them go under all")
        if own and answer_of_not:
            raise DeclarationError(here, "found if_unknown twice, expected it in one place")
        ((operator, value),) = asked.items()
        answer = _TURNED[answer_of_not] if answer_of_not else own
        if operator == "known":
            if answer:
                raise DeclarationError(here, "found if_unknown, expected none: known is never unknown itself")
        elif answer is None and can_be_unknown(column) and (is_turned or operator == "none_of"):
            raise DeclarationError(here, f"{column} can be unknown: say if_unknown: keep or drop")
        try:
            return Condition(column, operator, value, answer or "drop")  # type: ignore[arg-type]  # it checks the value
        except DeclarationError as error:
            raise DeclarationError(here, error.problem) from None


def _answer(found: object, place: str) -> Answer:
    if found == "keep" or found == "drop":  # noqa: PLR1714  # a membership test does not tell mypy which text it is
        return found
    raise DeclarationError(f"{place}.if_unknown", f"found {shown(found)}, expected keep or drop")
