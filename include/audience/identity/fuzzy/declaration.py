"""The rules of matching, declared: how pairs are found, compared and judged."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from audience.core.errors import DeclarationError, nearest

COLUMNS = ("first_name", "last_name", "birth_date", "address", "postal_code", "city", "email", "phone", "reference")
"""What records can be compared by; records need not have all of them."""

KEYS = {
    "names": ("first_name", "last_name"),
    "last_sound": ("last_name",),
    "first_sound": ("first_name",),
    "first_letter": ("first_name",),
    "last_letter": ("last_name",),
    "birth_year": ("birth_date",),
    "mailbox": ("email",),
    "street": ("address",),
}
"""What blocks can be made of beside the columns, and the columns it is made from (`forms.blocked`)."""

HOW = {
    "first_name": ("different", "similar", "close", "variant", "swapped", "same"),
    "last_name": ("different", "similar", "close", "variant", "same"),
    "date": ("different", "one part", "close", "same"),
    "code": ("different", "close", "same"),
    "address": ("different", "similar", "close", "same"),
    "town": ("different", "same area", "similar", "close", "one same", "same"),
    "email": (
        "different",
        "called as owners",
        "called as owners at one provider",
        "close",
        "same mailbox name",
        "same",
    ),
}
"""Ways of comparing and their levels, which are numbered from 0; -1 says that a value is not known."""

OF_SEVERAL = {"town": ("postal_code", "city")}
"""What is compared as one because its parts follow from each other: a town has few postal codes. Compared one by one they
would say the same thing twice, and learning without labels would take neighbours for one person."""


@dataclass(frozen=True)
class Block:
    """Records with the same values of all these columns and keys are compared.

    Args:
        on: columns and keys.
        then: a block of too many records is divided by the first of these, its parts by the next, and so on. So a rule
            finds much in few records, and does not cost the square of many.
        most_records: a block of more, after all divisions, is set aside: what so many share says little. Its records may
            still meet in another block.
    """

    on: tuple[str, ...]
    then: tuple[str, ...] = ()
    most_records: int = 30

    @property
    def name(self) -> str:
        return " + ".join(self.on)


@dataclass(frozen=True)
class Comparison:
    """One question about a pair.

    Args:
        column: the compared column, or one of OF_SEVERAL; it names the comparison.
        how: one of HOW.
        common_values: whether agreeing on a common value says less than on a rare one.
        no_relative_from: the least level that tells one person from two of a family; None where none does. Relatives have a
            last name, an address, a telephone and the pattern of their mailboxes in common, which the model takes for that
            many independent signs of one person.
    """

    column: str
    how: str
    common_values: bool = False
    no_relative_from: str | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        return HOW[self.how]

    @property
    def columns(self) -> tuple[str, ...]:
        return OF_SEVERAL.get(self.column, (self.column,))


@dataclass(frozen=True)
class Rules:
    """Everything that decides which pairs are one person.

    Args:
        accept: match probability from which a pair is one person. Where the first names are different, a comparison has to
            reach its `no_relative_from` beside, else a person is asked.
        review: match probability from which a person is asked; below it the pair is refused.
    """

    blocks: tuple[Block, ...]
    comparisons: tuple[Comparison, ...]
    accept: float = 0.95
    review: float = 0.5

    def __post_init__(self) -> None:
        for i, block in enumerate(self.blocks):
            for part in (*block.on, *block.then):
                _known(f"blocks[{i}]", part, (*COLUMNS, *KEYS))
        for i, comparison in enumerate(self.comparisons):
            _known(f"comparisons[{i}].column", comparison.column, (*COLUMNS, *OF_SEVERAL))
            _known(f"comparisons[{i}].how", comparison.how, HOW)
            if comparison.no_relative_from is not None:
                _known(f"comparisons[{i}].no_relative_from", comparison.no_relative_from, comparison.levels)
        if not 0 < self.review <= self.accept < 1:
            raise DeclarationError(
                "match rules: review, accept",
                f"found {self.review} and {self.accept}, expected 0 < review <= accept < 1",
            )

    @property
    def parts(self) -> tuple[str, ...]:
        """The columns and keys that blocks are made of."""
        return tuple(sorted({part for block in self.blocks for part in (*block.on, *block.then)}))

    def of_columns(self, columns: Collection[str]) -> "Rules":
        """The rules that records with these columns only can be asked.

        Raises:
            DeclarationError: no block or fewer than two comparisons are left.
        """
        known = {key for key in (*COLUMNS, *KEYS) if set(KEYS.get(key, (key,))) <= set(columns)}
        blocks = tuple(
            replace(b, then=tuple(t for t in b.then if t in known)) for b in self.blocks if set(b.on) <= known
        )
        comparisons = tuple(c for c in self.comparisons if set(c.columns) & set(columns))
        if not blocks or len(comparisons) < 2:
            found = ", ".join(sorted(set(columns) & set(COLUMNS))) or "none of them"
            raise DeclarationError(
                "match rules",
                f"the records have {found}, expected the columns of at least one block "
                f"({'; '.join(b.name for b in self.blocks)}) and two compared columns",
            )
        return replace(self, blocks=blocks, comparisons=comparisons)

    @property
    def fingerprint(self) -> str:
        """Changes when anything declared changes, or what the levels of a way of comparing are."""
        told = asdict(self) | {"levels": [c.levels for c in self.comparisons]}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> "Rules":
        """Raises DeclarationError for a key that rules do not have."""
        try:
            blocks = tuple(Block(**b | {"on": tuple(b["on"]), "then": tuple(b["then"])}) for b in told["blocks"])
            comparisons = tuple(Comparison(**c) for c in told["comparisons"])
            return cls(**told | {"blocks": blocks, "comparisons": comparisons})
        except (TypeError, KeyError) as error:
            raise DeclarationError("match rules", f"found other keys than expected: {error}") from error


def _known(place: str, found: str, known: Collection[str]) -> None:
    if found not in known:
        raise DeclarationError(f"match rules: {place}", f"no {found!r}{nearest(found, known)}")
