"""All segments of a partition are evaluated in one pass, as of that partition."""

from decimal import Decimal

import ibis
import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend

from audience.core.errors import NotPublished
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import FEATURES, IMPUTED, SCORES
from audience.segments.evaluate import Evaluated, evaluate
from audience.segments.expectations import unexpected
from audience.segments.rule import Any, Condition, Not, Rule
from audience.segments.segment import Expect, Refresh, Segment
from segments.rules import a_row

FRIDAY = Partition.parse("2026-11-20")
SUNDAY = Partition.parse("2026-11-22")


def segment(
    name: str, rule: Rule, *, size: tuple[int, int] = (0, 9), overlap_below: float = 1.0, refresh: Refresh = "daily"
) -> Segment:
    return Segment(
        name=name, title="A title", why="A reason.", consent="email_marketing", members=rule,
        expect=Expect(size, overlap_below), objective="click", refresh=refresh, deliver_to=("brevo",),
    )  # fmt: skip


CUSTOMERS = segment("customers", Condition("is_customer", "is", True))
BIG = segment("big", Condition("spend_365d_eur", "above", 100))
LIKELY = segment("likely", Condition("p_buy_30d", "at_least", 0.5))
UNLIKELY = segment("unlikely", Not(Condition("p_buy_30d", "at_least", 0.5)))


@pytest.fixture
def shop(lake: Lake, duck: Backend) -> Lake:
    """Ann and Bob are customers, Bob spends; Cid is a prospect. Bob has no score."""
    people = [
        a_row(person_id="ann", is_customer=True, spend_365d_eur=Decimal("100.00")),
        a_row(person_id="bob", is_customer=True, spend_365d_eur=Decimal("100.01")),
        a_row(person_id="cid"),
    ]
    features = [{n: p[n] for n in FEATURES.names} for p in people]
    lake.write(duck, FEATURES, FRIDAY, ibis.memtable(features, schema=FEATURES.schema))
    scored = {"ann": 0.7, "cid": 0.2, "somebody who is gone": 0.9}
    scores = [dict.fromkeys(SCORES.names) | {"person_id": p, "p_buy_30d": s} for p, s in scored.items()]
    lake.write(duck, SCORES, FRIDAY, ibis.memtable(scores, schema=SCORES.schema))
    return lake


def members(found: Evaluated) -> list[tuple[str, str]]:
    return sorted((r["segment"], r["person_id"]) for r in found.members.to_pylist())


def test_a_person_is_in_every_segment_whose_rule_holds(shop: Lake, duck: Backend) -> None:
    found = evaluate(shop, duck, [CUSTOMERS, BIG], FRIDAY)
    assert members(found) == [("big", "bob"), ("customers", "ann"), ("customers", "bob")]
    assert found.people == 3
    assert found.members.schema == pa.schema({"segment": pa.string(), "person_id": pa.string()})


def test_whoever_has_no_score_is_unknown_to_a_rule_on_scores(shop: Lake, duck: Backend) -> None:
    assert members(evaluate(shop, duck, [LIKELY, UNLIKELY], FRIDAY)) == [
        ("likely", "ann"),
        ("unlikely", "bob"),
        ("unlikely", "cid"),
    ]


def test_only_a_rule_that_asks_for_guesses_gets_them(shop: Lake, duck: Backend) -> None:
    rows = [dict.fromkeys(IMPUTED.names) | {c.name: False for c in IMPUTED.columns if c.type == "boolean"}
            | {"person_id": p} for p in ("ann", "bob", "cid")]  # fmt: skip
    rows[2] |= {"filled_age_years": 30, "age_years_is_imputed": True}
    shop.write(duck, IMPUTED, FRIDAY, ibis.memtable(rows, schema=IMPUTED.schema))
    asked = [
        segment("told", Condition("age_years", "at_least", 18)),
        segment("or_guessed", Condition("filled_age_years", "at_least", 18)),
        segment("guessed", Condition("age_years_is_imputed", "is", True)),
    ]
    assert members(evaluate(shop, duck, asked, FRIDAY)) == [("guessed", "cid"), ("or_guessed", "cid")]


def test_without_published_scores_everybody_is_unknown_to_a_rule_on_scores(shop: Lake, duck: Backend) -> None:
    features = shop.read(duck, FEATURES, FRIDAY)
    shop.write(duck, FEATURES, FRIDAY.next, features)
    assert members(evaluate(shop, duck, [LIKELY, CUSTOMERS], FRIDAY.next)) == [
        ("customers", "ann"),
        ("customers", "bob"),
    ]


def test_a_partition_without_features_is_an_error_and_not_an_empty_segment(shop: Lake, duck: Backend) -> None:
    with pytest.raises(NotPublished, match="features: partition 2026-11-21 is not published"):
        evaluate(shop, duck, [CUSTOMERS], FRIDAY.next)


def test_a_segment_that_nobody_is_in_is_evaluated_too(shop: Lake, duck: Backend) -> None:
    nobody = segment("nobody", Condition("nps", "is", 10))
    found = evaluate(shop, duck, [nobody], FRIDAY)
    assert found.segments == (nobody,)
    assert members(found) == []


def test_only_segments_that_are_due_are_evaluated(shop: Lake, duck: Backend) -> None:
    weekly = segment("weekly", Condition("is_customer", "is", True), refresh="weekly")
    shop.write(duck, FEATURES, SUNDAY, shop.read(duck, FEATURES, FRIDAY))
    assert evaluate(shop, duck, [weekly], FRIDAY).segments == ()
    assert members(evaluate(shop, duck, [weekly], FRIDAY)) == []
    assert members(evaluate(shop, duck, [weekly], SUNDAY)) == [("weekly", "ann"), ("weekly", "bob")]


def test_a_name_with_a_quote_is_only_a_name(shop: Lake, duck: Backend) -> None:
    odd = segment("'; drop table x; --", CUSTOMERS.members)
    assert members(evaluate(shop, duck, [odd], FRIDAY)) == [
        ("'; drop table x; --", "ann"),
        ("'; drop table x; --", "bob"),
    ]


def test_a_segment_may_have_the_name_of_a_column(shop: Lake, duck: Backend) -> None:
    named = [segment("person_id", CUSTOMERS.members), segment("is_customer", BIG.members)]
    assert members(evaluate(shop, duck, named, FRIDAY)) == [
        ("is_customer", "bob"),
        ("person_id", "ann"),
        ("person_id", "bob"),
    ]


def test_a_size_outside_its_bounds_is_shown_and_stops_nothing(shop: Lake, duck: Backend) -> None:
    found = evaluate(shop, duck, [segment("customers", CUSTOMERS.members, size=(3, 9))], FRIDAY)
    assert [str(u) for u in found.unexpected] == ["customers: found 2 members, expected 3 to 9"]
    assert len(members(found)) == 2


def test_two_segments_with_nearly_the_same_members_are_shown(shop: Lake, duck: Backend) -> None:
    spenders = segment("spenders", Any((BIG.members, CUSTOMERS.members)), overlap_below=0.9)
    found = evaluate(shop, duck, [spenders, CUSTOMERS, BIG], FRIDAY)
    assert [str(u) for u in found.unexpected] == [
        "customers: shares 100% of the members of either with spenders, expected less than 100%",
        "spenders: shares 100% of the members of either with customers, expected less than 90%",
    ]


@pytest.mark.parametrize(("members", "is_expected"), [(4, False), (5, True), (8, True), (9, False)])
def test_bounds_of_a_size_are_included(members: int, is_expected: bool) -> None:
    found = unexpected([segment("s", CUSTOMERS.members, size=(5, 8))], {("s", "s"): members})
    assert (found == ()) is is_expected


FIFTH = "a: shares 20% of the members of either with b, expected less than 20%"


@pytest.mark.parametrize(("shared", "problems"), [(5, [FIFTH]), (4, []), (0, [])])
def test_overlap_is_shared_members_over_members_of_either(shared: int, problems: list[str]) -> None:
    """10 and 20 members share 5: 5 of 25 are a fifth."""
    pair = [
        segment("a", CUSTOMERS.members, size=(0, 99), overlap_below=0.2),
        segment("b", CUSTOMERS.members, size=(0, 99)),
    ]
    together = {("a", "a"): 10, ("b", "b"): 20, ("a", "b"): shared, ("b", "a"): shared}
    assert [str(u) for u in unexpected(pair, together)] == problems
