"""Connection types in the Airflow UI: a form per kind of system, masked secrets, a Test button that says what is wrong."""

import json
from collections.abc import Iterator

import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager

from audience.orchestration.connections import PREFIX, connection_type, hook_name, systems
from audience.orchestration.provider import provider_info
from audience.sources.contract import all_sources
from small_sandbox import SmallSandbox


@pytest.fixture(scope="module")
def manager() -> Iterator[ProvidersManager]:
    found = ProvidersManager()
    found.initialize_providers_hooks()
    yield found


def test_airflow_accepts_what_the_distribution_says() -> None:
    from importlib.resources import files

    schema = json.loads((files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(provider_info(), schema)


def test_every_kind_of_system_is_a_connection_type(manager: ProvidersManager) -> None:
    wanted = {PREFIX + source.system.type for source in all_sources()}
    assert wanted <= manager.hooks.keys()
    assert all(manager.hooks[name] is not None and manager.hooks[name].connection_testable for name in wanted)


def test_secrets_are_password_fields_and_fields_that_are_not_needed_are_hidden() -> None:
    for system in systems().values():
        said = connection_type(system)
        for field in system.fields:
            if field.is_secret and field.name in said["conn-fields"]:
                assert said["conn-fields"][field.name]["schema"]["format"] == "password"
        named = {f.name for f in system.fields}
        assert named.isdisjoint(said["ui-field-behaviour"]["hidden-fields"])


def test_a_platform_asks_for_its_settings_in_the_form_of_the_source_of_its_name() -> None:
    form = connection_type(systems()["mailchimp"])["conn-fields"]
    assert {"audiences", "audience", "requests_per_second"} <= set(form)
    assert "Id of the audience" in form["audience"]["description"]
    assert list(connection_type(systems()["hubspot"])["conn-fields"]) == ["subscription_id", "requests_per_second"]


def test_one_class_name_stands_for_one_type() -> None:
    names = [hook_name(type_) for type_ in systems()]
    assert len(names) == len(set(names))


def pressed(monkeypatch: pytest.MonkeyPatch, **connection: str) -> tuple[bool, str]:
    """What the Test button of a shop's connection says."""
    from airflow.models.connection import Connection

    made = Connection(conn_id="shop", conn_type="audience_shop", **connection)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", made.as_json())
    return made.test_connection()  # type: ignore[no-any-return]


def test_the_test_button_says_that_the_system_answered(
    monkeypatch: pytest.MonkeyPatch, small_sandbox: SmallSandbox
) -> None:
    answered = pressed(monkeypatch, host=f"{small_sandbox.url}/shop", password="sandbox-shop-key")
    assert answered == (True, "shop: answered")


def test_the_test_button_says_what_to_check_and_never_the_secret(
    monkeypatch: pytest.MonkeyPatch, small_sandbox: SmallSandbox
) -> None:
    is_fine, message = pressed(monkeypatch, host=f"{small_sandbox.url}/shop", password="wrong-key")
    assert not is_fine
    assert message == "shop: GET products: found 401, expected 200; check connection 'shop'"


def test_a_connection_without_an_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pressed(monkeypatch, password="key-of-nobody") == (
        False, "connection 'shop': found no host, expected the system's address"
    )  # fmt: skip
