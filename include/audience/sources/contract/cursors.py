"""Which field of a record says when it changed, and how that field is written."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import pyarrow as pa

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}


class Unusable(ValueError):
    """A record that cannot be used, in words that may be shown: they name fields and never values."""


@dataclass(frozen=True)
class Iso:
    """An ISO 8601 instant: `2026-11-20T08:00:00Z`.

    Args:
        path: field of the record; dots lead into nested objects: `fields.updated`.
        zone: of instants that are written without an offset. None refuses them: a wrong zone moves records to another day.
            In the hour that a zone repeats in autumn, its first pass is meant; so each record has exactly one instant.
    """

    path: str
    zone: str | None = None

    def __call__(self, record: Any) -> datetime:
        """The instant in UTC. Raises ValueError, TypeError or KeyError when the record has none."""
        moment = datetime.fromisoformat(field(record, self.path))
        if moment.tzinfo is None:
            if self.zone is None:
                raise Unusable(f"{self.path} has no time zone")
            moment = moment.replace(tzinfo=ZoneInfo(self.zone))
        return moment.astimezone(UTC)

    def moments(self, batch: "pa.RecordBatch") -> "pa.Array":
        """The instants of a batch; null where a record has none."""
        import pyarrow as pa

        if self.path in batch.schema.names and pa.types.is_string(batch.schema.field(self.path).type):
            texts = batch.column(self.path)
            try:
                return texts.cast(pa.timestamp("us", "UTC")) if self.zone is None else wall_clock(texts, self.zone)
            except pa.ArrowInvalid:
                pass  # one that is written in another way: each is asked
        return _asked(self, batch)


@dataclass(frozen=True)
class Epoch:
    """Time since 1970-01-01 UTC, as a number or its digits.

    Args:
        path: as in `Iso`.
        unit: s, ms or us.
    """

    path: str
    unit: Literal["s", "ms", "us"] = "s"

    def __call__(self, record: Any) -> datetime:
        """The instant in UTC. Raises ValueError, TypeError or KeyError when the record has none."""
        found = field(record, self.path)
        whole, part = divmod(int(found) if isinstance(found, str) else found, _PER_SECOND[self.unit])
        micro = part * (1_000_000 // _PER_SECOND[self.unit])
        try:
            return datetime.fromtimestamp(whole, UTC).replace(microsecond=int(micro))
        except (ValueError, OverflowError, OSError):
            raise Unusable(f"{self.path} is no time") from None

    def moments(self, batch: "pa.RecordBatch") -> "pa.Array":
        """As of `Iso`."""
        return _asked(self, batch)


def wall_clock(texts: "pa.Array", zone: str) -> "pa.Array":
    """The instants of texts without offset, as `Iso` reads one.

    Raises pyarrow.ArrowInvalid for a text that is no such time, and for an hour that the zone leaves out in spring.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    clocks = texts.cast(pa.timestamp("us"))
    return pc.assume_timezone(clocks, zone, ambiguous="earliest", nonexistent="raise").cast(pa.timestamp("us", "UTC"))


def field(record: Any, path: str) -> Any:
    """`field({"a": {"b": 1}}, "a.b")` is 1. Raises KeyError or TypeError when there is no such field."""
    for name in path.split("."):
        record = record[name]
    return record


def _asked(cursor: Iso | Epoch, batch: "pa.RecordBatch") -> "pa.Array":
    import pyarrow as pa

    found: list[datetime | None] = []
    for record in batch.to_pylist():
        try:
            found.append(cursor(record))
        except (KeyError, TypeError, ValueError, AttributeError):
            found.append(None)
    return pa.array(found, pa.timestamp("us", "UTC"))
