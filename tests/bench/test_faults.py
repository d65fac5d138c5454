"""Corrupted replies of a small sandbox: the check that is meant for each catches it, and nothing else is refused."""

from collections.abc import Iterator

import httpx
import pytest

from bench.faults import PEOPLE, Injector, Verdict, as_markdown, judged
from bench.injected import Ran, founded
from bench.intended import INTENDED, Intended
from sandbox.server.corruptions import BY_NAME, CORRUPTIONS
from sandbox_process import start_sandbox


@pytest.fixture(scope="module")
def injector(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Injector]:
    """Four good weeks of a small town; each case begins there."""
    folder = tmp_path_factory.mktemp("faults")
    sandbox = start_sandbox(folder / "sandbox", people=PEOPLE)
    try:
        httpx.post(f"{sandbox.url}/_control/limits", json={"shop": None}).raise_for_status()
        with founded(sandbox.url, folder, postgres_url, ("shop", "crm")) as town, Injector(town) as injector:
            yield injector
    finally:
        sandbox.stop()


CAUGHT = (
    "null_required", "orphan_line", "wrong_total", "retyped_field", "reused_key", "looping_page", "volume_drop", "empty_reply",
    "truncated_page", "new_field",
)  # fmt: skip
"""Of every outcome, and of what refuses and warns in several ways; the others run in `make bench`."""


@pytest.mark.parametrize("name", CAUGHT)
def test_a_corruption_is_caught_by_the_check_that_is_meant_for_it(injector: Injector, name: str) -> None:
    found = injector.verdict(BY_NAME[name])
    assert found.struck > 0
    assert (found.caught, found.false_alarms) == (found.struck, ())


def test_segments_are_those_of_the_clean_day_without_what_was_refused(injector: Injector) -> None:
    found = injector.followed(BY_NAME["unknown_status"])
    assert (found.caught, found.false_alarms, found.is_as_compared) == (found.struck, (), True)


def test_every_way_to_corrupt_has_a_check_that_is_meant_for_it() -> None:
    assert {c.name for c in CORRUPTIONS} == set(INTENDED) and len(INTENDED) >= 20


# -- the injector itself -----------------------------------------------------------------------------------------------


def test_the_same_reply_and_seed_give_the_same_damage() -> None:
    def reply() -> dict[str, object]:
        return {"orders": [{"id": f"O-{n}", "total": "10.00"} for n in range(100)], "page": 1, "pages": 1, "total": 100}

    way = BY_NAME["wrong_total"]
    assert way.applied(reply(), 7) == way.applied(reply(), 7)
    spoilt, struck = way.applied(reply(), 8)
    assert struck != way.applied(reply(), 7)[1] and len(struck) == 20
    assert {o["id"] for o in spoilt["orders"] if o["total"] != "10.00"} == set(struck)


def test_a_page_that_lost_records_still_says_how_many_there_were() -> None:
    reply = {"orders": [{"id": n} for n in range(10)], "total": 10}
    torn, dropped = (BY_NAME[name].applied(reply, 7)[0] for name in ("truncated_page", "volume_drop"))
    assert (len(torn["orders"]), torn["total"]) == (5, 10)
    assert (len(dropped["orders"]), dropped["total"]) == (2, 2)


# -- its judgement -----------------------------------------------------------------------------------------------------

TYPE = Intended("rejected", "order", "total is a number")
CLEAN = Ran(rows={"order": {("2026-11-20", "O-1"): "one", ("2026-11-20", "O-2"): "two"}}, taken=2, kept=2)
FAILING = {("order", "total is a number"): 1}


def rows(*ids: str) -> dict[str, dict[tuple[str, str], str]]:
    return {"order": {k: row for k, row in CLEAN.rows["order"].items() if k[1] in ids}}


def test_a_refused_row_counts_when_the_intended_check_refused_it() -> None:
    struck = frozenset({"O-1"})
    refused = rows("O-2")
    assert judged(TYPE, CLEAN, Ran(failing=FAILING, rows=refused, taken=2, kept=2), struck) == (1, ())
    assert judged(TYPE, CLEAN, Ran(rows=refused, taken=2, kept=2), struck) == (0, ())


def test_a_clean_row_that_is_missing_is_a_false_alarm_and_so_is_another_check() -> None:
    failing = {**FAILING, ("order", "status is known"): 1}
    _, alarms = judged(TYPE, CLEAN, Ran(failing=failing, rows=rows(), taken=2, kept=2), frozenset({"O-1"}))
    assert alarms == ("order: status is known", "order: not published: ('2026-11-20', 'O-2')")


def test_rows_that_are_lost_on_the_way_are_told() -> None:
    _, alarms = judged(TYPE, CLEAN, Ran(failing=FAILING, rows=rows("O-2"), taken=2, kept=1), frozenset({"O-1"}))
    assert alarms == ("2 rows in, 1 loaded, quarantined or superseded",)


def test_an_error_of_ours_catches_nothing_and_is_told() -> None:
    found = judged(Intended("blocked", "", "the system has changed"), CLEAN, Ran(error="a bug"), frozenset("x"))
    assert found == (0, ("nothing was published: a bug",))


def test_what_failed_before_the_corruption_is_not_told_again() -> None:
    before = Ran(failing=FAILING, rows=CLEAN.rows, taken=2, kept=2)
    assert judged(TYPE, before, before, frozenset({"O-1"})) == (0, ())


def test_the_table_counts_what_was_caught() -> None:
    found = [Verdict("a", TYPE, 2, 2, (), True, 3), Verdict("b", TYPE, 2, 1, ("order: status is known",))]
    assert as_markdown(found).splitlines()[-2:] == [
        "1 of 2 caught as intended, 1 false alarms, 1 followed and as compared, 0 of them worth nothing because they reach"
        " nobody", "b: order: status is known"
    ]  # fmt: skip


def test_a_comparison_that_no_person_could_have_failed_is_told_unless_the_damage_is_mended() -> None:
    found = [Verdict("a", TYPE, 2, 2, (), True, 0), Verdict("b", Intended("mended"), 2, 2, (), True, 0)]
    assert as_markdown(found).endswith(
        "2 followed and as compared, 1 of them worth nothing because they reach nobody: a"
    )


def test_what_is_mended_and_should_be_shown_counts_when_it_is_shown() -> None:
    shown = Intended("mended", "order", "total is a number")
    assert judged(shown, CLEAN, Ran(failing=FAILING, rows=CLEAN.rows, taken=2, kept=2), frozenset({"O-1"})) == (1, ())
    assert judged(shown, CLEAN, CLEAN, frozenset({"O-1"})) == (0, ())


def test_two_seeds_are_one_line_that_holds_only_when_both_do() -> None:
    once, again = Verdict("a", TYPE, 2, 2, (), True, 3), Verdict("a", TYPE, 3, 3, (), False, 1)
    assert once + again == Verdict("a", TYPE, 5, 5, (), False, 4)
