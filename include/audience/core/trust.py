"""How far a source is believed: a declaration of its file that identity reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from audience.core.errors import DeclarationError, nearest

VERIFIABLE = ("birth_date", "email", "first_name", "last_name", "postal_code")


@dataclass(frozen=True)
class Trust:
    """What a source's contacts are worth beside those of others.

    Args:
        rank: of sources that tell different values, the one with the higher rank is the more trusted.
        verifies: columns that the source has checked before it tells them: a birth date that was read off a document,
            an address that was confirmed. Two records with different verified birth dates are not one person.
    """

    rank: int = 0
    verifies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for column in self.verifies:
            if column not in VERIFIABLE:
                raise DeclarationError("trust.verifies", f"no column {column!r}{nearest(column, VERIFIABLE)}")


ORDINARY = Trust()

Trusted = Mapping[str, Trust]
"""By the name of the source; a source that is not there is ORDINARY."""

ALIKE: Trusted = MappingProxyType({})
"""No source is trusted more than another, and none has checked anything."""
