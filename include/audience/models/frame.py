"""FEATURES as a frame that a learner can take."""

import hashlib

import ibis
import pandas as pd
from ibis.backends.duckdb import Backend

from audience.core.table import IBIS_TYPES
from audience.core.tables import FEATURES

UNKNOWN = "unknown"
"""What a text that nobody knows is called: a category of its own, never a guess."""


def people(session: Backend, features: ibis.Table) -> pd.DataFrame:
    """One row per person, in the order of `person_id` (the index), with every other column of FEATURES.

    Numbers and booleans become floats (missing: NaN), texts become objects (missing: `UNKNOWN`), so that two days with
    the same content give the same bytes.

    Raises:
        NotOfTheTable: the columns are not those of FEATURES.
    """
    rows = FEATURES.conform(features)
    texts = [c.name for c in FEATURES.columns if c.ibis_type == IBIS_TYPES["text"] and c.name != "person_id"]
    numbers = [c.name for c in FEATURES.columns if c.ibis_type != IBIS_TYPES["text"]]
    flat = rows.select(
        "person_id",
        *(rows[c].cast("float64").name(c) for c in numbers),
        *(rows[c].fill_null(UNKNOWN).name(c) for c in texts),
    )
    frame: pd.DataFrame = session.to_pyarrow(flat.order_by("person_id")).to_pandas().set_index("person_id")
    return frame.astype(dict.fromkeys(numbers, "float64") | dict.fromkeys(texts, "object"))


def fingerprint(*frames: pd.DataFrame) -> str:
    """A hash of the frames' people, column names and values: equal frames, equal hash."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(repr(list(frame.columns)).encode())
        digest.update(pd.util.hash_pandas_object(frame).to_numpy().tobytes())
    return digest.hexdigest()[:32]
