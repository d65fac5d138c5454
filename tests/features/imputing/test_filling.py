"""Everybody gets what is known of them, else a guess that says it is one; a past day gets the guesses it had."""

from typing import Any

import pytest
from ibis.backends.duckdb import Backend

from audience.core.errors import ModelError
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import FEATURES, IMPUTED
from audience.features.imputing.declaration import Impute
from audience.features.imputing.filling import fill
from audience.features.imputing.learning import fit, guesses, known
from audience.features.imputing.stored import for_day, learn, load
from features.imputing.told import MONDAY, SUNDAY, features, tellers

ASKED: list[dict[str, Any]] = [{"person_id": "told", "age_years": 33}, {"person_id": "silent", "spend_365d_eur": 200}]


def filled(lake: Lake, duck: Backend, day: Partition = MONDAY) -> dict[str, dict[str, Any]]:
    """IMPUTED of a day on which those of ASKED are known, by person."""
    lake.write(duck, FEATURES, day, features(ASKED))
    fill(lake, duck, day)
    return {r["person_id"]: r for r in duck.to_pyarrow(lake.read(duck, IMPUTED, day)).to_pylist()}


def test_a_guess_is_flagged_and_what_is_known_stays(lake: Lake, duck: Backend) -> None:
    version = learn(lake, duck, SUNDAY, features(tellers()))
    found = filled(lake, duck)
    assert (found["told"]["filled_age_years"], found["told"]["age_years_is_imputed"]) == (33, False)
    assert 20 <= found["silent"]["filled_age_years"] <= 80
    assert found["silent"]["age_years_is_imputed"] is True
    assert found["silent"]["imputed_by"] == str(version)


def test_features_keep_the_unknown(lake: Lake, duck: Backend) -> None:
    learn(lake, duck, SUNDAY, features(tellers()))
    filled(lake, duck)
    rows = duck.to_pyarrow(lake.read(duck, FEATURES, MONDAY)).to_pylist()
    assert {r["person_id"]: r["age_years"] for r in rows} == {"told": 33, "silent": None}


def test_a_column_that_nobody_told_stays_unknown(lake: Lake, duck: Backend) -> None:
    learn(lake, duck, SUNDAY, features(tellers()))
    found = filled(lake, duck)["silent"]
    assert (found["filled_kids"], found["kids_is_imputed"]) == (None, False)


def test_before_the_first_training_nothing_is_guessed(lake: Lake, duck: Backend) -> None:
    found = filled(lake, duck)
    assert (found["told"]["filled_age_years"], found["silent"]["filled_age_years"]) == (33, None)
    assert not any(row["age_years_is_imputed"] or row["imputed_by"] for row in found.values())


def test_a_day_never_sees_imputers_of_its_own_day_or_later(lake: Lake, duck: Backend) -> None:
    learn(lake, duck, MONDAY, features(tellers()))
    assert for_day(lake, MONDAY) is None
    assert for_day(lake, MONDAY.next) is not None


def test_a_past_day_gets_the_guesses_it_had(lake: Lake, duck: Backend) -> None:
    learn(lake, duck, SUNDAY, features(tellers()))
    before = filled(lake, duck)
    learn(lake, duck, MONDAY.plus(6), features({**p, "age_years": 99} for p in tellers()))
    learn(lake, duck, SUNDAY, features({**p, "age_years": 99} for p in tellers()))  # late rows: learned already
    assert filled(lake, duck) == before
    assert filled(lake, duck, MONDAY.plus(7))["silent"]["filled_age_years"] == 99


def test_imputers_of_another_declaration_are_not_used(lake: Lake, duck: Backend) -> None:
    learn(lake, duck, SUNDAY, features(tellers()), rules=())
    assert for_day(lake, MONDAY) is None


def test_every_strategy_is_kept_as_it_was_learned(lake: Lake, duck: Backend) -> None:
    rows = features({**p, "kids": "02"[n % 2]} for n, p in enumerate(tellers()))
    rules = [
        Impute("age_years", "knn", "region", ("spend_365d_eur",)),
        Impute("kids", "iterative", None, ("age_years",)),
    ]
    loaded = load(lake, learn(lake, duck, SUNDAY, rows, rules), rules)
    for rule, kept in zip(rules, loaded, strict=True):
        learned, people = fit(duck, rows, rule), known(duck, rows, rules, most=60)
        assert learned is not None
        assert guesses(kept, people).tolist() == guesses(learned, people).tolist()


def test_damaged_imputers_are_an_error_and_no_guess(lake: Lake, duck: Backend) -> None:
    learn(lake, duck, SUNDAY, features(tellers()))
    lake.note("imputer_files", SUNDAY, {"skops": "AAAA"})
    with pytest.raises(ModelError, match="imputers 2026-11-15/.*: found none that load"):
        filled(lake, duck)


def test_batches_change_nothing(lake: Lake, duck: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [{"spend_365d_eur": 10 * n} for n in range(50)]
    learn(lake, duck, SUNDAY, features(tellers()))
    lake.write(duck, FEATURES, MONDAY, features(people))
    whole = fill(lake, duck, MONDAY).written.content_hash
    monkeypatch.setattr("audience.features.imputing.filling.BATCH", 7)
    assert fill(lake, duck, MONDAY).written.content_hash == whole
