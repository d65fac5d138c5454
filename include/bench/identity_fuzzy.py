"""Similar records: ours, splink with its published settings, and plain exact matching, by what they find and how fast."""

import sys
from collections.abc import Callable
from functools import partial, update_wrapper

from audience.identity.measured import Score
from bench.identity_data import Dataset, datasets
from bench.identity_splink import splink_run
from bench.measure import Run, Step, Stopwatch, Usual, Way, equal, run
from bench.place import Place


def measure_fuzzy(place: Place) -> list[Step]:
    """One line for each file; what was found is a table of its own, on stderr. Ours at the declared threshold, splink at
    the one that is best by the truth."""
    steps = []
    rivals: dict[tuple[str, str], Run] = {}
    for data in datasets(place):
        exact, mine = run(_way(plain, data), place), run(_way(ours, data), place)
        shown = {"ours": mine, "plain exact": exact}
        # Two sets of our blocks, one run of theirs.
        key = (str(data.path), data.tutorial)
        if data.beside_splink:
            rivals[key] = shown["splink"] = rivals.get(key) or run(_way(splink_run, data), place)
        for name, found in shown.items():
            _say(data.name, name, found)
        size = f"{data.name}: {mine.answer['records']:,} records"
        usual = Usual.of("splink", rivals[key]) if key in rivals else None
        steps.append(Step("identity, fuzzy", size, mine, exact, "plain exact matching", usual))
        if "all blocks" in data.name:
            daily, anew = run(_way(increment, data), place), run(_way(scored_anew, data), place)
            equal("identity, daily", daily, anew)
            for name, found in {"increment": daily, "anew": anew}.items():
                sys.stderr.write(f"    {data.name:30} {name:12} {_took(found)}\n")
            size = f"{data.name}: 1 % of {mine.answer['records']:,} are new or have moved"
            steps.append(Step("identity, daily", size, daily, anew, "all pairs, with the same model"))
    return steps


def _way(of: Callable[[Dataset, Place, Stopwatch], object], data: Dataset) -> Way:
    return update_wrapper(partial(of, data), of)


def _took(found: Run) -> str:
    return f"{found.seconds:7.2f} s  {found.processor_s:7.2f} s of processor time  {found.peak_mb:6.0f} MB"


def _say(data: str, way: str, found: Run) -> None:
    for of in ("pairs", "clusters"):
        s: Score = found.answer[of]
        sys.stderr.write(
            f"    {data:30} {way:12} {of:9} precision {s.precision:.4f}  recall {s.recall:.4f}  F1 {s.f1:.4f}"
            f"  {_took(found)}\n"
        )


def ours(data: Dataset, _place: Place, watch: Stopwatch) -> object:
    """Read, learned, compared, clustered."""
    from audience.core.engine import engine, keep
    from audience.identity.fuzzy.candidates import Candidates
    from audience.identity.fuzzy.forms import columns_of
    from audience.identity.fuzzy.scoring import accepted, judged
    from audience.identity.fuzzy.training import learn
    from audience.identity.measured import grouped, score_clusters

    while watch.again():
        with engine(memory_limit="2GB") as session:
            with watch.lap():
                records = records_of(session, data)
                candidates = Candidates.of(session, records, data.rules.of_columns(columns_of(records)))
                model = learn(candidates)
                pairs = judged(candidates, model)
                clusters = keep(session, grouped(session, records, accepted(pairs, data.rules.accept)))
            truth = records.select("record_key", "truth")
            of_pairs, of_clusters = score_clusters(session, clusters, truth)
            if not watch.again():
                return {"records": candidates.records, "pairs": of_pairs, "clusters": of_clusters}
    return None


def scored_anew(data: Dataset, _place: Place, watch: Stopwatch) -> object:
    """The day as a whole, with a model: prepared, compared, and what is kept of it."""
    from audience.core.engine import engine, keep
    from audience.identity.fuzzy.candidates import Candidates
    from audience.identity.fuzzy.increment import states_of
    from audience.identity.fuzzy.keyed import number_key
    from audience.identity.fuzzy.scoring import judged
    from bench.place import KEY

    with engine(memory_limit="2GB") as session:
        model, _, today = _two_days(session, data)
        while watch.again():
            with watch.lap():
                candidates = Candidates.of(session, today, model.rules)
                pairs = judged(candidates, model)
                keep(session, states_of(session, today, candidates, number_key(KEY)).table(session))
        return _content(session, pairs)


def increment(data: Dataset, _place: Place, watch: Stopwatch) -> object:
    """The same from what was kept of the day before."""
    from audience.core.engine import engine, keep
    from audience.identity.fuzzy.candidates import Candidates
    from audience.identity.fuzzy.increment import increment as scored_since
    from audience.identity.fuzzy.increment import states_of, states_since
    from audience.identity.fuzzy.keyed import number_key
    from audience.identity.fuzzy.scoring import judged
    from bench.place import KEY

    with engine(memory_limit="2GB") as session:
        key = number_key(KEY)
        model, yesterday, today = _two_days(session, data)
        candidates = Candidates.of(session, yesterday, model.rules)
        before = judged(candidates, model)
        kept = keep(session, states_of(session, yesterday, candidates, key).table(session))
        del candidates
        while watch.again():
            with watch.lap():
                since = states_since(session, today, kept, model.rules.parts, key)
                new = scored_since(session, today, model, since, before)
                pairs = keep(session, before.anti_join(new.parted, ["left_key", "right_key"]).union(new.pairs))
        return _content(session, pairs)


def _two_days(session, data: Dataset):  # type: ignore[no-untyped-def]
    """A model, the records of a day, and those of the next: half a percent are new, and as many have moved."""
    import ibis

    from audience.core.engine import keep
    from audience.identity.fuzzy import train

    today = keep(session, records_of(session, data).drop("truth"))
    part = today.record_key.hash().abs() % 200
    yesterday = keep(
        session,
        today.filter(part != 7).mutate(
            address=(part == 8).ifelse(ibis.literal("1 rue d'Avant"), today.address),
            postal_code=(part == 8).ifelse(ibis.literal("99138"), today.postal_code),
        ),
    )
    return train(session, yesterday, data.rules), yesterday, today


def _content(session, pairs) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """How many pairs, and a number of all keys and weights, in whatever order."""
    told = pairs.aggregate(
        n=pairs.count(),
        content=(pairs.left_key + pairs.right_key + pairs.match_weight.round(6).cast("string")).hash().bit_xor(),
    )
    row = session.to_pyarrow(told).to_pylist()[0]
    return int(row["n"]), int(row["content"])


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
    rows = session.read_parquet(data.path).rename(truth="person").mutate(truth=lambda t: t.truth.cast("string"))
    if "record_key" in rows.columns:
        return rows
    told = ("first_name", "last_name", "birth_date", "postal_code", "city", "email", "phone")
    return rows.select(
        "truth",
        *told,
        record_key=rows.source + ":" + rows.source_id,
        reference=rows.customer_ref,
    ).mutate(birth_date=lambda t: t.birth_date.cast("string"))
