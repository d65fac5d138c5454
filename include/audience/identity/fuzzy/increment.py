"""What changed since records were compared: only that is prepared and compared again.

What is kept of the compared records are numbers under a key (`keyed`): one for all that a record tells, which says whether it
changed, and one for each value that blocks are made of, which says whom it meets. No value is kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.identity.fuzzy.blocking import Ids, Numbers, Truths, blocks_of, pairs_of, share_a_block
from audience.identity.fuzzy.candidates import Candidates, asked_of, parts_of
from audience.identity.fuzzy.declaration import COLUMNS, Rules
from audience.identity.fuzzy.forms import SOUNDS, prepared, told_by
from audience.identity.fuzzy.keyed import keyed
from audience.identity.fuzzy.model import TrainedModel
from audience.identity.fuzzy.moved import moved
from audience.identity.fuzzy.refused import asked_first, still_open
from audience.identity.fuzzy.scoring import judged_pairs

TOLD = "told"


@dataclass(frozen=True)
class States:
    """Records by what is kept of them.

    Args:
        names: `id` (from 0), `record_key`.
        numbers: by id, under the key: TOLD, and the value of each part of a block; 0 for none.
    """

    names: ir.Table
    numbers: Mapping[str, Numbers]

    def table(self, session: Backend) -> ir.Table:
        """`record_key`, and a column `<name>_hash` for each number, of the records that are there."""
        ids = np.flatnonzero(self.numbers[TOLD]).astype(np.int32)
        columns = {f"{name}_hash": numbers[ids].view(np.int64) for name, numbers in self.numbers.items()}
        told = _registered(session, {"id": ids} | columns)
        return self.names.join(told, "id").select("record_key", *columns)


@dataclass(frozen=True)
class Since:
    """Two days' states of the records of both.

    Args:
        now: who left has no TOLD.
        before: who came has none.
        changed: by id, who tells something else now, came or left.
    """

    now: States
    before: Mapping[str, Numbers]
    changed: Truths

    @property
    def share(self) -> float:
        """How many of the records changed, 0..1."""
        return float(self.changed.mean()) if len(self.changed) else 0.0


def states_of(session: Backend, records: ir.Table, candidates: Candidates, key: bytes) -> States:
    """What is kept of records that were compared.

    Takes  `records`: those of the candidates, as they are written.
    """
    names = candidates.values.select("id", "record_key")
    told = session.to_pyarrow(names.join(told_by(records), "record_key").order_by("id").select(TOLD))
    numbers = {TOLD: told[TOLD].to_numpy()} | dict(candidates.parts)
    return States(names, {name: keyed(n, key) for name, n in numbers.items()})


def states_since(session: Backend, records: ir.Table, kept: ir.Table, parts: Sequence[str], key: bytes) -> Since:
    """What became of the records whose states were kept. Only changed records are prepared.

    Takes  `records`: as `train`; `kept`: as `States.table`; `parts`: of the blocks (`Rules.parts`).
    """
    known = session.to_pyarrow(kept.select("record_key", *(f"{name}_hash" for name in (TOLD, *parts))))
    here = _registered(session, {"record_key": known["record_key"], "id": np.arange(len(known), dtype=np.int32)})
    both = told_by(records).left_join(here, "record_key")
    # Keys are asked of few: those of everybody are texts by the million.
    told = session.to_pyarrow(
        both.select("id", TOLD, key=both.id.isnull().ifelse(both.record_key, ibis.null("string")))
    )
    came = told.filter(pc.is_null(told["id"])).sort_by("key")
    stayed = told.filter(pc.is_valid(told["id"]))
    numbers = np.concatenate([np.zeros(len(known), dtype=np.uint64), came[TOLD].to_numpy()])
    numbers[stayed["id"].to_numpy()] = stayed[TOLD].to_numpy()
    now = {TOLD: keyed(numbers, key)}
    nobody = np.zeros(len(came), dtype=np.uint64)
    before = {
        name: np.concatenate([known[f"{name}_hash"].to_numpy().view(np.uint64), nobody]) for name in (TOLD, *parts)
    }
    changed = now[TOLD] != before[TOLD]
    keys = pa.concat_arrays([known["record_key"].combine_chunks(), came["key"].combine_chunks()])
    names = _registered(session, {"id": np.arange(len(keys), dtype=np.int32), "record_key": keys})
    values, ids = _prepared(session, records, names, changed & (now[TOLD] != 0), (*COLUMNS, *SOUNDS))
    for part, numbers_now in parts_of(session, values, parts).items():
        now[part] = np.where(changed, np.uint64(0), before[part])
        now[part][ids] = keyed(numbers_now, key)
    return Since(States(names, now), before, changed)


@dataclass(frozen=True)
class Increment:
    """How the pairs differ from those of before.

    Args:
        parted: `left_key`, `right_key` of the pairs of before that are none now, or have to be scored again.
        pairs: as `scored_pairs`, those that are new or were scored again.
    """

    parted: ir.Table
    pairs: ir.Table


def increment(session: Backend, records: ir.Table, model: TrainedModel, since: Since, pairs: ir.Table) -> Increment:
    """Scores the pairs that the states of before do not tell.

    Takes  `pairs`: `left_key`, `right_key` of before.
    """
    now = since.now
    apart, together = moved(since.before, now.numbers, model.rules, since.changed)
    again = (since.changed | together) & (now.numbers[TOLD] != 0)
    blocks = blocks_of(now.numbers, model.rules, again | apart)
    found = list(pairs_of(blocks, changed=again))
    first = asked_first(model.rules)
    if first.comparisons:
        few = _Placed.of(session, records, now, found, first)
        questions = asked_of(session, few.values, first)
        found = [still_open(model, questions, now.numbers, pair, few.pair(*pair)) for pair in found]
    open_ = _Placed.of(session, records, now, found, model.rules)
    questions = asked_of(session, open_.values, model.rules)
    scored = judged_pairs(session, open_.values, questions, [open_.pair(*pair) for pair in found], model)
    again |= since.changed
    old, left, right = _with_a_side_in(session, pairs, now.names, again | apart)
    parted = pa.array(again[left] | again[right] | ~share_a_block(blocks, left, right))
    return Increment(
        _registered(session, {name: old[name].filter(parted) for name in ("left_key", "right_key")}), scored
    )


@dataclass(frozen=True)
class _Placed:
    """The records of some pairs.

    Args:
        values: what is compared of them, as `prepared`.
        places: by id among all records, the one of their values.
    """

    values: ir.Table
    places: Ids

    @classmethod
    def of(
        cls, session: Backend, records: ir.Table, now: States, pairs: Sequence[tuple[Ids, Ids]], rules: Rules
    ) -> "_Placed":
        met = np.zeros(len(now.numbers[TOLD]), dtype=np.bool_)
        for side in (side for pair in pairs for side in pair):
            met[side] = True
        compared = {column for comparison in rules.comparisons for column in comparison.columns}
        values, ids = _prepared(session, records, now.names, met, compared)
        places = np.zeros(len(met), dtype=np.int32)
        places[ids] = np.arange(len(ids), dtype=np.int32)
        return cls(values, places)

    def pair(self, left: Ids, right: Ids) -> tuple[Ids, Ids]:
        one, other = self.places[left], self.places[right]
        return np.minimum(one, other), np.maximum(one, other)


def _with_a_side_in(session: Backend, pairs: ir.Table, names: ir.Table, wanted: Truths) -> tuple[pa.Table, Ids, Ids]:
    """Some pairs, and the ids of their records."""
    keys = keep(session, names.semi_join(_ids(wanted), "id")).record_key
    some = pairs.filter(pairs.left_key.isin(keys) | pairs.right_key.isin(keys))
    one, other = (names.select(**{f"{side}_key": "record_key", side: "id"}) for side in ("left", "right"))
    found = session.to_pyarrow(some.join(one, "left_key").join(other, "right_key"))
    return found, found["left"].to_numpy(), found["right"].to_numpy()


def _prepared(
    session: Backend, records: ir.Table, names: ir.Table, wanted: Truths, columns: Collection[str]
) -> tuple[ir.Table, Ids]:
    """The values of some records, and by their `id` the one that they have among all."""
    few = names.semi_join(_ids(wanted), "id")
    values = prepared(session, records.semi_join(few, "record_key"), columns)
    both = values.select("record_key", place="id").join(few, "record_key").order_by("place")
    ids: Ids = session.to_pyarrow(both.select("id"))["id"].to_numpy()
    return values, ids


def _ids(wanted: Truths) -> ir.Table:
    return ibis.memtable(pa.table({"id": np.flatnonzero(wanted).astype(np.int32)}))


def _registered(session: Backend, columns: Mapping[str, npt.NDArray[Any] | pa.Array | pa.ChunkedArray]) -> ir.Table:
    # ibis 12's create_table from Arrow writes a statement that DuckDB 2 does not parse.
    name = ibis.util.gen_name("states")
    session.con.register(name, pa.table(dict(columns)))
    return session.table(name)
