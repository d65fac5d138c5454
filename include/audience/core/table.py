"""What a table is: a name, a grain, typed columns with units, a key, and which columns are personal data."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self

import ibis
import ibis.expr.datatypes as dt

from audience.core.errors import DeclarationError, NotOfTheTable, nearest

Type = Literal["text", "integer", "decimal", "real", "boolean", "instant", "day"]

Form = Literal["words", "category", "country", "currency", "e164", "seconds", "percent"]
"""The normal forms of `audience.core.normal` that a column may take."""

IBIS_TYPES: dict[Type, dt.DataType] = {
    "text": dt.string,
    "integer": dt.int64,
    # Money is exact: sums of decimals do not depend on the order of the rows, sums of floats do.
    "decimal": dt.Decimal(18, 2),
    "real": dt.float64,
    "boolean": dt.boolean,
    "instant": dt.Timestamp(timezone="UTC"),
    "day": dt.date,
}


@dataclass(frozen=True)
class Column:
    """One column: its type, its unit or nature, and what its values may be.

    Args:
        doc: what a value means, with its unit.
        required: a row without it is refused.
        personal: a direct identifier; such columns stay in raw tables, quarantine and the vault.
        at_least, at_most: bounds, both included.
        one_of: the allowed values.
        matches: a regular expression every value must match.
        keyed_hash_of: the staged field this column is a keyed hash of. A field that is hashed and not declared itself
            is gone once the rows are published.
        form: the normal form that the values are put into before anything is asked of them.
        normal_of: the staged field this column is the normal form of, where that is kept beside it as it came.
        synonyms: other words for the values of `one_of`, as a category is folded (lower case, `_` for spaces).
        priced_on: of an amount that comes in the currency of the row (`currency`, EUR where it is null) and is kept in
            EUR: the instant whose day's exchange rate applies.
        if_unusable: what becomes of a row whose value has no normal form, or breaks a bound or rule of its column:
            it is refused, or the value is unknown.
    """

    name: str
    type: Type
    doc: str
    required: bool = False
    personal: bool = False
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[str, ...] | None = None
    matches: str | None = None
    keyed_hash_of: str | None = None
    form: Form | None = None
    normal_of: str | None = None
    synonyms: tuple[tuple[str, str], ...] = ()
    priced_on: str | None = None
    if_unusable: Literal["refuse", "null"] = "refuse"

    def __post_init__(self) -> None:
        if self.required and self.if_unusable == "null":
            raise DeclarationError(self.name, "is required, expected if_unusable='refuse'")

    @property
    def staged_name(self) -> str:
        """The field of a source's row that the values come from."""
        return self.keyed_hash_of or self.normal_of or self.name

    @property
    def ibis_type(self) -> dt.DataType:
        return IBIS_TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """A declared table of the lake. Every reader and writer is checked against it.

    Args:
        name: its address: `raw_shop__order`, `features`.
        grain: what one row is.
        key: the columns that name a row within a partition.
        version_of: the columns whose newest version counts as a whole; the key unless said otherwise. An order that
            comes again without one of its lines takes that line away, so order lines are versioned by their order.
        keeps_generations: true for raw tables: writing a partition again adds to what is known instead of replacing it.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    version_of: tuple[str, ...] = ()
    keeps_generations: bool = False

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if repeated := {n for n in names if names.count(n) > 1}:
            raise DeclarationError(self.name, f"column declared twice: {', '.join(sorted(repeated))}")
        if not self.version_of:
            object.__setattr__(self, "version_of", self.key)
        for part in {*self.key, *self.version_of}:
            if not self.column(part).required:
                raise DeclarationError(f"{self.name}.{part}", "is part of the key, expected required=True")

    def column(self, name: str) -> Column:
        """Raises DeclarationError with the nearest name when there is no such column."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DeclarationError(self.name, f"no column {name!r}{nearest(name, self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def schema(self) -> ibis.Schema:
        return ibis.schema({c.name: c.ibis_type for c in self.columns})

    @property
    def personal(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns if c.personal)

    def named(self, name: str, *, keeps_generations: bool = False) -> Self:
        """The same columns under another address: an entity becomes the raw table of a source."""
        return replace(self, name=name, keeps_generations=keeps_generations)

    @property
    def staged_names(self) -> tuple[str, ...]:
        """What a source yields: the declared columns, with the fields that are hashed in the place of their hashes."""
        return tuple(dict.fromkeys(c.staged_name for c in self.columns))

    def conform(self, rows: ibis.Table, *, beside: tuple[str, ...] = ()) -> ibis.Table:
        """Rows with exactly the declared columns, in order and in the declared types, and the columns `beside` them.

        Raises:
            NotOfTheTable: a column is missing or nobody declared it.
        """
        self._same_names(set(rows.columns) - set(beside))
        return rows.select(*(rows[c.name].cast(c.ibis_type).name(c.name) for c in self.columns), *beside)

    def _same_names(self, found: Iterable[str]) -> None:
        names = set(found)
        for unknown in sorted(names - set(self.names)):
            raise NotOfTheTable(f"{self.name}: no column {unknown!r}{nearest(unknown, self.names)}")
        if missing := sorted(set(self.names) - names):
            raise NotOfTheTable(f"{self.name}: column {missing[0]!r} is missing ({len(missing)} in all)")
