"""Records that contradict each other are never one person; the weakest evidence between them is given up."""

from datetime import date

from audience.identity.cut import DECIDED, TOO_MANY, Edge, Facts, cut
from audience.identity.declared import LIKELY, MOST_BY_LIKELIHOOD, REVIEWED

BORN = "verified_birth_date"
IN_84, IN_91 = Facts({BORN: date(1984, 2, 29)}), Facts({BORN: date(1991, 7, 1)})
NOTHING = Facts()


def test_evidence_that_nothing_contradicts_joins() -> None:
    assert cut({0: NOTHING, 1: IN_84, 2: IN_84}, [Edge(0, 1, LIKELY, 9.0), Edge(1, 2, "email_key")], {}) == (
        [[0, 1, 2]],
        [],
    )


def test_two_birth_dates_are_two_people() -> None:
    edge = Edge(0, 1, "email_key")
    assert cut({0: IN_84, 1: IN_91}, [edge], {}) == ([[0], [1]], [(edge, BORN)])


def test_who_is_between_two_birth_dates_goes_where_the_evidence_is_stronger() -> None:
    weak, strong = Edge(0, 1, "phone_key"), Edge(1, 2, "email_key")
    assert cut({0: IN_84, 1: NOTHING, 2: IN_91}, [weak, strong], {}) == ([[0], [1, 2]], [(weak, BORN)])


def test_of_similar_pairs_the_more_similar_holds() -> None:
    weak, strong = Edge(0, 1, LIKELY, 8.5), Edge(1, 2, LIKELY, 9.5)
    assert cut({0: IN_84, 1: NOTHING, 2: IN_91}, [weak, strong], {})[0] == [[0], [1, 2]]


def test_of_equal_evidence_that_of_the_records_known_first_holds() -> None:
    first, second = Edge(0, 1, "email_key"), Edge(1, 2, "email_key")
    assert cut({0: IN_84, 1: NOTHING, 2: IN_91}, [second, first], {})[0] == [[0, 1], [2]]


def test_different_holds_over_others_too() -> None:
    facts = {0: Facts(labels=frozenset({"a"})), 1: NOTHING, 2: Facts(labels=frozenset({"c"}))}
    apart = {"a": frozenset({"c"}), "c": frozenset({"a"})}
    last = Edge(1, 2, "email_key")
    assert cut(facts, [Edge(0, 1, "email_key"), last], apart) == ([[0, 1], [2]], [(last, DECIDED)])


def test_a_reviewer_who_looked_at_both_is_believed_about_birth_dates() -> None:
    facts = {0: IN_84, 1: IN_91, 2: IN_91}
    assert cut(facts, [Edge(0, 1, REVIEWED), Edge(0, 2, "email_key")], {})[0] == [[0, 1, 2]]


def test_similarity_alone_brings_no_crowd_together() -> None:
    size = MOST_BY_LIKELIHOOD + 1
    chain = [Edge(n, n + 1, LIKELY, float(size - n)) for n in range(size - 1)]
    groups, given_up = cut(dict.fromkeys(range(size), NOTHING), chain, {})
    assert [len(group) for group in groups] == [MOST_BY_LIKELIHOOD, 1]
    assert given_up == [(chain[-1], TOO_MANY)]
