"""The pairs worth a look, with what each comparison said."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.identity.fuzzy.blocking import Ids
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.encoding import Coded
from audience.identity.fuzzy.levels import Question
from audience.identity.fuzzy.model import Learned, Shares, TrainedModel, hashed, weight_of

Bits = npt.NDArray[np.float32]


def scored_pairs(session: Backend, records: ir.Table, model: TrainedModel) -> ir.Table:
    """Every pair that shares a block and whose match probability is at least `rules.review`.

    Takes  `records`: as `train`.
    Gives  one row per pair: `left_key` < `right_key`, `match_weight` (bits), `match_probability` (0..1), `may_be_relative`
           (other first names, and nothing that relatives do not share: `Comparison.no_relative_from`), and for each
           comparison `level_<column>` (-1: not known) and `weight_<column>` (bits, with what a common value takes off).
    """
    return judged(Candidates.of(session, records, model.rules), model)


def accepted(pairs: ir.Table, accept: float) -> ir.Table:
    """The pairs that are one person, from a probability on."""
    return pairs.filter((pairs.match_probability >= accept) & ~pairs.may_be_relative)


def judged(candidates: Candidates, model: TrainedModel) -> ir.Table:
    """The same of records that are ready."""
    return judged_pairs(candidates.session, candidates.values, candidates.questions, candidates.pairs(), model)


def judged_pairs(
    session: Backend,
    values: ir.Table,
    questions: tuple[Question, ...],
    pairs: Iterable[tuple[Ids, Ids]],
    model: TrainedModel,
) -> ir.Table:
    """The same of some pairs of records, which are named by the `id` of their values."""
    judges = [Judge(*both) for both in zip(questions, model.learned, strict=True)]
    parts = [_judged(model, judges, left, right) for left, right in pairs]
    found = _in_session(session, pa.concat_tables([_none(judges), *parts]))
    left = values.select(l="id", left_key="record_key")
    right = values.select(r="id", right_key="record_key")
    named = found.join(left, "l").join(right, "r").drop("l", "r")
    return keep(session, named.relocate("left_key", "right_key"))


class Judge:
    """What one comparison says of pairs, in bits."""

    def __init__(self, question: Question, learned: Learned) -> None:
        self.question = question
        self.weights = np.append(learned.weights, 0.0).astype(np.float32)
        self.of_values = {
            shares.level: _of_values(question.values[shares.level], learned.m[shares.level], shares)
            for shares in learned.shares
        }
        self.most = float(max(0.0, self.weights.max(), *(bits.max() for bits in self.of_values.values())))

    def __call__(self, left: Ids, right: Ids) -> tuple[npt.NDArray[np.int8], Bits]:
        levels = self.question.levels(left, right)
        bits: Bits = self.weights[levels]
        for level, of_value in self.of_values.items():
            here = np.flatnonzero(levels == level)
            codes = self.question.values[level].codes
            # Where both were not written alike, the more common of the two counts.
            bits[here] = np.minimum(of_value[codes[left[here]]], of_value[codes[right[here]]])
        return levels, bits


def _of_values(values: Coded, m: float, shares: Shares) -> Bits:
    """Bits for agreeing on each value; last, on one that is not known."""
    found = np.full(len(values.texts) + 1, shares.rare)
    if shares.common:
        # Nobody agrees on a value that one record has.
        several = np.flatnonzero(np.bincount(values.codes[values.known], minlength=len(values.texts)) > 1)
        told = values.texts.take(pa.array(several)).to_pylist()
        found[several] = [shares.common.get(hashed(text), shares.rare) for text in told]
    bits: Bits = np.log2(m / found).astype(np.float32)
    return bits


def _judged(model: TrainedModel, judges: list[Judge], left: Ids, right: Ids) -> pa.Table:
    """The pairs of a part that are worth a look. A pair is not compared further once it cannot become one."""
    beside = np.full(len(left), model.prior_weight)
    places, _, columns = narrowed(judges, left, right, beside=beside, least=least_weight(model))
    said = [columns[f"weight_{judge.question.comparison.column}"] for judge in judges]
    weight: npt.NDArray[np.float64] = model.prior_weight + np.sum(said, axis=0)
    wanted = weight >= least_weight(model)
    found: dict[str, npt.NDArray[Any]] = {
        "l": left[places],
        "r": right[places],
        "match_weight": weight,
        "match_probability": 1 / (1 + np.exp2(-weight)),
        "may_be_relative": _may_be_relative(judges, columns, len(weight)),
    }
    return pa.table({name: column[wanted] for name, column in (found | columns).items()})


def least_weight(model: TrainedModel) -> float:
    """The bits from which a pair is worth a look."""
    return weight_of(model.rules.review)


def narrowed(
    judges: Sequence[Judge], left: Ids, right: Ids, *, beside: npt.NDArray[np.float64], least: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], dict[str, npt.NDArray[Any]]]:
    """Asks one judge after the other, of the pairs that could still reach the least weight.

    Args:
        beside: the bits of each pair beside those of the judges.

    Returns:
        The places of the pairs that all judges were asked of, their bits, and what each judge said.
    """
    most = [np.where(j.question.known[left] & j.question.known[right], j.most, 0.0) for j in judges]
    bound = beside + np.sum(most, axis=0)
    columns: dict[str, npt.NDArray[Any]] = {}
    places = np.arange(len(left))
    for judge, could in zip(judges, most, strict=True):
        open_ = bound >= least
        places, bound = places[open_], bound[open_]
        columns = {name: column[open_] for name, column in columns.items()}
        levels, bits = judge(left[places], right[places])
        bound += bits - could[places]
        name = judge.question.comparison.column
        columns |= {f"level_{name}": levels, f"weight_{name}": bits.astype(np.float64)}
    return places, bound, columns


def _may_be_relative(judges: list[Judge], columns: Mapping[str, npt.NDArray[Any]], count: int) -> npt.NDArray[np.bool_]:
    asked = [judge.question.comparison for judge in judges]
    found = np.zeros(count, dtype=np.bool_)
    for comparison in asked:
        if comparison.how == "first_name":
            found |= columns[f"level_{comparison.column}"] == 0
    for comparison in asked:
        if comparison.no_relative_from is not None:
            found &= columns[f"level_{comparison.column}"] < comparison.levels.index(comparison.no_relative_from)
    return found


def _none(judges: list[Judge]) -> pa.Table:
    """No pair, with the columns of pairs."""
    names = [judge.question.comparison.column for judge in judges]
    fields = {"l": pa.int32(), "r": pa.int32(), "match_weight": pa.float64(), "match_probability": pa.float64(),
              "may_be_relative": pa.bool_()}  # fmt: skip
    for name in names:
        fields |= {f"level_{name}": pa.int8(), f"weight_{name}": pa.float64()}
    return pa.schema(list(fields.items())).empty_table()


def _in_session(session: Backend, rows: pa.Table) -> ir.Table:
    # ibis 12's create_table from Arrow writes a statement that DuckDB 2 does not parse.
    name = ibis.util.gen_name("judged")
    session.con.register(name, rows)
    return session.table(name)
