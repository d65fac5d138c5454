"""Records that share a value, directly or over others, are one person: the first one known gives the name."""

import random
from datetime import timedelta
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.identity.components import components
from audience.identity.declared import SHARED
from rows import NOON

SCHEMA = {"record_key": "string", "known_since": "string", "seen_at": "timestamp('UTC')",
          **dict.fromkeys((*(rule.column for rule in SHARED), "called"), "string")}  # fmt: skip

Record = dict[str, Any]


def a_record(key: str, **values: Any) -> Record:
    usual = {"record_key": key, "known_since": "2026-11-20", "seen_at": NOON, "called": "ana"}
    return dict.fromkeys(SCHEMA) | usual | values


def people(duck: Backend, records: list[Record]) -> dict[str, str]:
    """The first record of the person of each record."""
    import pyarrow as pa

    rows = ibis.memtable(pa.Table.from_pylist(records, schema=ibis.schema(SCHEMA).to_pyarrow()))
    return {r["record_key"]: r["first_record"] for r in duck.to_pyarrow(components(duck, rows)).to_pylist()}


def reference(records: list[Record]) -> dict[str, str]:
    """The same by union-find, record by record."""
    parent = {r["record_key"]: r["record_key"] for r in records}

    def root(key: str) -> str:
        while parent[key] != key:
            key = parent[key]
        return key

    for column, most in ((rule.column, rule.most_records) for rule in SHARED):
        for value in {r[column] for r in records} - {None}:
            same = [r for r in records if r[column] == value]
            for one in same if len(same) <= most else []:
                for other in same:
                    if column != "phone_key" or one["called"] == other["called"] is not None:
                        parent[root(one["record_key"])] = root(other["record_key"])
    earliest: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: (r["known_since"], r["seen_at"], r["record_key"])):
        earliest.setdefault(root(record["record_key"]), record)
    return {r["record_key"]: earliest[root(r["record_key"])]["record_key"] for r in records}


def some_values(*values: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(values))


RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "email_key": some_values(*"abcdefgh"),
            "phone_key": some_values(*"123"),
            "called": some_values("ana", "bo"),
            "customer_ref": some_values(*"xyzuvw"),
            "known_since": st.sampled_from(["2026-11-18", "2026-11-19"]),
            "seen_at": st.sampled_from([NOON, NOON - timedelta(days=9)]),
        }
    ),
    max_size=24,
).map(lambda rows: [{"record_key": f"r{n:02}", **row} for n, row in enumerate(rows)])


@settings(max_examples=25, deadline=None)
@given(records=RECORDS, seed=st.integers(0, 9))
def test_components_are_those_of_union_find_whatever_the_order_of_the_rows(records: list[Record], seed: int) -> None:
    shuffled = random.Random(seed).sample(records, len(records))
    with engine() as duck:
        assert people(duck, shuffled) == reference(records)


@settings(max_examples=10, deadline=None)
@given(records=RECORDS)
def test_a_first_record_is_kept_when_records_join_that_become_known_later(records: list[Record]) -> None:
    few = [r | {"phone_key": None} for r in records]  # no value may pass its limit of records
    early = [r for r in few if r["known_since"] == "2026-11-18"]
    with engine() as duck:
        before, after = people(duck, early), people(duck, few)
    still_first = {k for k, first in before.items() if after[k] == first}
    merged = {k for k in before if k not in still_first}
    # who is no longer first has become one with a person that was known before as well
    assert all(after[k] in before and before[after[k]] == after[k] for k in merged)
    assert {after[k] for k in before} <= set(before.values())


def test_a_chain_of_200_records_is_one_person(duck: Backend) -> None:
    chain = [a_record(f"r{n:03}", email_key=f"e{n // 2}", customer_ref=f"c{(n + 1) // 2}") for n in range(200)]
    assert set(people(duck, random.Random(7).sample(chain, 200)).values()) == {"r000"}


def test_records_that_share_nothing_are_people_of_their_own(duck: Backend) -> None:
    assert people(duck, [a_record("a"), a_record("b")]) == {"a": "a", "b": "b"}


def test_no_records_are_no_people(duck: Backend) -> None:
    assert people(duck, []) == {}


def test_the_same_text_in_two_columns_is_not_the_same_value(duck: Backend) -> None:
    assert people(duck, [a_record("a", email_key="7"), a_record("b", customer_ref="7")]) == {"a": "a", "b": "b"}


@pytest.mark.parametrize(("column", "most"), [(rule.column, rule.most_records) for rule in SHARED])
def test_a_value_on_more_records_than_it_may_have_merges_nobody(duck: Backend, column: str, most: int) -> None:
    records = [a_record(f"r{n:02}", **{column: "shared"}) for n in range(most + 1)]
    assert len(set(people(duck, records[:most]).values())) == 1
    assert len(set(people(duck, records).values())) == most + 1


def test_the_first_record_is_the_one_known_first_then_made_first_then_by_key(duck: Backend) -> None:
    old = NOON - timedelta(days=900)
    late = a_record("a", email_key="e", known_since="2026-11-20", seen_at=old)
    assert people(duck, [late, a_record("b", email_key="e", known_since="2026-11-19")])["a"] == "b"
    assert people(duck, [late, a_record("b", email_key="e")])["b"] == "a"
    assert people(duck, [a_record("b", email_key="e"), a_record("a", email_key="e")])["b"] == "a"


def test_a_telephone_is_a_households_and_matches_who_is_called_the_same(duck: Backend) -> None:
    family = [("a", "ana"), ("b", "bo"), ("c", "ana"), ("d", None), ("e", None)]
    found = people(duck, [a_record(key, phone_key="7", called=name) for key, name in family])
    assert found == {"a": "a", "b": "b", "c": "a", "d": "d", "e": "e"}


def test_two_people_who_turn_out_to_be_one_keep_the_name_of_the_one_known_first(duck: Backend) -> None:
    ana = [a_record("a", email_key="ana", known_since="2026-11-18")]
    bo = [a_record("b", email_key="bo", known_since="2026-11-17")]
    assert people(duck, ana + bo) == {"a": "a", "b": "b"}
    bridge = a_record("c", email_key="ana", customer_ref="x", known_since="2026-11-19")
    other = a_record("d", email_key="bo", customer_ref="x", known_since="2026-11-19")
    assert people(duck, [*ana, *bo, bridge, other]) == dict.fromkeys("abcd", "b")
