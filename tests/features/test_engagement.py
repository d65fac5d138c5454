"""How people answer e-mails: what machines did does not count."""

from datetime import timedelta

from ibis.backends.duckdb import Backend
from known import AS_OF, an_event, known

YESTERDAY = AS_OF - timedelta(days=1)


def test_opens_and_clicks_by_machines_do_not_count(duck: Backend) -> None:
    events = [
        an_event("ana", "open", YESTERDAY, by_machine=True),
        an_event("ana", "click", YESTERDAY, by_machine=True),
        an_event("bo", "open", YESTERDAY),
        an_event("bo", "click", YESTERDAY),
    ]
    people = known(duck, events=events)
    columns = ("opens_90d", "clicks_90d", "last_open_days", "last_click_days")
    assert [people["ana"][c] for c in columns] == [0, 0, None, None]
    assert [people["bo"][c] for c in columns] == [1, 1, 1, 1]


def test_counts_are_of_90_days_and_the_last_answer_may_be_older(duck: Backend) -> None:
    at = [AS_OF - timedelta(days=90), AS_OF - timedelta(days=90, microseconds=1), AS_OF]
    people = known(duck, events=[an_event(f"p{n}", kind, moment) for n, moment in enumerate(at) for kind in
                                 ("sent", "open", "click")])  # fmt: skip
    assert [(p["sent_90d"], p["opens_90d"], p["clicks_90d"]) for p in people.values()] == [
        (1, 1, 1),
        (0, 0, 0),
        (0, 0, 0),
    ]
    assert [p["last_click_days"] for p in people.values()] == [90, 90, None]


def test_a_bounce_is_no_answer(duck: Backend) -> None:
    kinds = ("delivered", "soft_bounce", "hard_bounce", "complaint", "unsubscribe")
    (person,) = known(duck, events=[an_event("ana", kind, YESTERDAY) for kind in kinds]).values()
    assert (person["sent_90d"], person["opens_90d"], person["clicks_90d"], person["last_open_days"]) == (0, 0, 0, None)
