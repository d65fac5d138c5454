"""Rules that count what happened: half-open windows that end with the partition, the same in the engine and in plain words."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any as Anything

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.tables import FEATURES, PERSON_KEY, raw
from audience.segments.compile import compile_rule
from audience.segments.counting import counted
from audience.segments.evaluate import evaluate
from audience.segments.people import people
from audience.segments.rule import All, Count, Not, Rule, windows_of
from audience.segments.why import holds, why
from audience.segments.window import Window
from rows import FRIDAY, land, rows_of
from segments.rules import a_row
from segments.test_evaluating_segments import members, segment
from segments.test_segment_file import rule, rule_problems

AS_OF = FRIDAY.as_of
A_SECOND = timedelta(seconds=1)
DAY = Window(("click",), 86_400)


def happened(events: Iterable[tuple[str, str, datetime]]) -> ibis.Table:
    """Rows of person, event, moment."""
    schema = pa.schema({"person_id": pa.string(), "event": pa.string(), "occurred_at": pa.timestamp("us", tz="UTC")})
    columns = list(zip(*events, strict=True)) or [(), (), ()]
    return ibis.memtable(pa.table([list(c) for c in columns], schema=schema))


def counts(duck: Backend, window: Window, *events: tuple[str, str, datetime]) -> dict[str, int]:
    found = duck.to_pyarrow(counted(happened(events), [window], as_of=AS_OF)).to_pylist()
    return {row["person_id"]: row[window.column] for row in found if row[window.column]}


def test_the_moment_a_window_ago_counts_and_the_end_of_the_partition_does_not(duck: Backend) -> None:
    a_day = timedelta(hours=24)
    moments = {"before": AS_OF - a_day - A_SECOND, "at": AS_OF - a_day, "last": AS_OF - A_SECOND, "end": AS_OF}
    found = counts(duck, DAY, *((name, "click", at) for name, at in moments.items()))
    assert found == {"at": 1, "last": 1}


def test_any_of_several_events_counts(duck: Backend) -> None:
    at = AS_OF - A_SECOND
    window = Window(("click", "open"), 86_400)
    assert counts(duck, window, ("ana", "click", at), ("ana", "open", at), ("ana", "sent", at)) == {"ana": 2}


# -- as the engine answers, and as anybody would count -----------------------------------------------------------------

EVENT = st.sampled_from(["click", "open", "add_to_cart"])
SECONDS = st.sampled_from([60, 3600, 86_400, 3 * 86_400])
WINDOWS = st.builds(
    lambda events, seconds: Window(tuple(sorted(events)), seconds), st.sets(EVENT, min_size=1, max_size=2), SECONDS
)
NUMBERS = st.integers(0, 3)


@st.composite
def count_conditions(draw: st.DrawFn) -> Count:
    operator = draw(st.sampled_from(["at_least", "at_most", "above", "below", "between", "is"]))
    if operator == "between":
        return Count(draw(WINDOWS), operator, tuple(sorted([draw(NUMBERS), draw(NUMBERS)])))
    return Count(draw(WINDOWS), operator, draw(NUMBERS) + (operator == "at_least"))


COUNT_RULES: st.SearchStrategy[Rule] = st.recursive(
    count_conditions(),
    lambda part: st.builds(Not, part) | st.builds(All, st.lists(part, min_size=1, max_size=3).map(tuple)),
    max_leaves=4,
)
BEFORE = st.sampled_from([0, 1, 59, 60, 61, 3599, 3600, 3601, 86_399, 86_400, 86_401, 259_200, 259_201])
"""Seconds before the end of the partition: at the bounds of the windows, and beside them."""


def is_member(rule: Rule, events: list[tuple[str, int]]) -> bool:
    """Plainly: every event of the person, one after the other."""
    if isinstance(rule, All):
        return all(is_member(part, events) for part in rule.rules)
    if isinstance(rule, Not):
        return not is_member(rule.rule, events)
    assert isinstance(rule, Count)
    times = 0
    for event, seconds_before in events:
        if event in rule.window.events and 0 < seconds_before <= rule.window.seconds:
            times += 1
    v: Anything = rule.value
    return bool(
        {
            "at_least": lambda: times >= v,
            "at_most": lambda: times <= v,
            "above": lambda: times > v,
            "below": lambda: times < v,
            "between": lambda: v[0] <= times <= v[1],
            "is": lambda: times == v,
        }[rule.operator]()
    )


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rule=COUNT_RULES,
    everybody=st.lists(st.lists(st.tuples(EVENT, BEFORE), max_size=5), min_size=1, max_size=4),
)
def test_engine_explanation_and_reference_agree(
    duck: Backend, rule: Rule, everybody: list[list[tuple[str, int]]]
) -> None:
    windows = windows_of([rule])
    rows = [
        (f"p{n}", event, AS_OF - timedelta(seconds=before)) for n, own in enumerate(everybody) for event, before in own
    ]
    persons = ibis.memtable({"person_id": [f"p{n}" for n in range(len(everybody))]})
    known = persons.left_join(counted(happened(rows), windows, as_of=AS_OF), "person_id").drop("person_id_right")
    answered = duck.to_pyarrow(known.mutate(is_member=compile_rule(rule, known)).order_by("person_id")).to_pylist()
    expected = [is_member(rule, own) for own in everybody]
    assert [row["is_member"] for row in answered] == expected
    assert [holds(rule, row) for row in answered] == expected


# -- from the files to the members ---------------------------------------------------------------------------------------


@pytest.fixture
def shop(lake: Lake, duck: Backend) -> Lake:
    """Ana clicked three times on Friday, once as a robot; she put something into the cart, signed in; Bob ordered twice."""
    persons = [a_row(person_id=name) for name in ("ana", "bob")]
    features = [{n: p[n] for n in FEATURES.names} for p in persons]
    lake.write(duck, FEATURES, FRIDAY, ibis.memtable(features, schema=FEATURES.schema))
    keys = [{"kind": kind, "key": key, "person_id": name} for name in ("ana", "bob")
            for kind, key in (("email", f"k-{name}"), ("record", f"shop:S-{name}"))]  # fmt: skip
    lake.write(duck, PERSON_KEY, FRIDAY, rows_of(PERSON_KEY, keys))
    at = FRIDAY.window.start + timedelta(hours=8)
    click = {"type": "click", "email_key": "k-ana", "received_at": at}
    land(
        lake,
        duck,
        "event",
        *({"event_id": f"e{n}", "occurred_at": at, "is_machine": n == 3} | click for n in (1, 2, 3)),
    )
    visit = {"channel": "web", "record_id": "S-ana", "occurred_at": at, "is_machine": False}
    web = [visit | {"event_id": "w1", "type": "add_to_cart"}, visit | {"event_id": "w2", "type": "click"},
           visit | {"event_id": "w3", "type": "add_to_cart", "record_id": None}]  # fmt: skip
    table = raw("shop", "web_event")
    lake.write(duck, table, FRIDAY, rows_of(table, web))
    order = {"record_id": "S-bob", "ordered_at": at}
    land(lake, duck, "order", {"order_id": "O-1"} | order, {"order_id": "O-2", "status": "refunded"} | order)
    return lake


def count(event: str, operator: str, times: int, seconds: int = 86_400) -> Count:
    return Count(Window((event,), seconds), operator, times)


def test_members_are_those_of_whom_so_much_happened(shop: Lake, duck: Backend) -> None:
    found = evaluate(
        shop,
        duck,
        [
            segment("clicked_twice", count("click", "is", 2)),
            segment("on_the_site", count("web_click", "is", 1)),
            segment("cart", count("add_to_cart", "is", 1)),
            segment("bought", count("order", "is", 1)),
            segment("quiet", Not(count("click", "at_least", 1))),
        ],
        FRIDAY,
    )
    assert members(found) == [
        ("bought", "bob"), ("cart", "ana"), ("clicked_twice", "ana"), ("on_the_site", "ana"), ("quiet", "bob"),
    ]  # fmt: skip


def test_the_next_day_sees_its_own_window(shop: Lake, duck: Backend) -> None:
    for table in (FEATURES, PERSON_KEY):
        shop.write(duck, table, FRIDAY.next, shop.read(duck, table, FRIDAY))
    found = evaluate(shop, duck, [segment("clicked", count("click", "at_least", 1))], FRIDAY.next)
    assert members(found) == []


def test_why_says_how_often_it_happened(shop: Lake, duck: Backend) -> None:
    asked = All((count("click", "at_least", 3), count("open", "at_most", 0, 7 * 86_400)))
    rows = duck.to_pyarrow(people(shop, duck, FRIDAY, windows_of([asked]))).to_pylist()
    (ana,) = (row for row in rows if row["person_id"] == "ana")
    told = [(r.place, str(r.condition), r.found, r.satisfied) for r in why(asked, ana)]
    assert told == [
        ("members.all[0]", "count of click within 24 h at_least 3", 2, False),
        ("members.all[1]", "count of open within 7 d at_most 0", 0, True),
    ]


# -- as a file says it -----------------------------------------------------------------------------------------------------


def test_a_file_counts_events_within_a_time() -> None:
    assert rule("{count: {event: click, within: 24 h, at_least: 3}}") == count("click", "at_least", 3)
    assert rule("{count: {event: [open, click], within: 7 d, between: [1, 5]}}") == Count(
        Window(("click", "open"), 7 * 86_400), "between", (1, 5)
    )
    assert rule("{not: {count: {event: open, within: 90 min, at_least: 1}}}") == Not(count("open", "at_least", 1, 5400))


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("{event: clik, within: 24 h, at_least: 3}", "members.count.event: no event 'clik'; did you mean 'click'?"),
        ("{event: 7, within: 24 h, at_least: 3}",
         "members.count.event: found 7, expected the name of an event, or a list of names"),
        ("{event: [], within: 24 h, at_least: 3}", "members.count.event: found (), expected at least one event, each once"),
        ("{event: [open, open], within: 24 h, at_least: 3}",
         "members.count.event: found ['open', 'open'], expected each event once"),
        ("{event: click, within: 24 hours, at_least: 3}",
         "members.count.within: found '24 hours', expected a whole number and min, h or d, such as 24 h"),
        ("{event: click, within: 24, at_least: 3}",
         "members.count.within: found 24, expected a whole number and min, h or d, such as 24 h"),
        ("{event: click, within: 0 h, at_least: 3}",
         "members.count.within: found '0 h', expected a whole number and min, h or d, such as 24 h"),
        ("{event: click, within: 400 d, at_least: 3}", "members.count.within: found 400 d, expected at most 366 d"),
        ("{event: click, at_least: 3}", "members.count: missing: within"),
        ("{event: click, within: 24 h}",
         "members.count: found no operator, expected one of at_least, at_most, above, below, between, is"),
        ("{event: click, within: 24 h, at_least: 1, at_most: 3}",
         "members.count: found 2 operators (at_least, at_most), expected one of at_least, at_most, above, below, between, is"),
        ("{event: click, within: 24 h, atleast: 3}", "members.count: no key 'atleast'; did you mean 'at_least'?"),
        ("{event: click, within: 24 h, at_least: 0}",
         "members.count: found at_least 0, which is true for everybody; expected at least 1"),
        ("{event: click, within: 24 h, at_least: -1}",
         "members.count: found -1, expected at least 0 (how often it happened)"),
        ("{event: click, within: 24 h, at_least: often}",
         "members.count: found 'often', expected a whole number (how often it happened)"),
        ("{event: click, within: 24 h, at_least: 3, if_unknown: keep}",
         "members.count: found if_unknown, expected none: a count is never unknown, what did not happen is 0"),
        ("3", "members.count: found 3, expected such as {event: click, within: 24 h, at_least: 3}"),
    ],
)  # fmt: skip
def test_what_cannot_be_counted_is_said_with_place_found_and_expected(asked: str, problem: str) -> None:
    assert rule_problems(f"{{count: {asked}}}") == [problem]


def test_if_unknown_beside_a_count_is_refused() -> None:
    asked = "{not: {count: {event: click, within: 24 h, at_least: 3}, if_unknown: keep}}"
    assert rule_problems(asked) == [
        "members.not: found if_unknown beside count, expected none: a count is never unknown, what did not happen is 0"
    ]


def test_a_count_is_found_by_its_misspelt_name() -> None:
    (problem,) = rule_problems("{cuont: {event: click, within: 24 h, at_least: 3}}")
    assert problem == "members: no column 'cuont'; did you mean 'count'?"


@pytest.mark.parametrize(("seconds", "words"), [(86_400, "24 h"), (7 * 86_400, "7 d"), (5400, "90 min"), (3600, "1 h")])
def test_a_window_says_its_length_as_a_person_would(seconds: int, words: str) -> None:
    assert str(Window(("click",), seconds)) == f"click within {words}"
