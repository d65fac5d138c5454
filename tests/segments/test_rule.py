"""A condition refuses what its column cannot be asked, and a rule's hash depends on its meaning's form only."""

from decimal import Decimal

import pytest

from audience.core.errors import DeclarationError
from audience.core.tables import FEATURES, SCORES
from audience.segments.columns import COLUMNS, OPERATORS, can_be_unknown
from audience.segments.rule import All, Any, Condition, Not, definition_hash


def refused(column: str, operator: str, value: object) -> str:
    with pytest.raises(DeclarationError) as caught:
        Condition(column, operator, value)  # type: ignore[arg-type]
    return str(caught.value)


def test_features_and_scores_share_no_column_but_the_person() -> None:
    assert set(FEATURES.names) & set(SCORES.names) == {"person_id"}
    assert "person_id" not in COLUMNS


def test_every_column_has_operators() -> None:
    assert {c.type for c in COLUMNS.values()} <= OPERATORS.keys()


def test_every_score_can_be_unknown_and_required_features_cannot() -> None:
    assert can_be_unknown("p_buy_30d") and can_be_unknown("country")
    assert not can_be_unknown("is_customer")


def test_values_are_kept_in_the_type_of_their_column() -> None:
    assert Condition("spend_30d_eur", "above", 99.99).value == Decimal("99.99")
    assert Condition("spend_30d_eur", "above", 100).value == Decimal("100.00")
    assert isinstance(Condition("p_buy_30d", "at_least", 1).value, float)
    assert Condition("country", "one_of", ["DE", "AT"]).value == ("DE", "AT")  # type: ignore[arg-type]


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    assert refused("recencydays", "is", 1) == "rule: no column 'recencydays'; did you mean 'recency_days'?"


def test_who_a_person_is_cannot_be_asked() -> None:
    assert "no column 'person_id'" in refused("person_id", "is", "p1")


def test_an_unknown_operator_is_named_with_the_nearest() -> None:
    assert (
        refused("recency_days", "atleast", 1)
        == "recency_days: no operator 'atleast' for integer; did you mean 'at_least'?"
    )


def test_a_text_has_no_order() -> None:
    assert (
        refused("country", "at_least", "DE")
        == "country: no operator 'at_least' for text; known: is, known, none_of, one_of"
    )


@pytest.mark.parametrize("value", ["5", True, 2.5, None, [5], {"a": 1}, 2**60])
def test_a_whole_number_is_compared_with_whole_numbers(value: object) -> None:
    assert "expected a whole number (quintile of spend_365d_eur" in refused("monetary_score", "at_least", value)


@pytest.mark.parametrize("value", [1, True, None, ["DE"]])
def test_a_text_is_compared_with_texts(value: object) -> None:
    assert "expected a text; put it in quotes (ISO 3166 alpha-2 code)" in refused("country", "is", value)


@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_a_boolean_is_compared_with_true_or_false(value: object) -> None:
    assert "expected true or false" in refused("is_customer", "is", value)


@pytest.mark.parametrize("value", [99.995, float("nan"), float("inf"), 1e300, True, "100"])
def test_an_amount_is_compared_at_cents(value: object) -> None:
    assert "expected an amount with at most 2 decimals" in refused("spend_30d_eur", "above", value)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 1e300, True, "0.5"])
def test_a_real_number_is_finite(value: object) -> None:
    assert "expected a number" in refused("basket_365d_eur", "above", value)


def test_a_value_outside_the_bounds_of_its_column_is_refused() -> None:
    assert refused("p_buy_30d", "at_least", 35).startswith("p_buy_30d: found 35.0, expected at most 1 (probability")
    assert refused("p_buy_30d", "at_least", -0.1).startswith("p_buy_30d: found -0.1, expected at least 0 (probability")


def test_bounds_in_the_wrong_order_are_refused() -> None:
    assert (
        refused("recency_days", "between", [60, 7])
        == "recency_days: between: found [60, 7], expected the lower bound first"
    )


@pytest.mark.parametrize("value", [7, [7], [1, 2, 3], "17", {"a": 1}])
def test_between_takes_two_bounds(value: object) -> None:
    assert "expected two bounds such as [1, 5]" in refused("recency_days", "between", value)


@pytest.mark.parametrize("value", [[], "DE", None, {"DE": 1}])
def test_one_of_takes_a_list_with_a_value(value: object) -> None:
    assert "expected a list with at least one value" in refused("country", "one_of", value)
    assert "expected a list with at least one value" in refused("country", "none_of", value)


def test_known_takes_true_or_false() -> None:
    assert refused("country", "known", "yes") == "country: known: found 'yes', expected true or false"


def test_an_empty_group_is_refused() -> None:
    for group in (All, Any):
        with pytest.raises(DeclarationError, match="expected at least one part"):
            group(())


def test_equal_rules_have_equal_hashes_and_different_rules_different_ones() -> None:
    five = Condition("monetary_score", "at_least", 5)
    rules = [
        five,
        Condition("monetary_score", "at_least", 5, "keep"),
        Condition("monetary_score", "at_least", 4),
        Condition("monetary_score", "above", 5),
        Condition("frequency_score", "at_least", 5),
        Not(five),
        Not(Not(five)),
        All((five,)),
        Any((five,)),
        Any((five, five)),
        Condition("country", "one_of", ("DE",)),
        Condition("country", "one_of", ("DE", "AT")),
        Condition("country", "one_of", ("DE, AT",)),
        Condition("country", "is", "true"),
        Condition("is_customer", "is", True),
    ]
    assert len({definition_hash(r) for r in rules}) == len(rules)
    assert definition_hash(Condition("spend_30d_eur", "above", 100)) == definition_hash(
        Condition("spend_30d_eur", "above", Decimal("100.00"))
    )


def test_a_hash_is_the_same_for_ever() -> None:
    """A changed form would show every segment as redefined."""
    rule = All((Condition("is_customer", "is", True), Not(Condition("country", "one_of", ("DE",)))))
    assert definition_hash(rule) == "be7397ec9440fd553c16c2d29dfe9f74ddb974144ac30e7085d2560916291a16"
