"""Records made ready for comparing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.identity.fuzzy.blocking import Blocks, Ids, Numbers, blocks_of, pairs_of
from audience.identity.fuzzy.declaration import Rules
from audience.identity.fuzzy.forms import numbers, prepared
from audience.identity.fuzzy.levels import Question, questions


@dataclass(frozen=True)
class Candidates:
    """Records in the order of their keys, and the blocks they are in.

    Args:
        values: as `forms.prepared` gives them.
        parts: by id, the numbers of the values that blocks are made of.
    """

    session: Backend
    rules: Rules
    values: ir.Table
    parts: Mapping[str, Numbers]
    blocks: Blocks

    @classmethod
    def of(cls, session: Backend, records: ir.Table, rules: Rules) -> "Candidates":
        values = prepared(session, records)
        parts = parts_of(session, values, rules.parts)
        return cls(session, rules, values, parts, blocks_of(parts, rules))

    @property
    def records(self) -> int:
        return len(next(iter(self.parts.values())))

    def pairs(self, one_in: int = 1) -> Iterator[tuple[Ids, Ids]]:
        return pairs_of(self.blocks, one_in=one_in)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """The comparisons of all records, ready to be asked."""
        return asked_of(self.session, self.values, self.rules)


def asked_of(session: Backend, values: ir.Table, rules: Rules) -> tuple[Question, ...]:
    """The comparisons of prepared records, by their place in the order of their ids."""
    names = sorted({c for one in rules.comparisons for c in one.columns if c in values.columns})
    compared: pa.Table = session.to_pyarrow(values.order_by("id").select(*names))
    return questions(compared, rules)


def parts_of(session: Backend, values: ir.Table, parts: Sequence[str]) -> dict[str, Numbers]:
    """The numbers of the values that blocks are made of, by place in the order of the ids."""
    rows = session.to_pyarrow(numbers(values, parts).order_by("id"))
    return {part: rows[part].to_numpy().astype(np.uint64, copy=True) for part in parts}
