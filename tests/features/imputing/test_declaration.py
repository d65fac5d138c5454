"""What may be imputed is declared, and what may never be is refused."""

import pytest

from audience.core.errors import DeclarationError
from audience.core.tables import IMPUTED
from audience.features.imputing.declaration import DECLARED, Impute


@pytest.mark.parametrize("column", ["person_id", "email_key", "customer_ref", "email", "phone_e164", "first_name"])
def test_who_somebody_is_and_where_to_reach_them_is_never_guessed(column: str) -> None:
    with pytest.raises(
        DeclarationError, match=f"impute.{column}: is an identifier or a contact point, and that is never"
    ):
        Impute(column, "most_frequent")


@pytest.mark.parametrize("column", ["consent", "purpose", "status", "proof", "open_tracking", "click_tracking"])
def test_consent_is_never_guessed(column: str) -> None:
    with pytest.raises(DeclarationError, match=f"impute.{column}: is consent, and that is never imputed"):
        Impute(column, "most_frequent")


@pytest.mark.parametrize("column", ["country", "region"])
def test_a_part_of_an_address_is_never_guessed(column: str) -> None:
    with pytest.raises(DeclarationError, match="the postal address, and that is never imputed"):
        Impute(column, "most_frequent")


def test_what_never_happened_is_not_missing() -> None:
    with pytest.raises(DeclarationError, match="recency_days: is a fact: unknown means that it never happened"):
        Impute("recency_days", "median")


def test_a_misspelt_column_names_its_neighbour() -> None:
    with pytest.raises(DeclarationError, match="no column 'age_year'; did you mean 'age_years'"):
        Impute("age_year", "median")


def test_a_text_without_a_scale_has_no_median() -> None:
    with pytest.raises(
        DeclarationError, match="gender: its values have no order.*found 'median', expected 'most_frequent'"
    ):
        Impute("gender", "median")


def test_a_strategy_that_reads_other_columns_names_them() -> None:
    with pytest.raises(DeclarationError, match="'knn' reads other columns, found beside="):
        Impute("age_years", "knn")
    with pytest.raises(DeclarationError, match="'median' reads no other columns, found beside="):
        Impute("age_years", "median", beside=("orders_365d",))
    with pytest.raises(DeclarationError, match="beside 'region': expected another number, or a text of SCALES"):
        Impute("age_years", "knn", beside=("region",))


def test_groups_are_of_a_text() -> None:
    with pytest.raises(DeclarationError, match="by 'orders_365d': found integer, expected a text"):
        Impute("age_years", "median", by="orders_365d")


def test_the_table_has_the_columns_that_are_declared() -> None:
    declared = [name for rule in DECLARED for name in (rule.filled, rule.flag)]
    assert list(IMPUTED.names) == ["person_id", *declared, "imputed_by"]
