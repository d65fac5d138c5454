"""What a record must look like: the TypedDict that `tidy` takes. Drift is found by comparing, never by guessing."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_type_hints

from typing_extensions import is_typeddict

from audience.core.errors import DeclarationError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_EXPECTED = {
    "string_type": "text",
    "int_type": "whole number",
    "float_type": "number",
    "bool_type": "true or false",
    "list_type": "list",
    "dict_type": "object",
    "none_required": "null",
}
"""Error types of pydantic in this project's words."""

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"), (str, "text"), (int, "whole number"), (float, "number"), (list, "list"), (dict, "object"),
)  # fmt: skip


@dataclass(frozen=True)
class Schema:
    """The fields of a record, with their types, as a TypedDict declares them."""

    type: type
    fields: tuple[str, ...]
    _checker: "TypeAdapter[Any]"

    @classmethod
    def taken_by(cls, tidy: Callable[..., Any]) -> "Schema":
        """The annotation of the only argument of a `tidy`.

        Raises:
            DeclarationError: it is no TypedDict (of `typing_extensions`).
        """
        (name,) = inspect.signature(tidy).parameters
        hint = get_type_hints(tidy).get(name)
        if not is_typeddict(hint):
            raise DeclarationError(f"{tidy.__name__}({name})", "expected a TypedDict that declares the record's fields")
        return cls.of(hint)

    @classmethod
    def of(cls, record: Any) -> "Schema":
        """A TypedDict (of `typing_extensions`)."""
        from pydantic import ConfigDict, TypeAdapter

        # Strict: a number where a text was declared is drift, although Python could convert it.
        record.__pydantic_config__ = ConfigDict(strict=True, extra="allow")
        return cls(record, tuple(get_type_hints(record)), TypeAdapter(record))

    def problem(self, record: Any) -> str | None:
        """What differs first, in words that never hold a value: `address.city: expected text, found list`."""
        from pydantic import ValidationError

        try:
            self._checker.validate_python(record)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = [p for p in first["loc"] if not _is_branch(p)]
            path = ".".join(str(p) for p in place) or "the record"
            if first["type"] == "missing":
                return f"no field '{path}'"
            expected = _EXPECTED.get(first["type"], "object" if "dict" in first["type"] else "another type")
            return f"{path}: expected {expected}, found {_kind(_at(record, place))}"
        return None

    def added(self, record: dict[str, Any], ignored: tuple[str, ...]) -> dict[str, Any]:
        """The fields that are neither declared nor ignored: the system has more than when its file was written."""
        if record.keys() <= self._known:
            return {}
        return {k: v for k, v in record.items() if k not in self._known and k not in ignored}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.fields)


def _is_branch(part: object) -> bool:
    """True for the member of a union that pydantic adds to the place."""
    return isinstance(part, str) and ("[" in part or part in ("str", "int", "float", "bool", "none"))


def _at(record: Any, place: list[Any]) -> Any:
    for part in place:
        try:
            record = record[part]
        except (KeyError, IndexError, TypeError):
            return record
    return record


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null" if value is None else "another type")
