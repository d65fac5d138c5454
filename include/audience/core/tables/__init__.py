"""Every table of the lake, declared once. A table's name is its address."""

from audience.core.errors import DeclarationError, nearest
from audience.core.table import Table
from audience.core.tables.derived import (
    CUSTOMERS,
    FEATURES,
    GOLDEN_SOURCE,
    IDENTITY_CHANGE,
    IMPUTED,
    MATCH_PAIR,
    MATCH_STATE,
    PERSON_KEY,
    SCORES,
)
from audience.core.tables.entities import (
    CAMPAIGN,
    CONSENT,
    CONTACT,
    EVENT,
    EXCHANGE_RATE,
    ORDER,
    ORDER_LINE,
    PLACE,
    POSTAL_PLACE,
    PRODUCT,
    SURVEY_ANSWER,
    WEB_EVENT,
)
from audience.core.tables.quarantine import QUARANTINE, ROWS_PER_RECORD, quarantine

_ENTITIES = (
    CONTACT, CONSENT, ORDER, ORDER_LINE, PRODUCT, EVENT, WEB_EVENT, CAMPAIGN, SURVEY_ANSWER, PLACE, POSTAL_PLACE,
    EXCHANGE_RATE,
)  # fmt: skip

ENTITIES: dict[str, Table] = {t.name: t for t in _ENTITIES}
"""Canonical entities: what every source tidies its records into."""

DERIVED: dict[str, Table] = {
    t.name: t
    for t in (PERSON_KEY, CUSTOMERS, GOLDEN_SOURCE, IDENTITY_CHANGE, MATCH_PAIR, MATCH_STATE, FEATURES, IMPUTED, SCORES)
}
"""Tables computed from the entities, one full set of rows per partition."""


def raw(source: str, entity: str) -> Table:
    """The landing table of one entity of one source: `raw_shop__order`."""
    if entity not in ENTITIES:
        raise DeclarationError(f"raw_{source}__{entity}", f"no entity {entity!r}{nearest(entity, ENTITIES)}")
    return ENTITIES[entity].named(f"raw_{source}__{entity}", keeps_generations=True)


__all__ = [
    "CAMPAIGN",
    "CONSENT",
    "CONTACT",
    "CUSTOMERS",
    "DERIVED",
    "ENTITIES",
    "EVENT",
    "EXCHANGE_RATE",
    "FEATURES",
    "GOLDEN_SOURCE",
    "IDENTITY_CHANGE",
    "IMPUTED",
    "MATCH_PAIR",
    "MATCH_STATE",
    "ORDER",
    "ORDER_LINE",
    "PERSON_KEY",
    "PLACE",
    "POSTAL_PLACE",
    "PRODUCT",
    "QUARANTINE",
    "ROWS_PER_RECORD",
    "SCORES",
    "SURVEY_ANSWER",
    "WEB_EVENT",
    "quarantine",
    "raw",
]
