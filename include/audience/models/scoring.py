"""The models of a day, applied to everyone at once."""

import json

import ibis
import pandas as pd
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.core.errors import ModelError
from audience.core.lake import Lake, Written
from audience.core.partition import Partition
from audience.core.tables import FEATURES, SCORES
from audience.models import clusters, propensity
from audience.models.frame import people
from audience.models.registry import Registry, Version
from audience.models.target import CLUSTER, TARGETS


def score(lake: Lake, session: Backend, registry: Registry, partition: Partition) -> Written:
    """Scores everybody in FEATURES of the partition and publishes SCORES of the same partition.

    Each model is the newest promoted one that was trained as of an earlier day, so a past day gets the scores it had.
    A day up to the first training has null scores; people without a paid order have no cluster.

    Raises:
        NotPublished: FEATURES of the partition is not there.
        ModelError: a model of that day cannot be loaded, or reads columns that FEATURES no longer has.
    """
    everybody = people(session, lake.read(session, FEATURES, partition))
    columns: dict[str, pa.Array] = {"person_id": pa.array(everybody.index, pa.string())}
    for target in TARGETS:
        version = registry.for_day(target.name, partition)
        columns[target.name] = pa.array(_probabilities(registry, version, everybody), pa.float64())
        columns[f"{target.name}_model"] = _named(version, len(everybody))
    version = registry.for_day(CLUSTER, partition)
    columns[CLUSTER] = pa.array(_clusters(registry, version, everybody), pa.string())
    columns[f"{CLUSTER}_model"] = _named(version, len(everybody))
    return lake.write(session, SCORES, partition, ibis.memtable(pa.table(columns)))


def _probabilities(registry: Registry, version: Version | None, everybody: pd.DataFrame) -> list[float | None]:
    if version is None:
        return [None] * len(everybody)
    model = registry.load(version)
    try:
        p = propensity.probabilities(model, everybody)
    except ValueError as error:
        raise ModelError(f"{version}: does not read today's features: {error}") from error
    scored: list[float | None] = p.tolist()
    return scored


def _clusters(registry: Registry, version: Version | None, everybody: pd.DataFrame) -> list[str | None]:
    if version is None:
        return [None] * len(everybody)
    model = registry.load(version)
    try:
        return clusters.assign(model, json.loads(version.tags["names"]), everybody)
    except ValueError as error:
        raise ModelError(f"{version}: does not read today's features: {error}") from error


def _named(version: Version | None, rows: int) -> pa.Array:
    """The version beside each score; null where there is no model."""
    return pa.array([None if version is None else str(version)] * rows, pa.string())
