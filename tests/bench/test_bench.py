"""The benchmark at a tiny size: every step runs and gives the answer of its limit. Times are never judged here."""

from pathlib import Path

import pytest

from bench.__main__ import STEPS, bench
from bench.measure import AnswersDiffer, Run, Step, Stopwatch, Usual, equal
from bench.place import Place
from bench.table import as_markdown

AS_LONG_AS_THE_LIMIT_SAYS = {"paced"}
"""Steps that wait for a rate: not for a test."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_step_agrees_with_its_limit(tmp_path: Path, postgres_url: str) -> None:
    place = Place(tmp_path, people=300, events=None, server_url=postgres_url, laps=1)

    steps = bench(place, [name for name in STEPS if name not in AS_LONG_AS_THE_LIMIT_SAYS])

    assert [s.name for s in steps] == [
        "fetch", "sql", "publish", "publish", "features", "impute", "rules", "identity", "identity, fuzzy",
        "identity, fuzzy", "identity, fuzzy",
        "identity, daily", "diff", "load, first", "load, 1 % changed",
        "claims, 100", "claims, 20,000", "erasure, one person", "erasure, 1 % of them", "push",
        "gate", "gate", "gate, audit", "gate, audit",
    ]  # fmt: skip
    assert all(s.ours.seconds > 0 and s.limit.seconds > 0 and s.ours.peak_mb > 0 for s in steps)
    assert {s.name.split(",")[0] for s in steps} == set(STEPS) - AS_LONG_AS_THE_LIMIT_SAYS


def test_different_answers_are_an_error_and_no_ratio() -> None:
    with pytest.raises(AnswersDiffer, match="rules: ours gave 2, the other 3"):
        equal("rules", Run(1.0, 100.0, 2), Run(1.0, 100.0, 3))


def test_short_laps_are_repeated_and_a_long_one_is_not() -> None:
    watch = Stopwatch()
    while watch.again():
        with watch.lap():
            pass
    assert len(watch.seconds) == 3

    watch.seconds = [60.0]
    assert not watch.again()


def test_the_alternative_is_scaled_up_and_says_so() -> None:
    usual = Usual.of("row by row", Run(2.0, 100.0, None), share=0.01)
    step = Step("rules", "5 people", Run(4.0, 120.0, 1), Run(2.0, 90.0, 1), "one query", usual)

    assert step.ratio == 2.0
    assert as_markdown([step]).splitlines()[-1].endswith("| row by row: 50.0 x ours, from 1.0% |")
