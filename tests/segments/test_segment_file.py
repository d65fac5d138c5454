"""A segment file is read whole, or refused with every problem in it, each with its place."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audience.core.partition import Partition
from audience.segments.parse import KEYS, InvalidSegment, parse
from audience.segments.rule import All, Any, Condition, Not, Rule
from audience.segments.segment import Expect, Segment

VIP = """
name: vip
title: Best customers going quiet
why: Top-fifth spenders with no order for a week.
consent: email_marketing
members:
  all:
    - monetary_score: {at_least: 5}
    - is_customer: true
    - any:
        - p_buy_30d: {at_least: 0.35}
        - cluster: {one_of: [frequent, big_basket], if_unknown: keep}
    - not: {country: {one_of: [DE, AT]}, if_unknown: keep}
expect: {size: {between: [200, 20000]}, overlap_below: 0.5}
objective: conversion
refresh: daily
deliver_to: [brevo]
"""


def read(text: str, file: str = "vip.yaml") -> Segment:
    return parse(text, file=file, destinations=["brevo", "mailchimp"])


def problems(text: str, file: str = "vip.yaml") -> list[str]:
    with pytest.raises(InvalidSegment) as caught:
        read(text, file)
    assert str(caught.value) == "\n".join(str(p) for p in caught.value.problems)
    return [str(p) for p in caught.value.problems]


def rule(members: str) -> Rule:
    return read(with_members(members)).members


def rule_problems(members: str) -> list[str]:
    return [p.removeprefix("vip.yaml: ") for p in problems(with_members(members))]


def with_members(members: str) -> str:
    head, rest = VIP.split("members:")
    return f"{head}members: {members}\nexpect:{rest.split('expect:')[1]}"


def test_a_file_says_everything_about_a_segment() -> None:
    assert read(VIP) == Segment(
        name="vip",
        title="Best customers going quiet",
        why="Top-fifth spenders with no order for a week.",
        consent="email_marketing",
        members=All(
            (
                Condition("monetary_score", "at_least", 5),
                Condition("is_customer", "is", True),
                Any(
                    (
                        Condition("p_buy_30d", "at_least", 0.35),
                        Condition("cluster", "one_of", ("frequent", "big_basket"), "keep"),
                    )
                ),
                Not(Condition("country", "one_of", ("DE", "AT"), "drop")),
            )
        ),
        expect=Expect(size=(200, 20000), overlap_below=0.5),
        objective="conversion",
        refresh="daily",
        deliver_to=("brevo",),
    )


def test_a_folded_reason_is_one_line() -> None:
    assert (
        read(VIP.replace("why: Top-fifth", "why: >\n  Top-fifth\n ")).why
        == "Top-fifth spenders with no order for a week."
    )


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_required(key: str) -> None:
    lines = VIP.splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{key}:"))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith(" ")), len(lines))
    assert problems("".join(lines[:start] + lines[end:])) == [f"vip.yaml: missing: {key}"]


def test_an_unknown_key_is_named_with_the_nearest() -> None:
    assert problems(VIP + "objectiv: click") == ["vip.yaml: no key 'objectiv'; did you mean 'objective'?"]


def test_a_file_shows_all_its_problems_at_once() -> None:
    text = (
        VIP.replace("email_marketing", "email_marketting")
        .replace("is_customer: true", "is_customer: 1")
        .replace("monetary_score: {at_least: 5}", "recencydays: {at_least: 5}")
        .replace("brevo", "breov")
    )
    assert problems(text) == [
        "vip.yaml: consent: found 'email_marketting'; did you mean 'email_marketing'?",
        "vip.yaml: members.all[0]: no column 'recencydays'; did you mean 'recency_days'?",
        "vip.yaml: members.all[1].is_customer: found 1, expected true or false (has at least one paid order)",
        "vip.yaml: deliver_to[0]: found 'breov'; did you mean 'brevo'?",
    ]


@pytest.mark.parametrize("name", ["VIP", "1vip", "vip; drop table", "", "v" * 61, "vïp", "../vip", "true", "[vip]"])
def test_a_name_is_an_identifier(name: str) -> None:
    assert problems(VIP.replace("name: vip", f"name: {name}"))[0].startswith("vip.yaml: name: found ")


def test_a_name_is_the_name_of_the_file() -> None:
    assert problems(VIP, "best.yaml") == ["best.yaml: name: found 'vip', expected the name of the file, 'best'"]


@pytest.mark.parametrize("key", ["title", "why"])
@pytest.mark.parametrize("value", ["", "'  '", "5", "[a]"])
def test_title_and_reason_are_texts(key: str, value: str) -> None:
    text = "\n".join(f"{key}: {value}" if line.startswith(f"{key}:") else line for line in VIP.splitlines())
    assert problems(text)[0].startswith(f"vip.yaml: {key}: found ")


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ("{size: {between: [200, 20000]}}", "expect"),
        ("{size: {between: [20, 2]}, overlap_below: 0.5}", "expect.size"),
        ("{size: {between: [-1, 2]}, overlap_below: 0.5}", "expect.size"),
        ("{size: {between: [0.5, 2]}, overlap_below: 0.5}", "expect.size"),
        ("{size: {between: [true, 2]}, overlap_below: 0.5}", "expect.size"),
        ("{size: 5, overlap_below: 0.5}", "expect.size"),
        ("{size: {between: [2, 20]}, overlap_below: 50}", "expect.overlap_below"),
        ("{size: {between: [2, 20]}, overlap_below: 0}", "expect.overlap_below"),
        ("{size: {between: [2, 20]}, overlap_below: true}", "expect.overlap_below"),
        ("much", "expect"),
    ],
)
def test_expectations_have_their_form(found: str, place: str) -> None:
    text = VIP.replace("{size: {between: [200, 20000]}, overlap_below: 0.5}", found)
    assert [p.split(": found")[0] for p in problems(text)] == [f"vip.yaml: {place}"]


def test_a_destination_stands_once() -> None:
    assert "expected each destination once" in problems(VIP.replace("[brevo]", "[brevo, brevo]"))[0]


def test_a_segment_may_be_only_watched() -> None:
    assert read(VIP.replace("[brevo]", "[]")).deliver_to == ()


def test_broken_yaml_has_its_line() -> None:
    assert problems(VIP.replace("[brevo]", "[brevo"))[0].startswith("vip.yaml: line 18: not YAML: ")


@pytest.mark.parametrize("text", ["", "[]", "vip", "5"])
def test_a_file_is_a_mapping(text: str) -> None:
    assert "expected the keys name, title, why" in problems(text)[0]


# -- rules -------------------------------------------------------------------------------------------------------------


def test_a_bare_value_asks_whether_it_is_that_value() -> None:
    assert rule("{country: DE}") == rule("{country: {is: DE}}") == Condition("country", "is", "DE")


def test_groups_nest_to_any_depth_up_to_64() -> None:
    assert rule("{all: [" * 64 + "{is_customer: true}" + "]}" * 64)
    assert rule_problems("{all: [" * 65 + "{is_customer: true}" + "]}" * 65) == [
        "members" + ".all[0]" * 64 + ": found rules more than 64 deep, expected fewer"
    ]


def test_nots_count_as_depth() -> None:
    assert rule("{not: " * 64 + "{is_customer: true}" + "}" * 64)
    assert "more than 64 deep" in rule_problems("{not: " * 65 + "{is_customer: true}" + "}" * 65)[0]


def test_ten_thousand_levels_are_refused() -> None:
    assert "levels, expected fewer" in rule_problems("{all: [" * 10_000)[0]


def test_a_rule_has_at_most_a_thousand_conditions() -> None:
    assert rule("{any: [" + "{recency_days: 1}," * 1000 + "]}")
    assert rule_problems("{any: [" + "{recency_days: 1}," * 1001 + "]}") == [
        "members: found 1001 conditions, expected at most 1000"
    ]


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ("{}", "members: found {}, expected one condition, or one of all, any, not"),
        ("", "members: found nothing, expected one condition, or one of all, any, not"),
        (
            "[{is_customer: true}]",
            "members: found [{'is_customer': True}], expected one condition, or one of all, any, not",
        ),
        (
            "{is_customer: true, nps: 9}",
            "members: found 2 keys (is_customer, nps), expected one condition, or one of all, any, not",
        ),
        ("{all: []}", "members.all: found [], expected a list with at least one part"),
        (
            "{any: {is_customer: true}}",
            "members.any: found {'is_customer': True}, expected a list with at least one part",
        ),
        ("{all: [5]}", "members.all[0]: found 5, expected one condition, or one of all, any, not"),
        ("{al: [{nps: 9}]}", "members: no column 'al'; did you mean 'all'?"),
        ("{not: }", "members.not: found nothing, expected one condition, or one of all, any, not"),
        ("{nps: {}}", "members.nps: found no operator, expected one; more of them go under all"),
        (
            "{nps: {at_least: 7, below: 9}}",
            "members.nps: found 2 operators (at_least, below), expected one; more of them go under all",
        ),
        ("{nps: {atleast: 9}}", "members.nps: no operator 'atleast' for integer; did you mean 'at_least'?"),
        ("{nps: {at_least: 9, if_unknown: maybe}}", "members.nps.if_unknown: found 'maybe', expected keep or drop"),
        ("{nps: {at_least: 9, if_unknown: [keep]}}", "members.nps.if_unknown: found ['keep'], expected keep or drop"),
        ("{kids: {one_of: [1, 2, 3+]}}", "members.kids: found 1, expected a text; put it in quotes"),
        ("{nps: }", "members.nps: found nothing, expected a whole number"),
        ("{nps: [9, 10]}", "members.nps: found [9, 10], expected a whole number"),
        ("{person_id: p1}", "members: no column 'person_id'"),
        (
            "{any: [{nps: {between: [9, 7]}}]}",
            "members.any[0].nps: between: found [9, 7], expected the lower bound first",
        ),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(members: str, problem: str) -> None:
    (found,) = rule_problems(members)
    assert found.startswith(problem)


def test_problems_of_all_parts_are_shown() -> None:
    assert [
        p.split(":")[0]
        for p in rule_problems("{all: [{nps: x}, {any: [{country: 1}, {is_customer: true}]}, {not: {}}]}")
    ] == [
        "members.all[0].nps",
        "members.all[1].any[0].country",
        "members.all[2].not",
    ]


# -- what is unknown ---------------------------------------------------------------------------------------------------


def test_an_unknown_value_satisfies_nothing_unless_said() -> None:
    assert rule("{country: DE}") == Condition("country", "is", "DE", "drop")
    assert rule("{country: {is: DE, if_unknown: keep}}") == Condition("country", "is", "DE", "keep")


def test_a_not_over_a_column_that_can_be_unknown_needs_an_answer() -> None:
    assert rule_problems("{all: [{not: {country: {one_of: [DE]}}}]}") == [
        "members.all[0].not.country: country can be unknown: say if_unknown: keep or drop"
    ]


def test_a_not_needs_an_answer_however_deep_the_condition() -> None:
    assert rule_problems("{not: {any: [{is_customer: true}, {all: [{nps: 9}]}]}}") == [
        "members.not.any[1].all[0].nps: nps can be unknown: say if_unknown: keep or drop"
    ]


def test_none_of_needs_an_answer_like_a_not() -> None:
    assert rule_problems("{country: {none_of: [DE]}}") == [
        "members.country: country can be unknown: say if_unknown: keep or drop"
    ]
    assert rule("{country: {none_of: [DE], if_unknown: keep}}") == Condition("country", "none_of", ("DE",), "keep")


def test_a_score_can_be_unknown() -> None:
    assert "p_buy_30d can be unknown" in rule_problems("{not: {p_buy_30d: {at_least: 0.5}}}")[0]


def test_a_not_over_what_is_always_known_needs_no_answer() -> None:
    assert rule("{not: {is_customer: true}}") == Not(Condition("is_customer", "is", True))
    assert rule("{not: {country: {known: false}}}") == Not(Condition("country", "known", False))


def test_an_answer_beside_the_column_is_about_the_not() -> None:
    assert rule("{not: {country: {one_of: [DE]}, if_unknown: keep}}") == Not(
        Condition("country", "one_of", ("DE",), "drop")
    )
    assert rule("{not: {country: {one_of: [DE]}, if_unknown: drop}}") == Not(
        Condition("country", "one_of", ("DE",), "keep")
    )


def test_an_answer_within_the_condition_is_about_the_condition() -> None:
    assert rule("{not: {country: {one_of: [DE], if_unknown: keep}}}") == Not(
        Condition("country", "one_of", ("DE",), "keep")
    )


def test_two_answers_are_refused() -> None:
    assert rule_problems("{not: {country: {one_of: [DE], if_unknown: keep}, if_unknown: keep}}") == [
        "members.not.country: found if_unknown twice, expected it in one place"
    ]


@pytest.mark.parametrize(
    ("beside", "names"),
    [
        ("any: [{nps: 9}], ", "any"),
        ("not: {nps: 9}, ", "not"),
        ("nps: 9, country: DE, ", "nps, country"),
        ("", "nothing"),
    ],
)
def test_an_answer_stands_beside_one_column(beside: str, names: str) -> None:
    assert rule_problems(f"{{not: {{{beside}if_unknown: keep}}}}") == [
        f"members.not: found if_unknown beside {names}, expected it beside one column"
    ]


@pytest.mark.parametrize(
    "members", ["{nps: {known: true, if_unknown: keep}}", "{not: {nps: {known: true}, if_unknown: drop}}"]
)
def test_known_takes_no_answer(members: str) -> None:
    assert "known is never unknown itself" in rule_problems(members)[0]


# -- when it is due ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refresh", "due"),
    [
        ("daily", ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-31"]),
        ("weekly", ["2026-03-01"]),
        ("monthly", ["2026-02-28", "2026-03-31"]),
        ("quarterly", ["2026-03-31"]),
    ],
)
def test_a_segment_is_due_on_the_last_day_of_its_period(refresh: str, due: list[str]) -> None:
    segment = read(VIP.replace("refresh: daily", f"refresh: {refresh}"))
    days = ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-31"]
    assert [d for d in days if segment.is_due(Partition.parse(d))] == due


def test_an_unknown_refresh_is_refused() -> None:
    assert problems(VIP.replace("refresh: daily", "refresh: dayly")) == [
        "vip.yaml: refresh: found 'dayly'; did you mean 'daily'?"
    ]


# -- whatever is written ---------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 6))
def test_any_damaged_file_is_read_or_refused(seed: int, cuts: int) -> None:
    chance = random.Random(seed)
    text = VIP
    for _ in range(cuts):
        at, length = chance.randrange(len(text)), chance.randrange(8)
        text = (
            text[:at]
            + "".join(chance.choices("{}[]:,-'\"\n a1&*!'; drop--é\0", k=chance.randrange(4)))
            + text[at + length :]
        )
    try:
        read(text)
    except InvalidSegment as error:
        assert all(p.place.startswith("vip.yaml") for p in error.problems)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "not", "if_unknown", "nps", "country", "is_customer", "is", "between", "one_of", "x"]
            ),
            v,
            max_size=2,
        )
    ),
    max_leaves=20,
)


@given(members=VALUES)
def test_any_value_in_place_of_a_rule_is_read_or_refused(members: object) -> None:
    import json

    try:
        read(with_members(json.dumps(members)))
    except InvalidSegment as error:
        assert all(p.place.startswith("vip.yaml") for p in error.problems)
