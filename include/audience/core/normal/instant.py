"""Instants and days: ISO 8601, in the one form that the engine reads right."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis.expr.types as ir

from audience.core.normal.distinct import over_distinct

_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)"
_PLAIN = (
    rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ][0-9]{{2}}:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{{1,6}})?)?{_OFFSET}?)?$"
)
"""What the engine reads as ISO 8601 means it; it also reads `epoch` and offsets of 25 hours, and not `20261120T080000Z`."""

_ZONED = re.compile(r"(.*[0-9]) ([A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*)")
_LEAP = re.compile(r"(T?[0-9]{2}:?[0-9]{2}:?)60")


def instant_of(text: str) -> str | None:
    """The definition, for one text: the instant in UTC, to the microsecond; None for none.

    Every form of ISO 8601-1 with a calendar or week date is read, and a local time with the name of its zone
    (`2026-11-20 08:00 Europe/Paris`; of an hour that comes twice, the first). A time without either is UTC. A leap
    second is the second after it.
    """
    if re.search(_PLAIN, text):
        return text
    bare = text.strip().upper().replace("\u2212", "-")
    zone: ZoneInfo | None = None
    if named := _ZONED.fullmatch(text.strip()):
        try:
            bare, zone = named[1].upper(), ZoneInfo(named[2])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None
    bare = re.sub(r" (?=[+-][0-9])", "", bare)
    leap = _LEAP.search(bare)
    try:
        moment = datetime.fromisoformat(_LEAP.sub(r"\g<1>59", bare) if leap else bare)
        moment += timedelta(seconds=1 if leap else 0)
        moment = moment.replace(tzinfo=zone or UTC) if moment.tzinfo is None else moment
        if abs(moment.utcoffset() or timedelta()) >= timedelta(hours=16):
            return None
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return None


def instant(text: ir.StringValue) -> ir.StringValue:
    """The same of a column; only what is not plain leaves the engine."""
    return text.re_search(_PLAIN).ifelse(text, _instants(text))


_instants = over_distinct(instant_of, name="instant_of")
