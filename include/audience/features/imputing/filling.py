"""The imputers of a day applied to everyone of whom something is unknown."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import batches
from audience.core.lake import Lake, Written
from audience.core.partition import Partition
from audience.core.tables import FEATURES, IMPUTED
from audience.features.imputing.declaration import DECLARED
from audience.features.imputing.stored import for_day, load

if TYPE_CHECKING:
    from audience.features.imputing.learning import Imputer

BATCH = 50_000
"""People whose guesses are in memory at once."""


@dataclass(frozen=True)
class Filled:
    """What became of one day.

    Args:
        guessed: by column, the people whose value is a guess.
        version: of the imputers; None when none were learned before the day.
    """

    written: Written
    guessed: dict[str, int]
    version: str | None


def fill(lake: Lake, session: Backend, partition: Partition) -> Filled:
    """Publishes IMPUTED of a partition from its FEATURES, which stay as they are.

    Raises:
        NotPublished: FEATURES of the partition is not there.
        ModelError: the imputers of the day cannot be loaded.
    """
    rows = lake.read(session, FEATURES, partition)
    version = for_day(lake, partition)
    imputers = load(lake, version) if version else []
    with tempfile.TemporaryDirectory() as folder:
        guessed = session.read_parquet(_guessed(session, rows, imputers, Path(folder) / "guessed.parquet"))
        written = lake.write(session, IMPUTED, partition, filled(rows, guessed, version=str(version or "") or None))
    now = lake.read(session, IMPUTED, partition)
    counted = session.to_pyarrow(now.agg(**{r.column: now[r.flag].sum().fill_null(0) for r in DECLARED})).to_pylist()
    return Filled(written, counted[0], str(version) if version else None)


def filled(rows: ir.Table, guessed: ir.Table, *, version: str | None) -> ir.Table:
    """What is known, and the guess where nothing is.

    Takes  rows of FEATURES; guesses: `person_id` and a column of the same name for each of DECLARED, null where none.
    Gives  one row per person, the columns of IMPUTED.
    """
    both = rows.left_join(guessed, "person_id", rname="guessed_{name}")
    columns: dict[str, ir.Value] = {}
    for rule in DECLARED:
        guess = both[f"guessed_{rule.column}"]
        columns[rule.filled] = both[rule.column].fill_null(guess)
        columns[rule.flag] = both[rule.column].isnull() & guess.notnull()
    return both.select("person_id", **columns, imputed_by=ibis.literal(version, type="string"))


def _guessed(session: Backend, rows: ir.Table, imputers: Sequence["Imputer"], file: Path) -> Path:
    """A file with a row for everybody of whom a column of the imputers is unknown; batch by batch, in constant memory."""
    types = {r.column: FEATURES.column(r.column).ibis_type for r in DECLARED}
    schema = ibis.schema({"person_id": "string"} | types).to_pyarrow()
    with pq.ParquetWriter(file, schema) as writer:
        if imputers:  # a day before the first training needs no scikit-learn
            from audience.features.imputing.learning import needed

            rules = [one.rule for one in imputers]
            anybody = rows.filter(ibis.or_(*(_[rule.column].isnull() for rule in rules)))
            for batch in batches(session, anybody.select("person_id", *needed(anybody, rules)), size=BATCH):
                writer.write_table(_of_batch(batch, imputers, schema))
        else:
            writer.write_table(schema.empty_table())
    return file


def _of_batch(batch: pa.RecordBatch, imputers: Sequence["Imputer"], schema: pa.Schema) -> pa.Table:
    from audience.features.imputing.learning import guesses

    people = batch.to_pandas()
    columns = {name: pa.nulls(len(people), schema.field(name).type) for name in schema.names} | {
        "person_id": batch["person_id"]
    }
    for one in imputers:
        found = guesses(one, people)
        told = np.asarray(one.values, dtype=object)[found.astype(int)] if one.values else found
        columns[one.rule.column] = pa.array(told).cast(schema.field(one.rule.column).type)
    return pa.table(columns, schema=schema)
