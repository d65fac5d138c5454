"""Strategies are compared by their error on known values that were masked."""

from ibis.backends.duckdb import Backend

from audience.features.imputing.compare import compare
from audience.features.imputing.declaration import Impute
from features.imputing.told import features, tellers


def test_an_error_is_the_mean_distance_from_what_was_masked(duck: Backend) -> None:
    people = [{"age_years": 20 if n % 4 else 60, "spend_365d_eur": n} for n in range(80)]
    found = {one.rule.strategy: one for one in compare(duck, features(people), [Impute("age_years", "median")])}
    assert found["most_frequent"].error == 10.0  # everybody is guessed as 20; a quarter is 60, which is 40 off
    assert (found["most_frequent"].unit, found["most_frequent"].masked) == ("years", 80)


def test_groups_are_tried_and_what_is_clearly_better_is_proposed(duck: Backend) -> None:
    people = [{"age_years": 20 if n % 2 else 60, "region": ("75", "69")[n % 2]} for n in range(120)]
    declared = Impute("age_years", "mean")
    found = compare(duck, features(people), [declared], by=["region"])
    (proposed,) = (one for one in found if one.is_proposed)
    assert (proposed.rule, proposed.error) == (Impute("age_years", "median", by="region"), 0.0)
    assert [one.rule for one in found if one.is_declared] == [declared]


def test_of_errors_that_are_alike_the_simplest_is_proposed(duck: Backend) -> None:
    everybody = [{"kids": "2", "spend_365d_eur": n} for n in range(60)]
    (proposed,) = (one for one in compare(duck, features(everybody), [Impute("kids", "mean")]) if one.is_proposed)
    assert (proposed.rule.strategy, proposed.error) == ("median", 0.0)


def test_a_text_without_a_scale_is_right_or_wrong(duck: Backend) -> None:
    people = [{"gender": "f" if n % 5 else "m"} for n in range(100)]
    (found,) = compare(duck, features(people), [Impute("gender", "most_frequent")])
    assert (found.error, found.unit) == (0.2, "share wrong")


def test_the_same_seed_masks_the_same_values(duck: Backend) -> None:
    people = features({"gender": "fm"[n % 2]} for n in range(61))
    rule = Impute("gender", "most_frequent")
    assert compare(duck, people, [rule], seed=1) == compare(duck, people, [rule], seed=1)


def test_a_column_that_hardly_anybody_told_is_not_measured(duck: Backend) -> None:
    assert compare(duck, features(tellers(10)), [Impute("age_years", "median")]) == []
