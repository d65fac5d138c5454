"""The folder of destinations is the registry."""

import pytest

from audience.activation import destinations
from audience.activation.destinations import brevo
from audience.core.errors import DeclarationError


def test_each_file_of_the_folder_is_a_platform_of_its_name() -> None:
    for name in destinations.names():
        assert destinations.find(name).name == name  # type: ignore[attr-defined]


def test_an_unknown_platform_is_answered_with_the_nearest_known() -> None:
    with pytest.raises(DeclarationError, match="destination: no platform 'brevvo'; did you mean 'brevo'"):
        destinations.find("brevvo")


def test_bodies_are_cut_below_the_size_that_brevo_advises() -> None:
    rows = ["x" * 1_000_000] * 20
    parts = list(brevo._parts(rows))
    assert [(p.start, p.stop) for p in parts] == [(0, 7), (7, 14), (14, 20)]
    assert list(brevo._parts([])) == []


def test_a_row_larger_than_a_body_goes_alone() -> None:
    assert [(p.start, p.stop) for p in brevo._parts(["x", "y" * 9_000_000, "z"])] == [(0, 1), (1, 2), (2, 3)]
