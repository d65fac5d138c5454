"""People of whom some told their age and others did not, as rows of FEATURES."""

from collections.abc import Iterable
from typing import Any

import ibis

from audience.core.partition import Partition
from audience.core.tables import FEATURES
from rows import rows_of

SUNDAY = Partition.parse("2026-11-15")
MONDAY = SUNDAY.next

ZEROS: dict[str, Any] = {c.name: 0 for c in FEATURES.columns if c.required} | {"is_customer": False}


def features(people: Iterable[dict[str, Any]]) -> ibis.Table:
    """Rows of FEATURES, one per person, numbered unless a `person_id` is given; what is not said is zero or unknown."""
    return rows_of(FEATURES, [ZEROS | {"person_id": f"p{n:04}"} | person for n, person in enumerate(people)])


def tellers(count: int = 60) -> list[dict[str, Any]]:
    """Everybody told their age: 20 and 40 in Paris, 60 and 80 in Lyon, and spends ten times as much as they are old."""
    ages = (20, 60, 40, 80)
    return [
        {"age_years": ages[n % 4], "region": ("75", "69")[n % 2], "spend_365d_eur": ages[n % 4] * 10}
        for n in range(count)
    ]
