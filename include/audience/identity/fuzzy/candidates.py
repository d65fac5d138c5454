"""Records made ready for comparing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.identity.fuzzy.blocking import Blocks, Ids, Numbers, Truths, blocks_of, pairs_of
from audience.identity.fuzzy.declaration import Rules
from audience.identity.fuzzy.forms import numbers, prepared
from audience.identity.fuzzy.levels import Question, questions


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
    def of(
        cls,
        session: Backend,
        records: ir.Table,
        rules: Rules,
        changed: ir.Table | None = None,
        earlier: ir.Table | None = None,
    ) -> "Candidates":
        """Takes  `changed`: `record_key` of the records whose pairs are wanted, all when it is not given; `earlier`: the
        `values` of candidates from before they changed, where there are some: what did not change is not computed again.
        """
        parts = sorted({part for block in rules.blocks for part in (*block.on, *block.then)})
        values = prepared(session, records, changed=changed, earlier=earlier)
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

    def compared(self) -> tuple[Ids | None, Iterable[tuple[Ids, Ids]]]:
        """The ids of the records that pairs name by their place, and the pairs.

        Of all records pairs are found as they are needed, and named by id: None. Of a few changed ones they are found
        first, so that only who is in one of them is read.
        """
        if self.changed is None:
            return None, self.pairs()
        pairs = list(self.pairs())
        ids = np.unique(np.concatenate([np.zeros(0, np.int32), *(side for pair in pairs for side in pair)]))
        return ids, [(_places(ids, left), _places(ids, right)) for left, right in pairs]

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The comparisons of all records, ready to be asked."""
        return questions(self._columns(self.values), self.rules)

    def questions_of(self, ids: Ids | None) -> tuple[Question, ...]:
        """The same of a few records, by their place in `ids`; of all for None."""
        if ids is None:
            return self.questions
        few = self.values.semi_join(ibis.memtable(pa.table({"id": ids})), "id")
        return questions(self._columns(few), self.rules)

    def _columns(self, rows: ir.Table) -> pa.Table:
        """The compared values, by id."""
        names = sorted({c for one in self.rules.comparisons for c in one.columns if c in rows.columns})
        return self.session.to_pyarrow(rows.order_by("id").select(*names))


def _places(ids: Ids, some: Ids) -> Ids:
    return np.searchsorted(ids, some).astype(np.int32)


def _by_id(session: Backend, values: ir.Table, parts: list[str]) -> dict[str, Numbers]:
    rows = session.to_pyarrow(numbers(values, parts))
    places = rows["id"].to_numpy()
    found = {}
    for part in parts:
        found[part] = np.zeros(len(places), dtype=np.uint64)
        found[part][places] = rows[part].to_numpy()
    return found
