"""Tidying by declaration: records whose fields are named like an entity's columns, taken by whole Arrow batches."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

from audience.core.errors import DeclarationError, nearest
from audience.core.tables import ENTITIES

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Columns:
    """A `tidy` without a function: each record is one row.

    It says the same of one record (called, like any `tidy`) and of a whole batch; so batches need no loop over rows.

    Args:
        entity: what a row is of.
        record: the TypedDict of a record. Its fields are `str`, `int`, `float` or `bool`, with `| None` where they may be
            null. A field named like a column of the entity becomes it.

    Raises:
        DeclarationError: no such entity, or a field of another type.
    """

    entity: str
    record: type

    def __post_init__(self) -> None:
        if self.entity not in ENTITIES:
            raise DeclarationError("Columns", f"no entity {self.entity!r}{nearest(self.entity, ENTITIES)}")
        if not is_typeddict(self.record):
            raise DeclarationError(
                f"Columns of {self.entity}", "expected a TypedDict that declares the record's fields"
            )
        for name, (kind, _) in self.fields.items():
            if kind not in (str, int, float, bool):
                raise DeclarationError(
                    f"{self.record.__name__}.{name}", "expected str, int, float or bool, or None beside"
                )

    def __call__(self, record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        yield self.entity, {name: record[name] for name in self.names if name in record}

    @cached_property
    def fields(self) -> dict[str, tuple[type, bool]]:
        """The type of each field, and whether it may be null."""
        return {name: _kind(hint) for name, hint in get_type_hints(self.record).items()}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields that are columns of the entity."""
        return tuple(name for name in self.fields if name in ENTITIES[self.entity].staged_names)

    @property
    def staged(self) -> "pa.Schema":
        """Of the staged file: the place of a row, the columns, the unknown fields as JSON."""
        import pyarrow as pa

        types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
        named = [(name, types[self.fields[name][0]]) for name in self.names]
        return pa.schema([("_day", pa.string()), ("_position", pa.int64()), *named, ("extra", pa.string())])

    def certain(self, batch: "pa.RecordBatch", *, longest: int) -> "pa.Array":
        """Which records are as declared, and not longer than so many bytes; the others have to be asked one by one."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = pa.repeat(True, batch.num_rows)
        none = pa.repeat(False, batch.num_rows)
        for name, (kind, may_be_null) in self.fields.items():
            if name not in batch.schema.names:
                if name in self.record.__required_keys__:  # type: ignore[attr-defined]
                    return none
                continue
            column = batch.column(name)
            if not (pa.types.is_null(column.type) or _is_of(column.type, kind)):
                return none
            if column.null_count and not may_be_null:
                rows = pc.and_(rows, column.is_valid())
        texts = [c for c in batch.columns if pa.types.is_string(c.type)]
        if sum(pc.max(pc.binary_length(text)).as_py() or 0 for text in texts) > longest:
            length = pa.repeat(0, batch.num_rows)
            for text in texts:
                length = pc.add(length, pc.fill_null(pc.binary_length(text), 0))
            rows = pc.and_(rows, pc.less_equal(length, longest))
        return rows

    def rows(
        self, batch: "pa.RecordBatch", *, day: "pa.Array", position: "pa.Array", extra: "pa.Array"
    ) -> "pa.RecordBatch":
        """The rows of certain records, as they are staged."""
        import pyarrow as pa

        found = {n: batch.column(n) for n in self.names if n in batch.schema.names}
        found |= {"_day": day, "_position": position, "extra": extra}
        nothing = pa.nulls(batch.num_rows)
        staged = self.staged
        return pa.RecordBatch.from_arrays([found.get(f.name, nothing).cast(f.type) for f in staged], schema=staged)


def _kind(hint: Any) -> tuple[type, bool]:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    (kind, *others) = [h for h in get_args(hint) if h is not type(None)]
    return (object if others else kind), type(None) in get_args(hint)


def _is_of(found: "pa.DataType", kind: type) -> bool:
    import pyarrow as pa

    if kind is float:  # a whole number is a number, as in Python
        return bool(pa.types.is_floating(found) or pa.types.is_integer(found))
    return bool({str: pa.types.is_string, int: pa.types.is_integer, bool: pa.types.is_boolean}[kind](found))
