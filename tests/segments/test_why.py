"""Every condition is shown with what was found, where the file has it."""

from audience.segments.rule import All, Any, Condition, Not
from audience.segments.why import Reason, holds, why
from segments.rules import a_row

QUIET = Condition("recency_days", "between", (60, 180))
ACTIVE = Condition("clicks_90d", "at_least", 3)
ABROAD = Condition("country", "one_of", ("DE", "AT"))
RULE = All((QUIET, Any((ACTIVE, Condition("p_buy_30d", "at_least", 0.35))), Not(ABROAD)))


def test_every_condition_is_shown_in_the_order_of_the_file() -> None:
    row = a_row(recency_days=61, clicks_90d=1, p_buy_30d=0.5)
    assert why(RULE, row) == [
        Reason("members.all[0]", QUIET, 61, True),
        Reason("members.all[1].any[0]", ACTIVE, 1, False),
        Reason("members.all[1].any[1]", Condition("p_buy_30d", "at_least", 0.35), 0.5, True),
        Reason("members.all[2].not", ABROAD, None, False),
    ]
    assert holds(RULE, row)


def test_a_condition_reads_as_words() -> None:
    assert str(QUIET) == "recency_days between [60, 180]"
    assert str(ABROAD) == "country one_of [DE, AT]"
    assert str(Condition("is_customer", "is", True)) == "is_customer is true"
    assert str(Condition("country", "known", False)) == "country known false"


def test_a_rule_of_one_condition_stands_at_members() -> None:
    assert [r.place for r in why(QUIET, a_row())] == ["members"]
