"""Similar records of a partition: the model that judges them, learned once a week and kept, and the pairs it finds."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.errors import ModelError
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import MATCH_PAIR, MATCH_STATE, raw
from audience.identity.clusters import ADDRESS
from audience.identity.fuzzy import PEOPLE, Rules, TrainedModel, train
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.increment import States, increment, states_of, states_since
from audience.identity.fuzzy.keyed import number_key
from audience.identity.fuzzy.scoring import accepted, judged

LEAST_RECORDS = 200
"""Contacts without which nothing is learned: shares of fewer are chance."""

KEPT_FROM = 50_000
"""Contacts from which pairs are taken over from another day. Fewer are compared anew in less time than that takes."""

KEPT_UNTIL = 0.05
"""States are kept again when more than this share of the records changed since: until then they serve day after day."""

ANEW_FROM = 0.2
"""When more than this share changed, comparing everybody costs less than finding out who is touched."""

_MODELS, _PAIRS = "match_models", "match_pairs"

Records = Callable[[Partition], ir.Table]
"""The person records of a partition."""


@dataclass(frozen=True)
class _Found:
    """Pairs as they are stored.

    Args:
        states: where they are worth keeping.
        states_hold: whether those that the day has are still true.
    """

    pairs: ir.Table
    states: States | None = None
    states_hold: bool = False


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
        anew: a pair of which both records tell the same and share the same blocks as then.
        """
        contacts = keep(self.session, self._contacts(records))
        count = int(self.session.to_pyarrow(contacts.count()).as_py())
        model = self._model(partition, contacts) if count >= self.least_records else None
        if model is None:
            return None
        found = self._since_kept(partition, model, contacts) if count >= self.kept_from else None
        self._publish(partition, model, found or self._anew(model, contacts, keep_states=count >= self.kept_from))
        return self.lake.read(self.session, MATCH_PAIR, partition)

    def likely(self, partition: Partition, records: ir.Table, accept: float | None = None) -> ir.Table | None:
        """The pairs that are one person: those the rules accept, or those from another probability on."""
        found = self.pairs(partition, records)
        return None if found is None else accepted(found, self.rules.accept if accept is None else accept)

    def published(self, partition: Partition) -> ir.Table | None:
        """The pairs of a partition as they were found last; None when none were looked for."""
        is_there = "made_by" in self.lake.note(_PAIRS, partition)
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

    def _anew(self, model: TrainedModel, contacts: ir.Table, *, keep_states: bool) -> _Found:
        candidates = Candidates.of(self.session, contacts, model.rules)
        pairs = _stored_form(judged(candidates, model), model)
        if not keep_states:
            return _Found(pairs)
        return _Found(pairs, states_of(self.session, contacts, candidates, number_key(self.key)))

    def _since_kept(self, partition: Partition, model: TrainedModel, contacts: ir.Table) -> _Found | None:
        """The pairs of a day whose states were kept, and those of who changed since; None where too many did."""
        day = self._kept_day(partition, model)
        if day is None:
            return None
        kept = self.lake.read(self.session, MATCH_STATE, day)
        since = states_since(self.session, contacts, kept, model.rules.parts, number_key(self.key))
        if since.share > ANEW_FROM:
            return None
        before = self.lake.read(self.session, MATCH_PAIR, day)
        new = increment(self.session, contacts, model, since, before)
        both = ibis.union(before.anti_join(new.parted, ["left_key", "right_key"]), _stored_form(new.pairs, model))
        is_own, is_worn = day == partition, since.share > KEPT_UNTIL
        if is_worn or (is_own and since.share):
            return _Found(both, since.now)
        return _Found(both, states_hold=is_own)

    def _publish(self, partition: Partition, model: TrainedModel, found: _Found) -> None:
        pairs = self.lake.write(self.session, MATCH_PAIR, partition, found.pairs)
        states = self.lake.note(_PAIRS, partition).get("states") if found.states_hold else None
        if found.states is not None:
            told = found.states.table(self.session)
            others = {name: ibis.null("int64") for name in MATCH_STATE.names if name not in told.columns}
            states = self.lake.write(self.session, MATCH_STATE, partition, told.mutate(**others)).content_hash
        self.lake.note(_PAIRS, partition, {"made_by": _made_by(model), "pairs": pairs.content_hash, "states": states})

    def _kept_day(self, partition: Partition, model: TrainedModel) -> Partition | None:
        """The nearest day with states, whose pairs the same model found, an earlier one first; the day itself counts.

        States and pairs have to be those that were noted together: a run that was killed between them counts for nothing.
        """
        days = [day for day, note in self.lake.notes(_PAIRS).items() if self._holds(day, note, model)]
        earlier = [day for day in days if day <= partition]
        return max(earlier) if earlier else min(days, default=None)

    def _holds(self, day: Partition, noted: dict[str, object], model: TrainedModel) -> bool:
        def there(table: Table) -> list[str]:
            return [file.content_hash for file in self.lake.publications(table, through=day, since=day)]

        return (
            noted.get("made_by") == _made_by(model)
            and there(MATCH_PAIR) == [noted["pairs"]]
            and there(MATCH_STATE) == [noted["states"]]
        )

    def _contacts(self, records: ir.Table) -> ir.Table:
        return records.filter(~records.record_key.startswith(ADDRESS))


def learned_on(partition: Partition) -> Partition:
    """The Sunday that ends the last week but one before a day: late rows of it have come by then."""
    return Partition(partition.day - timedelta(days=partition.day.isoweekday() + 7))


@cache
def _code() -> str:
    """A hash of what compares: pairs of other code are not taken over."""
    files = sorted(Path(__file__).with_name("fuzzy").glob("**/*.py"))
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]


def _made_by(model: TrainedModel) -> str:
    return f"{model.version} {_code()}"


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
        "may_be_relative",
        said=ibis.literal("{") + ibis.literal(", ").join(said) + "}",
    )
