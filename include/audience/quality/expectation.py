"""What can be expected of a table: frozen declarations, each with its severity. Nothing here looks at data.

reject  a row that breaks it goes to quarantine with the reason; the rest goes on
block   nothing of the source is published, the last good partitions stay in use
warn    published, and shown

`words` names an expectation wherever people read it; it holds declared values and never a row's.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Severity = Literal["reject", "block", "warn"]

Bound = float | date


@dataclass(frozen=True)
class Columns:
    """The rows have these columns and no others."""

    names: tuple[str, ...]
    severity: Severity = "block"

    @property
    def words(self) -> str:
        return f"has its {len(self.names)} declared columns and no others"


@dataclass(frozen=True)
class OfType:
    """Every text can be read as the column's type, and put into its normal form where it has one.

    Args:
        form: the normal form, as `Column.form`.
    """

    column: str
    type: str
    form: str = ""
    severity: Severity = "reject"

    @property
    def words(self) -> str:
        form = f", in the form of {self.form}" if self.form else ""
        return f"{self.column} is of type {self.type}{form}"


@dataclass(frozen=True)
class Plausible:
    """No instant is before the zero of clocks, no day longer ago than a life, none after the day after its row's."""

    column: str
    type: str
    severity: Severity = "reject"

    @property
    def words(self) -> str:
        past = "longer ago than a life" if self.type == "day" else "before 1970-01-02"
        return f"{self.column} is neither in the future nor {past}"


@dataclass(frozen=True)
class NotNull:
    """Every row has a value.

    Args:
        field: the staged field that the column is a keyed hash of, where it is one.
    """

    column: str
    field: str = ""
    severity: Severity = "reject"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.column} is known" + _mostly(self.mostly)


@dataclass(frozen=True)
class OneOf:
    """Every known value is one of these."""

    column: str
    values: tuple[str, ...]
    severity: Severity = "reject"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.column} is one of {', '.join(self.values)}" + _mostly(self.mostly)


@dataclass(frozen=True)
class Between:
    """Every known value lies between the bounds, both included; None: no bound."""

    column: str
    low: Bound | None = None
    high: Bound | None = None
    severity: Severity = "reject"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        low = f"at least {_bound(self.low)}" if self.low is not None else ""
        high = f"at most {_bound(self.high)}" if self.high is not None else ""
        return f"{self.column} is {' and '.join(b for b in (low, high) if b)}" + _mostly(self.mostly)


@dataclass(frozen=True)
class Matches:
    """The regular expression is found in every known value."""

    column: str
    pattern: str
    severity: Severity = "reject"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.column} matches {self.pattern}" + _mostly(self.mostly)


@dataclass(frozen=True)
class Usable:
    """Every value that the source told became one of the column: none was made unknown because nobody could read it.

    Of columns whose unusable values do not refuse the row: those that say so, and keyed hashes that may be missing.
    """

    column: str
    severity: Severity = "warn"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.column} is usable" + _mostly(self.mostly)


@dataclass(frozen=True)
class NotInFuture:
    """No known instant or day is later than the end of the partition: a clock or a time zone is wrong where one is."""

    column: str
    severity: Severity = "warn"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.column} is not in the future" + _mostly(self.mostly)


@dataclass(frozen=True)
class Refers:
    """Every known value is the key of a row of another entity of the same source, as known at the partition's end."""

    column: str
    to: str
    key: str
    severity: Severity = "warn"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.column} is a known {self.to}" + _mostly(self.mostly)


@dataclass(frozen=True)
class Keeps:
    """Every version of a key has the same value, in this extraction and in all before: with another it is another record,
    under a key that was given a second time.

    Args:
        by: the key.
    """

    column: str
    by: str
    severity: Severity = "warn"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"{self.by} keeps its {self.column}" + _mostly(self.mostly)


@dataclass(frozen=True)
class SumsTo:
    """A row's amount is what its parts of the same extraction and day sum to; a row without parts is left out.

    Args:
        part, amount, by: the entity of the parts, what is summed, and the column both entities share.
        within: how far off the sum may be, in the amount's unit.
        within_share: or how far, as a share of the sum; the larger of the two counts.
    """

    column: str
    part: str
    amount: str
    by: str
    within: float
    within_share: float = 0.0
    severity: Severity = "warn"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        share = f" or {self.within_share:.0%}" if self.within_share else ""
        return f"{self.column} is the sum of {self.part}.{self.amount} within {self.within:g}{share}" + _mostly(
            self.mostly
        )


@dataclass(frozen=True)
class Unique:
    """The key names one row of a day; earlier versions of it within the day are superseded, and counted here."""

    columns: tuple[str, ...]
    severity: Severity = "warn"
    mostly: float = 1.0

    @property
    def words(self) -> str:
        return f"({', '.join(self.columns)}) comes once a day" + _mostly(self.mostly)


@dataclass(frozen=True)
class RefusedShare:
    """At most this share of the rows is refused: above it the source has changed rather than erred.

    Args:
        per: columns of rows that are told as one record. What is wrong with a record is one mistake however many rows it
            has, so refused rows of at most this share of the records are let pass, too.
    """

    at_most: float
    per: tuple[str, ...] = ()
    severity: Severity = "block"

    @property
    def words(self) -> str:
        records = f", or of {self.at_most:.0%} by {', '.join(self.per)}" if self.per else ""
        return f"refused rows are at most {self.at_most:.0%}{records}"


@dataclass(frozen=True)
class Accepted:
    """No row is refused for a reason that no other expectation stands for: a record that could not be tidied."""

    reason: str
    severity: Severity = "reject"

    @property
    def words(self) -> str:
        return f"no row is refused: {self.reason}"


@dataclass(frozen=True)
class Fresh:
    """The newest value known is at most this old at the partition's end. No rows at all: since rows were last landed."""

    column: str
    hours: float
    severity: Severity = "warn"

    @property
    def words(self) -> str:
        return f"{self.column} is at most {self.hours:g} h old"


@dataclass(frozen=True)
class Volume:
    """The partition has between `low` and `high` times as many rows as the median of earlier days of its weekday."""

    low: float
    high: float | None = None
    severity: Severity = "warn"

    @property
    def words(self) -> str:
        most = f" and at most {self.high:g}" if self.high is not None else ""
        return f"rows are at least {self.low:g}{most} times the weekday's median"


@dataclass(frozen=True)
class Stable:
    """The column is distributed as over the 28 days before, by the population stability index.

    Args:
        edges: of a number's buckets, ascending, each edge the least value of its bucket.
        values: the buckets of other columns; `suite` takes them from the column's declaration. None of either: a bucket
            for each value, of a column whose values are declared by a form (`matches`).
        below: the index that is a shift.
    """

    column: str
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    below: float = 0.25
    severity: Severity = "warn"

    @property
    def words(self) -> str:
        return f"{self.column} is distributed as over 28 days: index below {self.below:g}"


RowExpectation = NotNull | OneOf | Between | Matches | Usable | NotInFuture | Refers | Keeps | SumsTo
"""What each row keeps or breaks on its own."""

Expectation = RowExpectation | Columns | OfType | Plausible | Accepted | Unique | RefusedShare | Fresh | Volume | Stable


def _mostly(share: float) -> str:
    return "" if share == 1 else f" in {share:.4g} of the rows"


def _bound(bound: Bound) -> str:
    return bound.isoformat() if isinstance(bound, date) else f"{bound:g}"
