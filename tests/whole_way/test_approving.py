"""A push that the guard holds waits for a person, and only a yes sends it."""

import pytest
import sqlalchemy as sa

from whole_way.way import EMPTIED, Way

ASKED = {"is_still_asked": "success", "ask": "success"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_the_question_says_which_list_would_lose_how_many(way: Way, held: str) -> None:
    on_list = len(way.on_platform(EMPTIED))
    (asked,) = way.rest.get(f"{held}/hitlDetails").raise_for_status().json()["hitl_details"]
    way.answer(held, "Reject")
    assert asked["subject"] == "The push to brevo is held. Push it all the same?"
    assert f"list {EMPTIED}: would become empty (has {on_list})" in asked["body"]


def test_a_rejected_push_sends_nothing(way: Way, held: str) -> None:
    on_list, writes = way.on_platform(EMPTIED), way.writes()
    way.answer(held, "Reject")
    way.wait_for("the end of the run", lambda: way.succeeded(held))
    assert way.states(held) == ASKED | {"is_answer_wanted": "skipped", "push_approved": "skipped"}
    assert (way.on_platform(EMPTIED), way.writes()) == (on_list, writes)


def test_a_day_without_an_answer_means_no(way: Way, held: str) -> None:
    on_list, writes = way.on_platform(EMPTIED), way.writes()
    a_day_passes(way)
    way.wait_for("the end of the run", lambda: way.succeeded(held))
    assert way.states(held) == ASKED | {"is_answer_wanted": "skipped", "push_approved": "skipped"}
    assert (way.on_platform(EMPTIED), way.writes()) == (on_list, writes)


def a_day_passes(way: Way) -> None:
    """For who waits for an answer: Airflow keeps the end of the wait in its database."""
    engine = sa.create_engine(way.up.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"])
    with engine.begin() as connection:
        waits = "UPDATE task_instance SET trigger_timeout = trigger_timeout - interval '1 day'"
        passed = connection.execute(sa.text(f"{waits} WHERE state = 'awaiting_input'"))
    engine.dispose()
    assert passed.rowcount == 1


def test_a_push_that_waits_for_its_answer_holds_back_no_other(way: Way, held: str) -> None:
    """The next push runs to its end, and asks in its turn what is then still held."""
    run = way.trigger("activate_brevo")
    way.wait_for("the next push", lambda: way.succeeded(run))
    way.answer(held, "Reject")
    way.wait_for("its question", lambda: way.is_asked(way.question_of(run)))
    way.answer(way.question_of(run), "Reject")


def test_an_approved_push_is_sent(way: Way, held: str) -> None:
    way.answer(held, "Approve")
    way.wait_for("the end of the run", lambda: way.succeeded(held))
    assert way.states(held) == ASKED | {"is_answer_wanted": "success", "push_approved": "success"}
    assert way.on_platform(EMPTIED) == set()


def test_a_change_that_the_guard_lets_pass_asks_nobody(way: Way) -> None:
    run = way.trigger("activate_brevo")
    way.wait_for("the push", lambda: way.succeeded(run))
    assert way.states(run) == {"push": "success", "is_held": "success", "ask": "skipped"}
    assert way.on_platform(EMPTIED) != set()
