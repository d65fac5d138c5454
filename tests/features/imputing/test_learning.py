"""Each strategy guesses as scikit-learn would by hand."""

import pytest
from ibis.backends.duckdb import Backend

from audience.features.imputing.declaration import Impute
from audience.features.imputing.learning import FEWEST, fit, guesses, known
from features.imputing.told import features, tellers


def guess(
    duck: Backend, rule: Impute, *people: dict[str, object], learned_from: list[dict[str, object]]
) -> list[float]:
    imputer = fit(duck, features(learned_from), rule)
    assert imputer is not None
    asked = features([{rule.column: 1 if rule.column != "kids" else "0", **person} for person in people])
    return guesses(imputer, known(duck, asked, (rule,), most=100)).tolist()


def test_mean_median_and_the_most_frequent_are_of_everybody(duck: Backend) -> None:
    ages = [{"age_years": age} for age in (*[20] * 20, *[30] * 15, *[90] * 5)]
    asked = {"region": "75"}
    assert guess(duck, Impute("age_years", "mean"), asked, learned_from=ages) == [32.0]  # (400 + 450 + 450) / 40 = 32.5
    assert guess(duck, Impute("age_years", "median"), asked, learned_from=ages) == [25.0]  # between 20 and 30
    assert guess(duck, Impute("age_years", "most_frequent"), asked, learned_from=ages) == [20.0]


def test_a_group_has_a_guess_of_its_own(duck: Backend) -> None:
    rule = Impute("age_years", "median", by="region")
    asked = ({"region": "75"}, {"region": "69"}, {"region": "13"}, {"region": None})
    assert guess(duck, rule, *asked, learned_from=tellers(60)) == [30.0, 70.0, 50.0, 50.0]


def test_a_small_group_has_the_guess_of_everybody(duck: Backend) -> None:
    few = [*tellers(60), *({"age_years": 99, "region": "13"} for _ in range(FEWEST - 1))]
    assert guess(duck, Impute("age_years", "median", by="region"), {"region": "13"}, learned_from=few) == [60.0]


@pytest.mark.parametrize("strategy", ["knn", "iterative"])
def test_what_people_do_tells_how_old_they_are(duck: Backend, strategy: str) -> None:
    rule = Impute("age_years", strategy, beside=("spend_365d_eur",))  # type: ignore[arg-type]
    young, old = guess(duck, rule, {"spend_365d_eur": 200}, {"spend_365d_eur": 800}, learned_from=tellers(80))
    assert young < 40
    assert old > 60


def test_a_scale_is_learned_as_steps(duck: Backend) -> None:
    kids = [{"kids": step} for step in (*["0"] * 10, *["2"] * 12, *["3+"] * 10)]
    assert guess(duck, Impute("kids", "median"), {}, learned_from=kids) == [2.0]


def test_a_guess_stays_between_what_is_known(duck: Backend) -> None:
    rule = Impute("age_years", "iterative", beside=("spend_365d_eur",))
    assert guess(duck, rule, {"spend_365d_eur": 10_000_000}, learned_from=tellers()) == [80.0]


def test_gaps_beside_are_no_obstacle(duck: Backend) -> None:
    rule = Impute("age_years", "knn", beside=("nps", "spend_365d_eur"))
    assert guess(duck, rule, {"spend_365d_eur": 200}, learned_from=tellers(80))[0] < 40


def test_too_few_known_values_teach_nothing(duck: Backend) -> None:
    assert fit(duck, features(tellers(FEWEST - 1)), Impute("age_years", "mean")) is None
