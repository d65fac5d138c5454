"""The folder of destinations is the registry."""

import pytest

from audience.activation import destinations
from audience.core.errors import DeclarationError


def test_each_file_of_the_folder_is_a_platform_of_its_name() -> None:
    for name in destinations.names():
        assert destinations.find(name).name == name  # type: ignore[attr-defined]


def test_the_environment_names_the_platforms_in_use() -> None:
    assert destinations.in_use({"AUDIENCE_DESTINATIONS": "brevo"}) == ["brevo"]
    assert destinations.in_use({}) == destinations.names()


def test_a_platform_in_use_that_does_not_exist_is_answered_with_the_nearest_known() -> None:
    with pytest.raises(DeclarationError, match="AUDIENCE_DESTINATIONS: no platform 'brevvo'; did you mean 'brevo'"):
        destinations.in_use({"AUDIENCE_DESTINATIONS": "brevvo"})


def test_an_unknown_platform_is_answered_with_the_nearest_known() -> None:
    with pytest.raises(DeclarationError, match="destination: no platform 'brevvo'; did you mean 'brevo'"):
        destinations.find("brevvo")
