"""The gate of a table: what was counted, judged by the suite. Rows are counted by day and by what became of them."""

from datetime import date, timedelta
from typing import Any

import pytest

from audience.core.errors import AudienceError, AuditFailed
from audience.quality.audit import Audit, Finding, audit, reason_of, refuse
from audience.quality.expectation import (
    Accepted,
    Between,
    Columns,
    Expectation,
    Fresh,
    Matches,
    NotNull,
    OfType,
    OneOf,
    Plausible,
    Refers,
    RefusedShare,
    Stable,
    Unique,
    Volume,
)
from audience.quality.one_pass import Group
from audience.quality.past import Past
from rows import FRIDAY, NOON


def group(rows: int, reason: str | None = None, *, day: str = FRIDAY.key, is_newest: bool = True, **of: Any) -> Group:
    return Group(day, reason, is_newest, rows, **of)


def found(
    expectation: Expectation, *groups: Group, past: Past | None = None, broken: dict[str, int] | None = None
) -> Finding:
    one = audit("sale", ["name"], [expectation], groups, past=past or Past(), last=FRIDAY, broken=broken or {})
    return one.findings[0]


def numbers(finding: Finding) -> tuple[int, int, bool]:
    return finding.rows, finding.failed, finding.passed


# -- single rows -----------------------------------------------------------------------------------------------------

ORDERS = Refers("order_id", to="order", key="order_id")
HALF = Refers("order_id", to="order", key="order_id", severity="block", mostly=0.5)


@pytest.mark.parametrize(("failed", "passed"), [(0, True), (1, False)])
def test_an_expectation_of_every_row_breaks_by_one(failed: int, passed: bool) -> None:
    assert numbers(found(ORDERS, group(1000, broken={ORDERS: failed}))) == (1000, failed, passed)


@pytest.mark.parametrize(("rows", "failed", "passed"), [(100, 50, True), (100, 51, False), (19, 19, True)])
def test_an_expectation_of_most_rows_breaks_by_share_and_few_rows_say_nothing(
    rows: int, failed: int, passed: bool
) -> None:
    assert found(HALF, group(rows, broken={HALF: failed})).passed is passed


def test_rows_that_are_not_published_are_not_asked() -> None:
    groups = [group(5, broken={ORDERS: 1}), group(7, "name: missing", broken={ORDERS: 7}),
              group(3, is_newest=False, broken={ORDERS: 3})]  # fmt: skip
    assert numbers(found(ORDERS, *groups)) == (5, 1, False)


def test_what_could_not_be_asked_is_no_finding() -> None:
    assert audit("sale", [], [ORDERS], [group(5)], past=Past(), last=FRIDAY, broken={}).findings == ()


def test_no_rows_hold_everything() -> None:
    suite = [Columns(("name",)), NotNull("name"), ORDERS, Unique(("name",)), RefusedShare(0.05), Volume(low=0.5),
             Fresh("at", hours=1), Stable("kind")]  # fmt: skip
    one = audit("sale", ["name"], suite, [], past=Past(), last=FRIDAY, broken={})
    assert one.passed and one.rows == 0 and len(one.findings) == len(suite) and all(f.passed for f in one.findings)


# -- refused rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expectation", "reasons"),
    [
        (OfType("pieces", "integer"), ["pieces: not of type integer"]),
        (OfType("kind", "text", form="category"), ["kind: not a word"]),
        (OfType("currency", "text", form="currency"), ["currency: not an ISO 4217 code"]),
        (Plausible("at", "instant"), ["at: in the future", "at: before 1970-01-02"]),
        (Plausible("on", "day"), ["on: in the future", "on: longer ago than a life"]),
        (NotNull("email_key", field="email"), ["email: missing", "email: not usable"]),
        (OneOf("kind", ("a", "b")), ["kind: not one of a, b"]),
        (Between("pieces", 0, 10), ["pieces: below 0", "pieces: above 10"]),
        (Matches("code", "^[A-Z]$"), ["code: not of the form ^[A-Z]$"]),
    ],
)
def test_each_reason_is_of_the_expectation_that_it_breaks(expectation: Expectation, reasons: list[str]) -> None:
    assert [reason_of(expectation, reason) for reason in reasons] == [True] * len(reasons)
    assert not reason_of(expectation, "other: missing")
    groups = [group(2, reason) for reason in reasons]
    assert numbers(found(expectation, group(10), *groups)) == (10 + 2 * len(groups), 2 * len(groups), False)


def test_the_failures_of_rejecting_expectations_add_up_to_the_refused_rows() -> None:
    suite = [NotNull("name"), OfType("pieces", "integer")]
    groups = [group(90), group(4, "name: missing"), group(3, "pieces: not of type integer"), group(2, "new: odd")]
    one = audit("sale", ["name"], suite, groups, past=Past(), last=FRIDAY, broken={"items: no field 'id'": 1})
    assert [(f.expectation.words, f.failed) for f in one.findings] == [
        ("name is known", 4),
        ("pieces is of type integer", 3),
        ("no row is refused: items: no field 'id'", 1),
        ("no row is refused: new: odd", 2),
    ]
    assert isinstance(one.findings[-1].expectation, Accepted) and one.rows == 100 and one.passed


def test_a_row_that_breaks_a_rule_and_was_not_refused_is_an_error_of_ours() -> None:
    with pytest.raises(AudienceError, match="^name is known: 1 rows that break it were not refused$"):
        found(NotNull("name"), group(10, broken={NotNull("name"): 1}))


@pytest.mark.parametrize(("refused", "broken", "passed"), [(5, 0, True), (6, 0, False), (5, 1, False)])
def test_more_than_five_per_cent_refused_rows_block(refused: int, broken: int, passed: bool) -> None:
    groups = [group(95), group(refused, "name: missing")]
    assert found(RefusedShare(0.05), *groups, broken={"no field 'id'": broken}).passed is passed


def test_rows_that_are_all_refused_block_and_a_handful_does_not() -> None:
    assert not found(RefusedShare(0.05), group(20, "name: missing")).passed
    assert found(RefusedShare(0.05), group(19, "name: missing")).passed


@pytest.mark.parametrize(
    ("refused", "records", "unread", "passed"),
    [(2, 75, 0, True), (4, 75, 0, False), (2, 40, 1, False), (19, 19, 0, True)],
)
def test_rows_of_one_record_are_one_mistake(refused: int, records: int, unread: int, passed: bool) -> None:
    lines = RefusedShare(0.05, per=("order_id",))
    one = audit("line", [], [lines], [group(630), group(77, "currency: not an ISO 4217 code")], past=Past(), last=FRIDAY,
                broken={"no field 'id'": unread}, records=lambda _per: (refused, records))  # fmt: skip
    assert numbers(one.findings[0]) == (707 + unread, 77 + unread, passed)


def test_one_row_is_a_table() -> None:
    assert numbers(found(RefusedShare(0.05), group(1))) == (1, 0, True)


# -- the table -------------------------------------------------------------------------------------------------------


def test_a_column_that_nobody_declared_blocks() -> None:
    assert found(Columns(("name",)), group(1)).passed
    assert not found(Columns(("name", "email")), group(1)).passed


def test_a_day_that_comes_three_times_is_a_loop() -> None:
    key = Unique(("name",), mostly=0.5)
    assert found(key, group(100), group(100, is_newest=False)).passed
    assert numbers(found(key, group(100), group(200, is_newest=False))) == (300, 200, False)


WEEKS = Past(volumes=(100, 110, 105, 105, 500))


@pytest.mark.parametrize(
    ("rows", "passed"), [(105, True), (53, True), (52, False), (210, True), (211, False), (0, False)]
)
def test_a_volume_is_compared_with_the_median_of_the_weekday(rows: int, passed: bool) -> None:
    groups = [group(rows)] if rows else []
    assert found(Volume(low=0.5, high=2), *groups, past=WEEKS).passed is passed


@pytest.mark.parametrize(("rows", "passed"), [(10, True), (0, True), (900, False)])
def test_a_volume_that_always_varied_may_vary(rows: int, passed: bool) -> None:
    # the median is 100, its deviations 80, 100, 40, 300, 0: their median is 80, four scaled ones are 474
    varied = Past(volumes=(20, 200, 60, 400, 100))
    assert found(Volume(low=0.5, high=2), *([group(rows)] if rows else []), past=varied).passed is passed


@pytest.mark.parametrize("volumes", [(), (100, 100), (3, 2, 4, 3)])
def test_too_little_history_says_nothing_of_a_volume(volumes: tuple[int, ...]) -> None:
    finding = found(Volume(low=0.5), past=Past(volumes=volumes))
    assert finding.passed and finding.observed is None


def test_other_days_of_the_extraction_are_no_volume_of_the_partition() -> None:
    finding = found(Volume(low=0.5, high=2), group(100), group(900, day="2026-11-19"), past=WEEKS)
    assert numbers(finding) == (100, 0, True) and finding.observed == pytest.approx(100 / 105)


DAY_OLD = Fresh("at", hours=24)


@pytest.mark.parametrize(("hours", "passed"), [(12, True), (24, True), (25, False), (-3, True)])
def test_freshness_is_the_age_of_the_newest_row_at_the_end_of_the_partition(hours: int, passed: bool) -> None:
    at = FRIDAY.as_of - timedelta(hours=hours)
    finding = found(DAY_OLD, group(5, newest={DAY_OLD: at}), group(1, "bad", newest={DAY_OLD: NOON}))
    assert (finding.observed, finding.passed) == (max(hours, 0), passed)


def test_without_rows_freshness_is_told_by_the_last_day_that_had_some() -> None:
    daily = (50, 50, 50)
    assert found(DAY_OLD, past=Past(volumes=daily, last_rows_on=date(2026, 11, 19))).observed == 24
    assert found(DAY_OLD, past=Past(volumes=daily, last_rows_on=date(2026, 11, 18))).passed is False
    assert found(DAY_OLD).observed is None


def test_a_table_that_often_has_a_day_without_rows_is_not_old_by_one() -> None:
    seldom = Past(volumes=(0, 3, 0), last_rows_on=date(2026, 11, 1))
    assert found(DAY_OLD, past=seldom).observed is None


KIND = Stable("kind", values=("a", "b"))


def test_a_distribution_that_moved_is_a_warning() -> None:
    before = Past(histograms={"kind": {"a": 9000, "b": 1000}})
    same = found(KIND, group(1000, histograms={KIND: {"a": 900, "b": 100}}), past=before)
    moved = found(KIND, group(1000, histograms={KIND: {"a": 500, "b": 500}}), past=before)
    assert same.passed and same.observed == pytest.approx(0, abs=0.001)
    # (0.5 - 0.9) * ln(0.5 / 0.9) + (0.5 - 0.1) * ln(0.5 / 0.1)
    assert not moved.passed and moved.observed == pytest.approx(0.879, abs=0.005)


def test_few_rows_say_nothing_of_a_distribution() -> None:
    before = Past(histograms={"kind": {"a": 9000}})
    few = group(499, histograms={KIND: {"b": 499}})
    assert found(KIND, few, past=before).observed is None
    many = group(500, histograms={KIND: {"b": 500}})
    assert found(KIND, many, past=before).observed is not None
    assert found(KIND, many, past=Past(histograms={"kind": {"a": 499}})).observed is None


def test_histograms_are_of_published_rows_by_their_day() -> None:
    groups = [group(3, histograms={KIND: {"a": 2, "b": 1}}), group(1, "bad", histograms={KIND: {"a": 1}}),
              group(1, day="2026-11-19", histograms={KIND: {"b": 1}})]  # fmt: skip
    one = audit("sale", [], [KIND], groups, past=Past(), last=FRIDAY, broken={})
    assert one.histograms == {("2026-11-20", "kind", "a"): 2, ("2026-11-20", "kind", "b"): 1,
                              ("2026-11-19", "kind", "b"): 1}  # fmt: skip


# -- the verdict -----------------------------------------------------------------------------------------------------


def test_only_what_blocks_stops_a_source_and_the_refusal_names_it_with_numbers() -> None:
    suite = [ORDERS, HALF]
    lines = audit("raw_shop__order_line", [], suite, [group(100, broken={ORDERS: 60, HALF: 60})], past=Past(),
                  last=FRIDAY, broken={})  # fmt: skip
    products = Audit("raw_shop__product", FRIDAY, 0, (), {})
    assert [f.expectation for f in lines.warnings] == [ORDERS]
    with pytest.raises(AuditFailed) as failed:
        refuse([lines, products])
    assert str(failed.value) == (
        "nothing was published; raw_shop__order_line: order_id is a known order in 0.5 of the rows: found 60 of 100 rows"
    )
    refuse([products])
