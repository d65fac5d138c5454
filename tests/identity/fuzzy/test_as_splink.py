"""splink, given our declaration and what was learned, is the oracle of our scorer: it computes the same pairs in SQL."""

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import pytest
from ibis.backends.duckdb import Backend

from audience.core.engine import engine, keep
from audience.core.errors import DeclarationError
from audience.identity.fuzzy import PEOPLE
from audience.identity.fuzzy.as_splink import SPARK, settings, splink_pairs
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.scoring import accepted, judged
from audience.identity.fuzzy.training import learn
from audience.identity.match_file import match_file
from bench.crowd import crowd
from bench.place import Place

Pairs = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.fixture(scope="module")
def session() -> Iterator[Backend]:
    with engine(memory_limit="1GB") as opened:
        yield opened


@pytest.fixture(scope="module")
def candidates(session: Backend, tmp_path_factory: pytest.TempPathFactory) -> Candidates:
    """4,000 invented contacts, 8 % of them somebody's again with typing errors. A third of the mailboxes are called as their
    owners, others are mistyped or at another provider."""
    place = Place(tmp_path_factory.mktemp("crowd"), 4_000, None, "")
    told = session.read_parquet(crowd(place, 4_000)).drop("person")
    as_owner, elsewhere = told.email.re_replace("[0-9]", ""), told.email.replace("post", "letter").replace("web", "net")
    spelled = [
        as_owner,
        as_owner.re_replace("^([a-z]+)[.]", r"\1_"),
        told.email.re_replace("^([a-z]+)[.]", r"\1y"),
        elsewhere,
        told.email,
    ]
    nth = told.record_key.right(4).cast("int32") % 5
    email = ibis.cases(*((nth == n, email) for n, email in enumerate(spelled)))
    records = keep(session, told.mutate(email=email))
    return Candidates.of(session, records, PEOPLE.of_columns(records.columns))


def by_keys(session: Backend, pairs: Any) -> Pairs:
    return {(p["left_key"], p["right_key"]): p for p in session.to_pyarrow(pairs).to_pylist()}


def test_splink_finds_the_same_pairs_and_gives_them_the_same_weights(session: Backend, candidates: Candidates) -> None:
    model = learn(candidates)

    mine, theirs = (judged(candidates, model), splink_pairs(candidates, model))

    ours, splinks = by_keys(session, mine), by_keys(session, theirs)
    assert len(ours) > 250
    both = ours.keys() & splinks.keys()
    # Damerau's distance and the restricted one differ for an edit within two swapped letters: nobody here has that.
    assert len(both) / len(ours | splinks) > 0.995
    alike = [
        pair for pair in both if ours[pair]["match_weight"] == pytest.approx(splinks[pair]["match_weight"], abs=0.01)
    ]
    assert len(alike) / len(both) > 0.99
    levels = [name for name in next(iter(ours.values())) if name.startswith("level_")]
    assert {name for pair in alike for name in levels if ours[pair][name] != splinks[pair][name]} == set()
    assert {pair["level_email"] for pair in ours.values()} >= set(range(-1, 6))
    one_person = [set(by_keys(session, accepted(pairs, PEOPLE.accept))) for pairs in (mine, theirs)]
    assert len(one_person[0] & one_person[1]) / len(one_person[0] | one_person[1]) > 0.995


def test_each_level_has_a_condition_and_what_it_is_worth(candidates: Candidates) -> None:
    model = learn(candidates)
    told = settings(model)
    for comparison, learned, declared in zip(told["comparisons"], model.learned, model.rules.comparisons, strict=True):
        unknown, *levels = comparison["comparison_levels"]
        assert unknown["is_null_level"]
        assert [level["label_for_charts"] for level in reversed(levels)] == list(declared.levels)
        assert tuple(level["m_probability"] for level in reversed(levels)) == learned.m
        assert [level["sql_condition"] for level in levels].count("ELSE") == 1
    on_spark = str(settings(model, SPARK))
    assert "array_intersect" in on_spark and "jaro_winkler_similarity" not in on_spark


def town(path: Path) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "prenom", "nom", "naissance"])
        for n in range(300):
            born = f"19{40 + n % 50}-0{1 + n % 9}-1{n % 7}"
            name = f"Aub{'aeiou'[n % 5]}rt{'bcdfghjklm'[n // 30]}{'nprst'[n % 30 // 6]}"
            first = ("Anne", "Bruno", "Chloé", "Driss")[n % 4]
            rows.writerow([f"{n}", first, name, born])
            if n % 10 == 0:
                rows.writerow([f"{n}-again", first, f"{name}e", born])
    return path


def test_a_file_is_matched_by_splink_as_by_our_own(session: Backend, tmp_path: Path) -> None:
    people, mapped = town(tmp_path / "people.csv"), {"naissance": "birth_date"}

    own = match_file(session, people, tmp_path / "own.csv", mapped=mapped)
    theirs = match_file(session, people, tmp_path / "splink.csv", mapped=mapped, engine="splink")

    assert own.accepted >= 30
    assert theirs == own
    assert (tmp_path / "own.csv").read_text() == (tmp_path / "splink.csv").read_text()


def test_without_splink_it_is_told_how_to_install_it(candidates: Candidates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "splink", None)

    with pytest.raises(DeclarationError, match="pip install 'splink>=5'"):
        splink_pairs(candidates, learn(candidates))
