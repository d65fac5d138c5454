"""Records made ready for comparing."""

from collections.abc import Iterator
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.identity.fuzzy.blocking import Blocks, Ids, Numbers, Truths, blocks_of, pairs_of
from audience.identity.fuzzy.declaration import Rules
from audience.identity.fuzzy.forms import numbers, prepared


@dataclass(frozen=True)
class Candidates:
    """Records in the order of their keys, and the blocks they are in.

    Args:
        values: as `forms.prepared` gives them.
        changed: by id, the records whose pairs are wanted; None for all.
    """

    session: Backend
    rules: Rules
    values: ir.Table
    records: int
    blocks: Blocks
    changed: Truths | None

    @classmethod
    def of(cls, session: Backend, records: ir.Table, rules: Rules, changed: ir.Table | None = None) -> "Candidates":
        parts = sorted({part for block in rules.blocks for part in (*block.on, *block.then)})
        values = prepared(session, records)
        by_part = _by_id(session, values, parts)
        count = len(by_part[parts[0]])
        wanted = None
        if changed is not None:
            ids = session.to_pyarrow(values.semi_join(changed, "record_key").select("id"))["id"].to_numpy()
            wanted = np.zeros(count, dtype=np.bool_)
            wanted[ids] = True
        return cls(session, rules, values, count, blocks_of(by_part, rules, wanted), wanted)

    def pairs(self, one_in: int = 1) -> Iterator[tuple[Ids, Ids]]:
        return pairs_of(self.blocks, one_in=one_in, changed=self.changed)

    def columns(self) -> pa.Table:
        """The compared values, by id."""
        names = sorted({c for one in self.rules.comparisons for c in one.columns if c in self.values.columns})
        return self.session.to_pyarrow(self.values.order_by("id").select(*names))


def _by_id(session: Backend, values: ir.Table, parts: list[str]) -> dict[str, Numbers]:
    rows = session.to_pyarrow(numbers(values, parts))
    places = rows["id"].to_numpy()
    found = {}
    for part in parts:
        found[part] = np.zeros(len(places), dtype=np.uint64)
        found[part][places] = rows[part].to_numpy()
    return found
