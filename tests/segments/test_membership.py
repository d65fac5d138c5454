"""Stays depend on who was a member on which evaluated partition, never on the order in which partitions were loaded."""

import threading
from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audience.core.errors import AudienceError
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.segments.membership import NOT_DECLARED, Movement, load
from audience.segments.rule import Condition, definition_hash
from audience.segments.segment import Refresh, Segment
from segments.test_evaluating_segments import segment

VIP = segment("vip", Condition("monetary_score", "is", 5))
NEW = segment("new", Condition("known_days", "at_most", 30))
MONDAY = Partition.parse("2026-11-16")

Stay = tuple[str, str, int, int | None]
"""segment, person, first day, day after the stay; days counted from MONDAY"""


def day(number: int) -> Partition:
    return MONDAY.plus(number)


def rows(members: Mapping[str, Iterable[str]]) -> pa.Table:
    pairs = [(s, p) for s, people in members.items() for p in people]
    return pa.table(
        {
            "segment": pa.array([s for s, _ in pairs], pa.string()),
            "person_id": pa.array([p for _, p in pairs], pa.string()),
        }
    )


def vip(warehouse: Warehouse, number: int, people: str, *, looked_at: int = 9) -> Movement:
    """Loads the people, one letter each, as members of vip on a day."""
    return load(warehouse, day(number), rows({"vip": people}), [VIP], looked_at)["vip"]


def stays(warehouse: Warehouse) -> list[Stay]:
    with warehouse.begin() as connection:
        found = connection.execute(sa.text("SELECT segment, person_id, entered_on, left_on FROM segments.membership"))
        return sorted(
            (s, p, (e - MONDAY.day).days, None if left is None else (left - MONDAY.day).days) for s, p, e, left in found
        )


def versions(warehouse: Warehouse) -> list[tuple[object, ...]]:
    """The physical version of every row of the schema: unchanged exactly when nothing was written."""
    with warehouse.begin() as connection:
        return [
            tuple(row)
            for table in ("membership", "evaluation", "definition")
            for row in connection.execute(
                sa.text(f"SELECT '{table}', xmin::text, ctid::text FROM segments.{table} ORDER BY 3")
            )
        ]


def evaluations(warehouse: Warehouse) -> list[tuple[object, ...]]:
    with warehouse.begin() as connection:
        query = "SELECT segment, partition, definition_hash, members, people FROM segments.evaluation ORDER BY 1, 2"
        return [tuple(r) for r in connection.execute(sa.text(query))]


def test_a_member_stays_until_told_otherwise(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "a")
    vip(warehouse, 1, "a")
    assert stays(warehouse) == [("vip", "a", 0, None)]


def test_who_is_no_longer_a_member_leaves_on_the_first_day_without(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "ab")
    vip(warehouse, 1, "b")
    assert stays(warehouse) == [("vip", "a", 0, 1), ("vip", "b", 0, None)]


def test_who_comes_back_begins_another_stay(warehouse: Warehouse) -> None:
    for number, people in enumerate(["a", "", "a"]):
        vip(warehouse, number, people)
    assert stays(warehouse) == [("vip", "a", 0, 1), ("vip", "a", 2, None)]


def test_days_that_were_not_evaluated_do_not_interrupt_a_stay(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "a")
    vip(warehouse, 5, "a")
    assert stays(warehouse) == [("vip", "a", 0, None)]


def test_movement_counts_against_the_evaluated_partition_before(warehouse: Warehouse) -> None:
    assert vip(warehouse, 0, "abc") == Movement(members=3, entered=3, left=0)
    assert vip(warehouse, 3, "cd") == Movement(members=2, entered=1, left=2)
    assert vip(warehouse, 1, "ab") == Movement(members=2, entered=0, left=1)
    assert vip(warehouse, 3, "cd") == Movement(members=2, entered=2, left=2)


def test_the_same_members_again_write_nothing(warehouse: Warehouse) -> None:
    for number, people in enumerate(["ab", "bc", "ac"]):
        vip(warehouse, number, people)
    before = versions(warehouse)
    for number, people in enumerate(["ab", "bc", "ac"]):
        vip(warehouse, number, people)
    assert versions(warehouse) == before


def test_only_rows_of_people_who_moved_are_written(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "abcdefgh")
    before = {v for v in versions(warehouse) if v[0] == "membership"}
    vip(warehouse, 1, "abcdefgi")
    after = {v for v in versions(warehouse) if v[0] == "membership"}
    assert len(before - after) == 1
    assert len(after - before) == 2


# -- every way a day can stand between its neighbours ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (("", "", ""), []),
        (("", "", "a"), [(2, None)]),
        (("", "a", ""), [(1, 2)]),
        (("", "a", "a"), [(1, None)]),
        (("a", "", ""), [(0, 1)]),
        (("a", "", "a"), [(0, 1), (2, None)]),
        (("a", "a", ""), [(0, 2)]),
        (("a", "a", "a"), [(0, None)]),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_three_days_loaded_in_any_order(
    warehouse: Warehouse, members: tuple[str, ...], expected: list[tuple[int, int | None]], order: tuple[int, ...]
) -> None:
    for number in order:
        vip(warehouse, number, members[number])
    assert stays(warehouse) == [("vip", "a", first, end) for first, end in expected]


# -- against a reference -----------------------------------------------------------------------------------------------


def reference(days: Mapping[int, Mapping[str, frozenset[str]]]) -> list[Stay]:
    """Walks the evaluated days of each segment in order and opens and closes stays."""
    found: list[Stay] = []
    for name in {s for members in days.values() for s in members}:
        evaluated = sorted(d for d, members in days.items() if name in members)
        since: dict[str, int] = {}
        for number in evaluated:
            now = days[number][name]
            found += [(name, p, since.pop(p), number) for p in sorted(since.keys() - now)]
            for person in now:
                since.setdefault(person, number)
        found += [(name, p, first, None) for p, first in since.items()]
    return sorted(found, key=lambda stay: stay[:3])


PEOPLE = st.frozensets(st.sampled_from("abc"))
LOADS = st.lists(
    st.tuples(st.integers(0, 5), st.fixed_dictionaries({"vip": PEOPLE}, optional={"new": PEOPLE})),
    min_size=1,
    max_size=14,
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(loads=LOADS)
def test_days_loaded_in_any_order_with_repeats_and_replacements(
    warehouse: Warehouse, loads: list[tuple[int, dict[str, frozenset[str]]]]
) -> None:
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE segments.membership, segments.evaluation, segments.definition"))
    days: dict[int, dict[str, frozenset[str]]] = {}
    for number, members in loads:
        moved = load(warehouse, day(number), rows(members), only_due(members), 9)
        days[number] = days.get(number, {}) | members
        for name, now in members.items():
            earlier = [d for d in sorted(days) if d < number and name in days[d]]
            past = days[earlier[-1]][name] if earlier else frozenset()
            assert moved[name] == Movement(len(now), len(now - past), len(past - now))
    assert stays(warehouse) == reference(days)
    before = versions(warehouse)
    for number, members in days.items():
        load(warehouse, day(number), rows(members), only_due(members), 9)
    assert versions(warehouse) == before


def only_due(names: Iterable[str]) -> list[Segment]:
    """Both segments, of which only the named are due; no day of the test ends a quarter."""
    return [s if s.name in names else segment(s.name, s.members, refresh="quarterly") for s in (VIP, NEW)]


# -- what is declared --------------------------------------------------------------------------------------------------


def test_definitions_are_exactly_what_is_declared(warehouse: Warehouse) -> None:
    load(warehouse, day(0), rows({}), [VIP, NEW], 9)
    load(warehouse, day(1), rows({}), [VIP], 9)
    with warehouse.begin() as connection:
        found = connection.execute(sa.text("SELECT * FROM segments.definition")).mappings().all()
    assert [dict(f) for f in found] == [
        {
            "segment": "vip",
            "title": "A title",
            "why": "A reason.",
            "purpose": "email_marketing",
            "objective": "click",
            "deliver_to": ["brevo"],
            "definition_hash": definition_hash(VIP.members),
        }
    ]


def test_an_evaluation_says_how_many_of_how_many(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "abc", looked_at=7)
    assert evaluations(warehouse) == [("vip", date(2026, 11, 16), definition_hash(VIP.members), 3, 7)]


def test_a_changed_rule_keeps_the_stays_and_is_seen_in_the_evaluations(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "a")
    stricter = segment("vip", Condition("monetary_score", "above", 5))
    load(warehouse, day(1), rows({"vip": "a"}), [stricter], 9)
    assert stays(warehouse) == [("vip", "a", 0, None)]
    assert [e[2] for e in evaluations(warehouse)] == [definition_hash(VIP.members), definition_hash(stricter.members)]


def test_members_of_a_segment_that_is_no_longer_declared_leave(warehouse: Warehouse) -> None:
    load(warehouse, day(0), rows({"vip": "ab", "new": "a"}), [VIP, NEW], 9)
    moved = load(warehouse, day(1), rows({"vip": "ab"}), [VIP], 9)
    assert moved == {"new": Movement(0, 0, 1), "vip": Movement(2, 0, 0)}
    assert stays(warehouse) == [("new", "a", 0, 1), ("vip", "a", 0, None), ("vip", "b", 0, None)]
    assert evaluations(warehouse)[1] == ("new", date(2026, 11, 17), NOT_DECLARED, 0, 9)


def test_a_closed_segment_is_closed_once(warehouse: Warehouse) -> None:
    load(warehouse, day(0), rows({"new": "a"}), [NEW], 9)
    load(warehouse, day(1), rows({}), [VIP], 9)
    assert set(load(warehouse, day(2), rows({}), [VIP], 9)) == {"vip"}
    assert stays(warehouse) == [("new", "a", 0, 1)]


def test_loading_a_past_day_closes_nothing_that_was_evaluated_later(warehouse: Warehouse) -> None:
    load(warehouse, day(5), rows({"new": "a"}), [NEW], 9)
    load(warehouse, day(1), rows({}), [VIP], 9)
    assert stays(warehouse) == [("new", "a", 5, None)]


def test_a_day_loaded_again_without_a_segment_takes_its_members_away(warehouse: Warehouse) -> None:
    load(warehouse, day(0), rows({"new": "a"}), [NEW], 9)
    load(warehouse, day(1), rows({"new": "ab"}), [NEW], 9)
    load(warehouse, day(1), rows({}), [VIP], 9)
    assert stays(warehouse) == [("new", "a", 0, 1)]


def test_a_segment_declared_again_goes_on_with_new_stays(warehouse: Warehouse) -> None:
    load(warehouse, day(0), rows({"new": "a"}), [NEW], 9)
    load(warehouse, day(1), rows({}), [VIP], 9)
    load(warehouse, day(2), rows({"new": "a"}), [NEW, VIP], 9)
    assert stays(warehouse) == [("new", "a", 0, 1), ("new", "a", 2, None)]


@pytest.mark.parametrize("refresh", ["weekly", "monthly", "quarterly"])
def test_a_segment_that_is_not_due_keeps_its_members(warehouse: Warehouse, refresh: Refresh) -> None:
    vip(warehouse, 0, "a")
    slow = segment("vip", VIP.members, refresh=refresh)
    assert load(warehouse, day(1), rows({}), [slow], 9) == {}
    assert stays(warehouse) == [("vip", "a", 0, None)]


def test_members_of_a_segment_that_is_not_due_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(AudienceError, match="members of 2026-11-16: found segment 'new', expected one that is due"):
        load(warehouse, day(0), rows({"vip": "a", "new": "a"}), [VIP], 9)
    assert stays(warehouse) == []


def test_a_failed_load_changes_nothing(warehouse: Warehouse) -> None:
    vip(warehouse, 0, "ab")
    before = versions(warehouse)
    with pytest.raises(sa.exc.IntegrityError):
        vip(warehouse, 1, "bcc")
    assert versions(warehouse) == before


def test_loads_at_the_same_time_are_as_good_as_one_after_another(warehouse: Warehouse) -> None:
    people = ["ab", "b", "abc", "", "ac", "a", "abc", "c"]
    threads = [threading.Thread(target=vip, args=(warehouse, n, p)) for n, p in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stays(warehouse) == reference({n: {"vip": frozenset(p)} for n, p in enumerate(people)})


def test_a_load_waits_for_the_one_that_runs(warehouse: Warehouse) -> None:
    second = threading.Thread(target=vip, args=(warehouse, 0, "a"))
    with warehouse.begin() as running:
        running.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('audience.segments'))"))
        second.start()
        while second.is_alive() and not is_waiting(running):
            second.join(timeout=0.01)
        assert second.is_alive()
    second.join()
    assert stays(warehouse) == [("vip", "a", 0, None)]


def is_waiting(connection: sa.Connection) -> bool:
    """Whether somebody waits for an advisory lock in this database."""
    query = """
        SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
    """
    return bool(connection.execute(sa.text(query)).scalar_one())
