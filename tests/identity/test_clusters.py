"""Clusters are the components of the evidence, unless records in them contradict each other; order never matters."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from audience.core.engine import engine
from audience.identity.clusters import PAIRS, Clusters, Decisions, clusters
from audience.identity.declared import SHARED
from rows import NOON

SCHEMA = {"record_key": "string", "known_since": "string", "seen_at": "timestamp('UTC')",
          **dict.fromkeys((*(rule.column for rule in SHARED), "called"), "string"), "verified_birth_date": "date"}  # fmt: skip

IN_84, IN_91 = date(1984, 2, 29), date(1991, 7, 1)

NOTHING = Decisions()

Record = dict[str, Any]
Pair = tuple[str, str]


def a_record(key: str, **values: Any) -> Record:
    usual = {"record_key": key, "known_since": "2026-11-20", "seen_at": NOON, "called": "ana"}
    return dict.fromkeys(SCHEMA) | usual | values


def found(
    duck: Backend, records: Iterable[Record], decisions: Decisions = NOTHING, likely: dict[Pair, float] | None = None
) -> Clusters:  # fmt: skip
    rows = ibis.memtable(pa.Table.from_pylist(list(records), schema=ibis.schema(SCHEMA).to_pyarrow()))
    pairs = [{"left_key": a, "right_key": b, "match_weight": bits} for (a, b), bits in (likely or {}).items()]
    scored = ibis.memtable(pa.Table.from_pylist(pairs, schema=PAIRS.to_pyarrow())) if likely is not None else None
    return clusters(duck, rows, decisions, scored)


def people(duck: Backend, *given: Any) -> dict[str, str]:
    """The first record of the person of each record."""
    rows = duck.to_pyarrow(found(duck, *given).people).to_pylist()
    return {r["record_key"]: r["first_record"] for r in rows}


def groups(first: dict[str, str]) -> set[frozenset[str]]:
    together = defaultdict(set)
    for record, name in first.items():
        together[name].add(record)
    return {frozenset(group) for group in together.values()}


# -- contradictions ----------------------------------------------------------------------------------------------------


def test_two_verified_birth_dates_are_two_people_with_one_address(duck: Backend) -> None:
    ana = a_record("a", email_key="e", verified_birth_date=IN_84)
    bea = a_record("b", email_key="e", verified_birth_date=IN_91)
    assert people(duck, [ana, bea]) == {"a": "a", "b": "b"}


def test_a_record_between_two_birth_dates_goes_with_the_stronger_evidence(duck: Backend) -> None:
    ana = a_record("a", phone_key="7", verified_birth_date=IN_84)
    bea = a_record("b", email_key="e", verified_birth_date=IN_91)
    between = a_record("c", phone_key="7", email_key="e")
    assert people(duck, [ana, bea, between]) == {"a": "a", "b": "b", "c": "b"}


def test_those_who_share_an_address_with_a_stranger_stay_together(duck: Backend) -> None:
    stranger = a_record("a", email_key="e", verified_birth_date=IN_84)
    same = [a_record(key, email_key="e", verified_birth_date=IN_91) for key in "bcd"]
    assert people(duck, [stranger, *same]) == {"a": "a", "b": "b", "c": "b", "d": "b"}


def test_what_was_given_up_is_told_with_its_reason(duck: Backend) -> None:
    records = [
        a_record("a", email_key="e", verified_birth_date=IN_84),
        a_record("b", email_key="e", verified_birth_date=IN_91),
    ]
    (lost,) = duck.to_pyarrow(found(duck, records).given_up).to_pylist()
    assert (lost["kind"], lost["why"]) == ("email_key", "verified_birth_date")


# -- reviewers ---------------------------------------------------------------------------------------------------------


def test_a_reviewer_joins_and_parts(duck: Backend) -> None:
    records = [a_record("a", email_key="e"), a_record("b", email_key="e"), a_record("c")]
    assert people(duck, records, Decisions(same=(("b", "c"),))) == dict.fromkeys("abc", "a")
    assert people(duck, records, Decisions(different=(("a", "b"),))) == {"a": "a", "b": "b", "c": "c"}
    both = Decisions(same=(("b", "c"),), different=(("a", "b"),))
    assert people(duck, records, both) == {"a": "a", "b": "b", "c": "b"}


def test_different_holds_however_they_are_connected(duck: Backend) -> None:
    chain = [
        a_record("a", email_key="1"),
        a_record("b", email_key="1", customer_ref="2"),
        a_record("c", customer_ref="2"),
    ]
    parted = people(duck, chain, Decisions(different=(("a", "c"),)))
    assert parted == {"a": "a", "b": "a", "c": "c"}


def test_two_addresses_marked_different_are_never_one_persons(duck: Backend) -> None:
    records = [
        a_record("a", email_key="1", customer_ref="x"),
        a_record("b", email_key="1"),
        a_record("c", email_key="2", customer_ref="x"),
    ]
    apart = Decisions(different=(("email:1", "email:2"),))
    assert groups(people(duck, records, apart)) == {frozenset("ab"), frozenset("c")}
    assert groups(people(duck, records, Decisions(same=(("email:1", "email:2"),)))) == {frozenset("abc")}


def test_a_decision_about_a_record_that_is_gone_changes_nothing(duck: Backend) -> None:
    records = [a_record("a", email_key="e"), a_record("b", email_key="e")]
    gone = Decisions(same=(("a", "gone"),), different=(("b", "gone"),))
    assert people(duck, records, gone) == {"a": "a", "b": "a"}


# -- similar records ---------------------------------------------------------------------------------------------------


def test_likely_pairs_connect_as_values_do(duck: Backend) -> None:
    records = [a_record("a"), a_record("b", email_key="e"), a_record("c", email_key="e")]
    assert people(duck, records, Decisions(), {("a", "b"): 12.0}) == dict.fromkeys("abc", "a")


def test_of_likely_pairs_the_weaker_is_given_up(duck: Backend) -> None:
    records = [a_record("a", verified_birth_date=IN_84), a_record("b"), a_record("c", verified_birth_date=IN_91)]
    assert people(duck, records, Decisions(), {("a", "b"): 8.0, ("b", "c"): 9.0}) == {"a": "a", "b": "b", "c": "b"}


def test_a_chain_of_similar_records_is_no_giant(duck: Backend) -> None:
    chain = [a_record(f"r{n:03}") for n in range(150)]
    links = {(f"r{n:03}", f"r{n + 1:03}"): 10.0 for n in range(149)}
    assert sorted(len(group) for group in groups(people(duck, chain, Decisions(), links))) == [30, 60, 60]


# -- any records -------------------------------------------------------------------------------------------------------

KEYS = [f"r{n:02}" for n in range(14)]


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.sampled_from(values))


RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "email_key": some(*"abcde"),
            "phone_key": some(*"12"),
            "called": some("ana", "bo"),
            "customer_ref": some(*"xyz"),
            "verified_birth_date": st.one_of(st.none(), st.none(), st.sampled_from([IN_84, IN_91])),
            "seen_at": st.sampled_from([NOON, NOON - timedelta(days=9)]),
        }
    ),
    min_size=2,
    max_size=len(KEYS),
).map(lambda rows: [a_record(KEYS[n], **row) for n, row in enumerate(rows)])
SOME_PAIRS = st.lists(st.sampled_from(list(combinations(KEYS, 2))), max_size=3, unique=True)


def links(records: list[Record], likely: Iterable[Pair]) -> list[Pair]:
    """Accepted pairs, by looking at every pair."""
    alike = {tuple(sorted(pair)) for pair in likely}

    def accepted(one: Record, other: Record) -> bool:
        exact = any(one[c] is not None and one[c] == other[c] for c in ("email_key", "customer_ref"))
        at_home = one["phone_key"] == other["phone_key"] is not None and one["called"] == other["called"] is not None
        return exact or (at_home and sum(r["phone_key"] == one["phone_key"] for r in records) <= 6)

    return [
        (one["record_key"], other["record_key"])
        for one, other in combinations(records, 2)
        if accepted(one, other) or (one["record_key"], other["record_key"]) in alike
    ]  # fmt: skip


def connected(records: list[Record], accepted: list[Pair]) -> set[frozenset[str]]:
    """By a graph library."""
    place = {r["record_key"]: n for n, r in enumerate(records)}
    ends = np.array([[place[a], place[b]] for a, b in accepted], dtype=int).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(records), len(records)))
    return groups(dict(zip(place, map(str, connected_components(graph, directed=False)[1]), strict=True)))


def contradicts(group: frozenset[str], records: list[Record], different: Iterable[Pair]) -> bool:
    born = {r["verified_birth_date"] for r in records if r["record_key"] in group} - {None}
    return len(born) > 1 or any(set(pair) <= group for pair in different)


@settings(max_examples=8, deadline=None)
@given(records=RECORDS, likely=SOME_PAIRS, different=SOME_PAIRS, seed=st.integers(0, 9))
def test_clusters_are_components_cut_at_contradictions_whatever_the_order(
    records: list[Record], likely: list[Pair], different: list[Pair], seed: int
) -> None:
    known = {r["record_key"] for r in records}
    pairs = {pair: 10.0 for pair in likely if set(pair) <= known}
    decided = Decisions(different=tuple(different))
    with engine() as duck:
        once = people(duck, records, decided, pairs)
        again = people(duck, random.Random(seed).sample(records, len(records)), decided, dict(reversed(pairs.items())))
    assert once == again
    accepted = links(records, pairs)
    whole = connected(records, accepted)
    for group in groups(once):
        assert not contradicts(group, records, different)
        (component,) = (c for c in whole if group <= c)
        assert group == component or contradicts(component, records, different)
        inside = [pair for pair in accepted if set(pair) <= group]
        assert connected([r for r in records if r["record_key"] in group], inside) == {group}
