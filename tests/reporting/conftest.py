"""Rows of schema `ops` as publications leave them: the shop's orders on a Friday."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from audience.core.warehouse import Base, Warehouse
from audience.core.warehouse.models import Landing, Validation

FRIDAY = date(2026, 11, 20)
THREE = datetime(2026, 11, 21, 3, tzinfo=UTC)
FOUR = THREE + timedelta(hours=1)

Put = Callable[..., None]


@pytest.fixture
def put(warehouse: Warehouse) -> Put:
    def insert(model: type[Base], **row: object) -> None:
        with warehouse.begin() as connection:
            connection.execute(sa.insert(model), [row])

    return insert


@pytest.fixture
def judged(put: Put) -> Put:
    """One expectation: what it breaks, and when it was judged."""

    def one(severity: str, passed: bool, at: datetime = THREE, observed: float | None = 0.5, **more: Any) -> None:
        place = {"table_name": "raw_shop__order", "partition": FRIDAY, "expectation": f"{severity} {passed}"}
        numbers = {"rows": 10, "failed": 0 if passed else 3, "observed": observed, "position": 0}
        put(Validation, **(place | numbers | {"severity": severity, "passed": passed, "validated_at": at} | more))

    return one


@pytest.fixture
def published(put: Put) -> Put:
    """Ten rows of an entity; `at` None: they only came by a replay."""

    def one(at: datetime | None = FOUR, entity: str = "order", **more: Any) -> None:
        place = {"source": "shop", "entity": entity, "partition": FRIDAY}
        numbers = {"taken": 10, "loaded": 7, "quarantined": 2, "superseded": 1, "content_hash": "x", "reasons": {}}
        put(Landing, **(place | numbers | {"published_at": at} | more))

    return one
