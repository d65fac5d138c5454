"""Pairs of records that share a block."""

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import batches, keep
from audience.identity.fuzzy.declaration import Block, Rules
from audience.identity.fuzzy.forms import blocked

Ids = npt.NDArray[np.int32]

PAIRS_AT_ONCE = 1_000_000
"""Pairs that are held in memory at a time."""


@dataclass(frozen=True)
class Found:
    """What a block gives: pairs, also those that another block gives, and what was set aside because so many share it."""

    block: str
    pairs: int
    blocks_set_aside: int
    records_set_aside: int
    pairs_set_aside: int


@dataclass(frozen=True)
class Blocks:
    """Records with their blocks: `id`, and a number `b<i>` for each declared block, null where it compares nothing."""

    rows: ir.Table
    found: tuple[Found, ...]

    @property
    def pairs(self) -> int:
        """At most; a pair that several blocks give counts for each."""
        return sum(f.pairs for f in self.found)


def blocks_of(session: Backend, values: ir.Table, rules: Rules) -> Blocks:
    """The blocks of prepared records. What is set aside is set aside whoever else changed: see `most_records`."""
    numbered = keep(session, values.select("id", **{f"b{i}": _number(values, b) for i, b in enumerate(rules.blocks)}))
    found = tuple(_found(session, numbered, f"b{i}", block) for i, block in enumerate(rules.blocks))
    limited = {}
    for i, (block, one) in enumerate(zip(rules.blocks, found, strict=True)):
        if one.blocks_set_aside:
            sized = _sized(numbered, f"b{i}").filter(_.n > block.most_records)
            limited[f"b{i}"] = numbered[f"b{i}"].isin(sized.b).ifelse(ibis.null("int64"), numbered[f"b{i}"])
    return Blocks(keep(session, numbered.mutate(**limited)) if limited else numbered, found)


def pairs_of(
    session: Backend, blocks: Blocks, *, one_in: int = 1, changed: ir.Table | None = None
) -> Iterator[tuple[Ids, Ids]]:
    """Each pair that shares a block once, in parts, the lower id left.

    Args:
        one_in: every so manieth pair only, the same ones each time.
        changed: `id` of records; only pairs with at least one of them are given.
    """
    for i in range(len(blocks.found)):
        if blocks.found[i].pairs:
            for part in batches(session, _pairs(blocks.rows, i, one_in, changed), size=PAIRS_AT_ONCE):
                yield part["l"].to_numpy(), part["r"].to_numpy()


def _pairs(rows: ir.Table, i: int, one_in: int, changed: ir.Table | None) -> ir.Table:
    mine = [f"b{j}" for j in range(i + 1)]
    left = rows.select("id", *mine)
    right = left.view()
    if changed is None:
        if one_in > 1:
            left = left.filter((_.id.cast("int64") * 40_503) % 65_537 % one_in == 0)
        ordered = [left.id < right.id]
    else:
        left = left.semi_join(changed, "id")
        right = right.mutate(is_changed=right.id.isin(changed.id))
        ordered = [left.id != right.id, ~right.is_changed | (left.id < right.id)]
    # A pair belongs to the first block that gives it.
    earlier = [(left[b] != right[b]).fill_null(True) for b in mine[:-1]]
    met = left.join(right, [left[f"b{i}"] == right[f"b{i}"], *ordered, *earlier])
    return met.select(l=ibis.least(left.id, right.id), r=ibis.greatest(left.id, right.id))


def _number(values: ir.Table, block: Block) -> ir.IntegerValue:
    parts = [blocked(values, part) for part in block.on]
    text = parts[0]
    for part in parts[1:]:
        text = text + "|" + part
    return text.notnull().ifelse(text.hash(), ibis.null("int64"))


def _sized(numbered: ir.Table, name: str) -> ir.Table:
    known = numbered.filter(numbered[name].notnull())
    return known.group_by(b=known[name]).agg(n=_.count()).filter(_.n > 1)


def _found(session: Backend, numbered: ir.Table, name: str, block: Block) -> Found:
    sized = _sized(numbered, name).mutate(pairs=_.n * (_.n - 1) // 2, is_large=_.n > block.most_records)
    counted = sized.aggregate(
        pairs=_.pairs.sum(where=~_.is_large),
        blocks=_.is_large.sum(),
        records=_.n.sum(where=_.is_large),
        aside=_.pairs.sum(where=_.is_large),
    )
    row = session.to_pyarrow(counted).to_pylist()[0]
    return Found(block.name, *(int(row[c] or 0) for c in ("pairs", "blocks", "records", "aside")))
