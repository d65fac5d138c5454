"""The people of a file: read, learned, matched, measured where the truth is told, written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow.csv as pa_csv
from ibis.backends.duckdb import Backend

from audience.core.engine import batches, keep
from audience.identity.fuzzy import PEOPLE, Rules
from audience.identity.fuzzy.as_splink import splink_pairs
from audience.identity.fuzzy.blocking import Found
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.forms import columns_of, set_aside
from audience.identity.fuzzy.scoring import accepted, judged
from audience.identity.fuzzy.training import learn
from audience.identity.measured import Score, grouped, score_clusters, score_pairs
from audience.identity.people_file import read_people

Engine = Literal["own", "splink"]


@dataclass(frozen=True)
class MatchedFile:
    """The numbers of a run.

    Args:
        accepted: pairs that are one person; `to_review`: pairs that a person should look at.
        nothing_told: by column, values that say nothing.
        scores: by name, what was measured; empty without a truth.
    """

    columns: Mapping[str, tuple[str, ...]]
    records: int
    clusters: int
    accepted: int
    to_review: int
    model: str
    nothing_told: Mapping[str, int]
    blocks: tuple[Found, ...]
    scores: Mapping[str, Score]


def match_file(
    session: Backend,
    people: Path,
    out: Path,
    *,
    mapped: Mapping[str, str] | None = None,
    truth: str | None = None,
    rules: Rules = PEOPLE,
    engine: Engine = "own",
) -> MatchedFile:
    """Writes `record_key` and `cluster`, the key of its first record, for each row. Raises as `read_people` and `train`.

    Args:
        engine: what compares the pairs; they are found, and what a level is worth is learned, in the same way.
    """
    file = read_people(session, people, mapped=mapped, truth=truth)
    candidates = Candidates.of(session, file.records, rules.of_columns(columns_of(file.records)))
    model = learn(candidates)
    pairs = splink_pairs(candidates, model) if engine == "splink" else judged(candidates, model)
    one_person = keep(session, accepted(pairs, rules.accept))
    clusters = keep(session, grouped(session, file.records, one_person))
    scores = {}
    if truth:
        told = file.records.select("record_key", "truth")
        scores["pairs accepted"] = score_pairs(session, one_person, told)
        scores["pairs in clusters"], scores["whole clusters"] = score_clusters(session, clusters, told)
    with batches(session, clusters.order_by("cluster", "record_key")) as reader:
        with pa_csv.CSVWriter(out, reader.schema) as writer:
            for part in reader:
                writer.write(part)
    sizes = clusters.aggregate(records=clusters.count(), clusters=clusters.cluster.nunique())
    counted = session.to_pyarrow(sizes).to_pylist()[0]
    close, sure = (int(session.to_pyarrow(t.count()).as_py()) for t in (pairs, one_person))
    return MatchedFile(
        columns=file.columns,
        records=counted["records"],
        clusters=counted["clusters"],
        accepted=sure,
        to_review=close - sure,
        model=model.version,
        nothing_told=set_aside(session, file.records, candidates.values),
        blocks=candidates.blocks.found,
        scores=scores,
    )
