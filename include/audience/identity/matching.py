"""Similar records of a partition: the model that judges them, learned once a week and kept, and the pairs it finds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.errors import ModelError
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.tables import MATCH_PAIR, MATCH_STATE, raw
from audience.identity.clusters import ADDRESS
from audience.identity.fuzzy import PEOPLE, Rules, TrainedModel, train
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.scoring import judged
from audience.privacy.pseudonym import pseudonyms

LEAST_RECORDS = 200
"""Contacts without which nothing is learned: shares of fewer are chance."""

KEPT_FROM = 50_000
"""Contacts from which pairs are taken over from another day. Fewer are compared anew in less time than that takes."""

_MODELS, _PAIRS = "match_models", "match_pairs"

Records = Callable[[Partition], ir.Table]
"""The person records of a partition."""


@dataclass(frozen=True)
class Matching:
    """How similar records are found: what was learned is kept in the lake, by the partition it was learned on."""

    lake: Lake
    session: Backend
    key: Secret
    records: Records
    rules: Rules = PEOPLE
    least_records: int = LEAST_RECORDS
    kept_from: int = KEPT_FROM

    def stored(self, partition: Partition) -> TrainedModel | None:
        """The model that judges a partition, where it was learned already.

        That is the one of `learned_on`, and where there was too little to learn from then, one of the day's own.
        """
        return self._note(learned_on(partition)) or self._note(partition)

    def learn(self, partition: Partition) -> TrainedModel | None:
        """The model of the records of a partition, learned if it is not there yet. None when there is too little."""
        return self._note(partition) or self._learn(partition, self._contacts(self.records(partition)))

    def pairs(self, partition: Partition, records: ir.Table) -> ir.Table | None:
        """Every pair worth a look, the columns of `match_pair`, which is published; None without a model.

        The pairs depend on the records and the model only. What is taken over from another day is what would be found
        anew: a pair of which both records have the same values and share the same blocks as then.
        """
        contacts = keep(self.session, self._contacts(records))
        count = int(self.session.to_pyarrow(contacts.count()).as_py())
        model = self._model(partition, contacts) if count >= self.least_records else None
        if model is None:
            return None
        candidates = Candidates.of(self.session, contacts, model.rules)
        if count < self.kept_from:
            found = _stored_form(judged(candidates, model), model)
        else:
            states = keep(self.session, _states(candidates, self.key))
            found = self._with_earlier(partition, model, candidates, states)
            self.lake.write(self.session, MATCH_STATE, partition, states)
        self.lake.write(self.session, MATCH_PAIR, partition, found)
        self.lake.note(_PAIRS, partition, {"model": model.version, "states": count >= self.kept_from})
        return self.lake.read(self.session, MATCH_PAIR, partition)

    def likely(self, partition: Partition, records: ir.Table, accept: float | None = None) -> ir.Table | None:
        """The pairs that are one person: those the rules accept, or those from another probability on."""
        found = self.pairs(partition, records)
        return (
            None
            if found is None
            else found.filter(_.match_probability >= (self.rules.accept if accept is None else accept))
        )

    def published(self, partition: Partition) -> ir.Table | None:
        """The pairs of a partition as they were found last; None when none were looked for."""
        is_there = self.lake.note(_PAIRS, partition)
        return self.lake.read(self.session, MATCH_PAIR, partition) if is_there else None

    def _model(self, partition: Partition, contacts: ir.Table) -> TrainedModel | None:
        return self.stored(partition) or self.learn(learned_on(partition)) or self._learn(partition, contacts)

    def _learn(self, partition: Partition, contacts: ir.Table) -> TrainedModel | None:
        if int(self.session.to_pyarrow(contacts.count()).as_py()) < self.least_records:
            return None
        try:
            model = train(self.session, contacts, self.rules)
        except ModelError:  # no two records share a block
            return None
        self.lake.note(_MODELS, partition, {"model": model.to_json(), "from": self._from(partition)})
        return model

    def _note(self, partition: Partition) -> TrainedModel | None:
        noted = self.lake.note(_MODELS, partition)
        return TrainedModel.from_json(str(noted["model"])) if noted.get("from") == self._from(partition) else None

    def _from(self, partition: Partition) -> str:
        """Changes when a model of the partition has to be learned again: other rules, or rows that came late."""
        contacts = [raw(source, "contact") for source in self.lake.sources_of("contact")]
        return self.lake.fingerprint(contacts, through=partition, extra=self.rules.fingerprint)

    def _with_earlier(
        self, partition: Partition, model: TrainedModel, candidates: Candidates, states: ir.Table
    ) -> ir.Table:
        """Pairs of another day that are the same today, and the pairs of the records that changed since."""
        before = self._other_day(partition, model)
        if before is None:
            return _stored_form(judged(candidates, model), model)
        known = self.lake.read(self.session, MATCH_STATE, before)
        same = keep(self.session, states.semi_join(known, ["record_key", "state"]).select("record_key"))
        pairs = self.lake.read(self.session, MATCH_PAIR, before)
        both = pairs.semi_join(same.select(left_key="record_key"), "left_key")
        taken = both.semi_join(same.select(right_key="record_key"), "right_key")
        anew = judged(_touching(candidates, states.anti_join(same, "record_key")), model)
        return ibis.union(taken, _stored_form(anew, model))

    def _other_day(self, partition: Partition, model: TrainedModel) -> Partition | None:
        """The nearest day whose pairs the same model found, an earlier one first; the day itself counts."""
        noted = self.lake.notes(_PAIRS)
        days = [day for day, note in noted.items() if note == {"model": model.version, "states": True}]
        earlier = [day for day in days if day <= partition]
        return max(earlier) if earlier else min(days, default=None)

    def _contacts(self, records: ir.Table) -> ir.Table:
        return records.filter(~records.record_key.startswith(ADDRESS))


def learned_on(partition: Partition) -> Partition:
    """The Sunday that ends the last week but one before a day: late rows of it have come by then."""
    return Partition(partition.day - timedelta(days=partition.day.isoweekday() + 7))


def _states(candidates: Candidates, key: Secret) -> ir.Table:
    """What the pairs of a record depend on beside the model, as a keyed hash: `record_key`, `state`.

    Its compared values, and its blocks: a block that grows too large is made smaller, and has other pairs then.
    """
    values, numbers = candidates.values, candidates.blocks.numbers
    columns = {"id": np.arange(candidates.records, dtype=np.int32)} | {f"b{i}": n for i, n in enumerate(numbers)}
    name = ibis.util.gen_name("blocks")
    candidates.session.con.register(name, pa.table(columns))
    both = values.join(candidates.session.table(name), "id")
    told = [c for c in values.columns if c not in {"id", "record_key"} and not c.startswith("in_")]
    texts = [both[c].cast("string").fill_null("") for c in told] + [
        both[f"b{i}"].cast("string") for i in range(len(numbers))
    ]
    return both.select("record_key", state=pseudonyms(ibis.literal("\x1f").join(texts), key))


def _touching(candidates: Candidates, changed: ir.Table) -> Candidates:
    """The candidates of pairs with at least one of these records; only their blocks are looked at."""
    ids = candidates.session.to_pyarrow(candidates.values.semi_join(changed, "record_key").select("id"))[
        "id"
    ].to_numpy()
    wanted = np.zeros(candidates.records, dtype=np.bool_)
    wanted[ids] = True
    blocks = candidates.blocks
    numbers = tuple(np.where(np.isin(n, n[wanted]), n, 0).astype(n.dtype) for n in blocks.numbers)
    return replace(candidates, changed=wanted, blocks=replace(blocks, numbers=numbers))


def _stored_form(pairs: ir.Table, model: TrainedModel) -> ir.Table:
    """Scored pairs as `match_pair` has them: what each comparison said is one text."""
    said = [
        ibis.literal(f'"{c.column}": [') + pairs[f"level_{c.column}"].cast("string") + ", "
        + pairs[f"weight_{c.column}"].round(2).cast("string") + "]"
        for c in model.rules.comparisons
    ]  # fmt: skip
    return pairs.select(
        "left_key",
        "right_key",
        "match_weight",
        "match_probability",
        said=ibis.literal("{") + ibis.literal(", ").join(said) + "}",
    )
