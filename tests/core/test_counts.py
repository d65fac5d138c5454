"""Rows in = rows loaded + rows set aside + rows replaced by a newer version."""

import pytest

from audience.core.counts import Counts
from audience.core.errors import AudienceError


def test_counts_that_do_not_add_up_are_an_error_that_shows_the_sum() -> None:
    with pytest.raises(AudienceError, match=r"10 rows came in, but 7 loaded \+ 1 quarantined \+ 1 superseded are 9"):
        Counts(taken=10, loaded=7, quarantined=1, superseded=1)


def test_reasons_that_do_not_add_up_to_the_refused_rows_are_an_error() -> None:
    with pytest.raises(AudienceError, match="3 rows are quarantined, but the reasons are of 2"):
        Counts(taken=5, loaded=2, quarantined=3, reasons={"total_eur: missing": 2})


def test_counts_are_added_reason_by_reason() -> None:
    friday = Counts(taken=5, loaded=3, quarantined=2, reasons={"a: missing": 1, "b: missing": 1})
    saturday = Counts(taken=4, loaded=2, quarantined=1, superseded=1, reasons={"a: missing": 1})
    assert friday + saturday == Counts(
        taken=9, loaded=5, quarantined=3, superseded=1, reasons={"a: missing": 2, "b: missing": 1}
    )


def test_nothing_added_to_counts_changes_nothing() -> None:
    counts = Counts(taken=1, loaded=1)
    assert counts + Counts.none() == Counts.none() + counts == counts


def test_counts_are_plain_values_for_xcom() -> None:
    assert Counts(taken=2, loaded=1, quarantined=1, reasons={"a: missing": 1}).as_dict() == {
        "taken": 2, "loaded": 1, "quarantined": 1, "superseded": 0, "reasons": {"a: missing": 1},
    }  # fmt: skip
