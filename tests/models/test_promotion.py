"""A challenger replaces the incumbent only when it proves better on the same people."""

from audience.models.promotion import by_ranking, by_silhouette


def test_a_better_ranking_is_promoted() -> None:
    assert by_ranking(challenger=0.81, incumbent=0.80).promoted


def test_an_equal_ranking_is_not() -> None:
    verdict = by_ranking(challenger=0.80, incumbent=0.80)
    assert not verdict.promoted
    assert verdict.reason == "ROC-AUC 0.8000 against 0.8000 on the same hold-out"


def test_newer_clusters_may_be_a_tenth_less_sharp() -> None:
    assert by_silhouette(challenger=0.37, incumbent=0.40, is_rerun=False).promoted
    assert not by_silhouette(challenger=0.35, incumbent=0.40, is_rerun=False).promoted


def test_clusters_of_the_same_day_must_be_sharper() -> None:
    assert not by_silhouette(challenger=0.40, incumbent=0.40, is_rerun=True).promoted
    assert by_silhouette(challenger=0.41, incumbent=0.40, is_rerun=True).promoted


def test_a_tenth_of_a_negative_silhouette_is_a_tenth_below_it() -> None:
    assert by_silhouette(challenger=-0.105, incumbent=-0.10, is_rerun=False).promoted
    assert not by_silhouette(challenger=-0.12, incumbent=-0.10, is_rerun=False).promoted
