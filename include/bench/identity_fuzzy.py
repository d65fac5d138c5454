"""Similar records: ours, splink with its published settings, and plain exact matching, by what they find and how fast."""

import sys
from collections.abc import Callable
from functools import partial, update_wrapper

from audience.identity.measured import Score
from bench.identity_data import Dataset, datasets
from bench.identity_splink import splink_run
from bench.measure import Run, Step, Stopwatch, Usual, Way, run
from bench.place import Place


def measure_fuzzy(place: Place) -> list[Step]:
    """One line for each file; what was found is a table of its own, on stderr. Ours at the declared threshold, splink at
    the one that is best by the truth."""
    steps = []
    rivals: dict[tuple[str, str], Run] = {}
    for data in datasets(place):
        exact, mine = run(_way(plain, data), place), run(_way(ours, data), place)
        # Two sets of our blocks, one run of theirs.
        key = (str(data.path), data.tutorial)
        rivals[key] = theirs = rivals.get(key) or run(_way(splink_run, data), place)
        for name, found in (("ours", mine), ("splink", theirs), ("plain exact", exact)):
            _say(data.name, name, found)
        size = f"{data.name}: {mine.answer['records']:,} records"
        usual = Usual.of("splink", theirs)
        steps.append(Step("identity, fuzzy", size, mine, exact, "plain exact matching", usual))
        if "all blocks" in data.name:
            daily = run(_way(increment, data), place)
            size = f"{data.name}: 1 % of {mine.answer['records']:,} are new"
            steps.append(Step("identity, daily", size, daily, mine, "all pairs again"))
    return steps


def _way(of: Callable[[Dataset, Place, Stopwatch], object], data: Dataset) -> Way:
    return update_wrapper(partial(of, data), of)


def _say(data: str, way: str, found: Run) -> None:
    for of in ("pairs", "clusters"):
        s: Score = found.answer[of]
        sys.stderr.write(
            f"    {data:30} {way:12} {of:9} precision {s.precision:.4f}  recall {s.recall:.4f}  F1 {s.f1:.4f}"
            f"  {found.seconds:7.2f} s  {found.peak_mb:6.0f} MB\n"
        )


def ours(data: Dataset, _place: Place, watch: Stopwatch) -> object:
    """Read, learned, compared, clustered."""
    from audience.core.engine import engine, keep
    from audience.identity.fuzzy.candidates import Candidates
    from audience.identity.fuzzy.forms import columns_of
    from audience.identity.fuzzy.scoring import judged
    from audience.identity.fuzzy.training import learn
    from audience.identity.measured import grouped, score_clusters

    while watch.again():
        with engine(memory_limit="2GB") as session:
            with watch.lap():
                records = records_of(session, data)
                candidates = Candidates.of(session, records, data.rules.of_columns(columns_of(records)))
                model = learn(candidates)
                pairs = judged(candidates, model)
                accepted = pairs.filter(pairs.match_probability >= data.rules.accept)
                clusters = keep(session, grouped(session, records, accepted))
            truth = records.select("record_key", "truth")
            of_pairs, of_clusters = score_clusters(session, clusters, truth)
            if not watch.again():
                return {"records": candidates.records, "pairs": of_pairs, "clusters": of_clusters}
    return None


def increment(data: Dataset, _place: Place, watch: Stopwatch) -> object:
    """The pairs of 1 % of the records, with a model and the compared values of the day before."""
    from audience.core.engine import engine
    from audience.identity.fuzzy import scored_pairs
    from audience.identity.fuzzy.candidates import Candidates
    from audience.identity.fuzzy.forms import columns_of
    from audience.identity.fuzzy.training import learn

    with engine(memory_limit="2GB") as session:
        records = records_of(session, data)
        before = Candidates.of(session, records, data.rules.of_columns(columns_of(records)))
        model = learn(before)
        changed = records.filter(records.record_key.hash() % 100 == 7).select("record_key")
        while watch.again():
            with watch.lap():
                pairs = scored_pairs(session, records, model, changed=changed, earlier=before.values)
        return int(session.to_pyarrow(pairs.count()).as_py())


def plain(data: Dataset, _place: Place, watch: Stopwatch) -> object:
    """The same names and the same date of birth, in lower case: one person."""
    from audience.core.engine import engine, keep
    from audience.identity.measured import score_clusters

    while watch.again():
        with engine(memory_limit="2GB") as session:
            with watch.lap():
                records = records_of(session, data)
                same = (
                    records.first_name.lower() + "|" + records.last_name.lower() + "|" + records.birth_date
                ).fill_null(records.record_key)
                clusters = keep(session, records.select("record_key", cluster=same))
            of_pairs, of_clusters = score_clusters(session, clusters, records.select("record_key", "truth"))
            count = int(session.to_pyarrow(records.count()).as_py())
            if not watch.again():
                return {"records": count, "pairs": of_pairs, "clusters": of_clusters}
    return None


def records_of(session, data: Dataset):  # type: ignore[no-untyped-def]
    """`record_key`, what can be compared, and `truth`."""
    from audience.identity.people_file import read_people

    if data.path.suffix == ".csv":
        return read_people(session, data.path, truth=data.truth).records
    return session.read_parquet(data.path).rename(truth="person").mutate(truth=lambda t: t.truth.cast("string"))
