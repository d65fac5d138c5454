"""Which columns are imputed, and how."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from audience.core.errors import DeclarationError, nearest
from audience.core.table import Column, Table
from audience.core.tables import CONSENT, CONTACT, DERIVED, ENTITIES, FEATURES

Strategy = Literal["median", "mean", "most_frequent", "iterative", "knn"]
"""Of all people, or of a group: the median, the mean, the most frequent value. `iterative`: a regression on other columns,
whose own gaps are filled the same way. `knn`: the mean of the 15 people who are nearest in other columns."""

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
"""The simplest first. Of a regression coefficients are kept; of `knn` the values of people, without who they are."""

READS_OTHERS = ("knn", "iterative")
"""Strategies that need other columns of a person."""

SCALES: Mapping[str, tuple[str, ...]] = {
    "kids": ("0", "1", "2", "3+"),
    "income_band": ("Under 15K", "15-24K", "25-34K", "35-49K", "50-74K", "75-99K", "100-124K", "125-149K", "150-174K",
                    "175-199K", "200-249K", "250K+"),
}  # fmt: skip
"""Texts that are steps of a scale, the lowest first: they can be averaged and be learned from."""

ADDRESS = ("country", "region")
"""Columns of FEATURES that are parts of a postal address."""

TOLD = ("age_years", "gender", "income_band", "kids", "nps", "area_median_income_eur", "area_poverty_percent")
"""What people tell, or statistics say of where they live. Of every other column, unknown means that it never happened."""


@dataclass(frozen=True)
class Impute:
    """One column of FEATURES whose unknown values are guessed.

    Args:
        by: a text column: each of its values has a guess of its own where enough people are known, see `learning`.
        beside: what `knn` and `iterative` read: numbers, booleans, and texts of SCALES.

    Raises:
        DeclarationError: the column is never imputed (an identifier, a contact point, consent, or a fact), is not of
            FEATURES, or cannot be imputed in that way.
    """

    column: str
    strategy: Strategy
    by: str | None = None
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        place = f"impute.{self.column}"
        if reason := _never(self.column):
            raise DeclarationError(place, f"{reason}, and that is never imputed; can be: {', '.join(TOLD)}")
        declared = FEATURES.column(self.column)
        if self.strategy not in STRATEGIES:
            raise DeclarationError(place, f"no strategy {self.strategy!r}{nearest(self.strategy, STRATEGIES)}")
        if not is_ordered(declared) and self.strategy != "most_frequent":
            raise DeclarationError(place, f"its values have no order (SCALES), found {self.strategy!r}, expected"
                                          " 'most_frequent'")  # fmt: skip
        if self.by is not None and FEATURES.column(self.by).type != "text":
            raise DeclarationError(place, f"by {self.by!r}: found {FEATURES.column(self.by).type}, expected a text")
        if self.reads_others != bool(self.beside):
            raise DeclarationError(place, f"{self.strategy!r} reads {'other' if self.reads_others else 'no other'}"
                                          f" columns, found beside={self.beside}")  # fmt: skip
        for other in self.beside:
            if other == self.column or not is_ordered(FEATURES.column(other)):
                raise DeclarationError(place, f"beside {other!r}: expected another number, or a text of SCALES")

    @property
    def reads_others(self) -> bool:
        return self.strategy in READS_OTHERS

    @property
    def filled(self) -> str:
        """The column of IMPUTED with what is known, and the guess where nothing is."""
        return f"filled_{self.column}"

    @property
    def flag(self) -> str:
        """The column of IMPUTED that is true for a guess."""
        return f"{self.column}_is_imputed"


def is_ordered(column: Column) -> bool:
    """Whether the values of a column can be averaged."""
    return column.name in SCALES if column.type == "text" else column.name != "person_id"


def fingerprint(rules: tuple[Impute, ...]) -> str:
    """Changes when the declaration does."""
    return hashlib.sha256(repr(([asdict(rule) for rule in rules], sorted(SCALES.items()))).encode()).hexdigest()[:16]


def _never(column: str) -> str | None:
    """Why a column is never imputed; None when it may be, or nobody knows it."""
    if (column in (*CONSENT.names, "consent") and column not in CONTACT.names) or column.endswith("_tracking"):
        return "is consent"
    if any(_names_somebody(table, column) for table in (*ENTITIES.values(), *DERIVED.values())):
        return "is an identifier or a contact point"
    if column in ADDRESS:
        return "is part of a contact point, the postal address"
    if column in FEATURES.names and column not in TOLD:
        return "is a fact: unknown means that it never happened"
    return None


def _names_somebody(table: Table, column: str) -> bool:
    return column in table.personal or column in table.key or column.endswith(("_id", "_key", "_ref"))


BEHAVIOUR = ("is_customer", "orders_365d", "spend_365d_eur", "basket_365d_eur", "discount_share_90d", "categories_90d",
              "coupon_orders_365d", "opens_90d", "clicks_90d")  # fmt: skip

DECLARED: tuple[Impute, ...] = (
    Impute("age_years", "median"),
    Impute("income_band", "iterative", beside=("age_years", "kids", *BEHAVIOUR)),
    Impute("kids", "median"),
)
"""As `audience impute compare` proposes for the demo town: docs/decisions/0011-imputation.md."""
