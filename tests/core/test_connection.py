"""Connections are read from the variable that Airflow reads; what is in it is never shown."""

import json
import traceback

import pytest

from audience.core.connection import Connection
from audience.core.errors import SettingsError


def read(text: str) -> Connection:
    return Connection.from_environment("crm", {"AIRFLOW_CONN_CRM": text})


def test_a_connection_is_read_in_airflows_json_form() -> None:
    found = read(json.dumps({"conn_type": "http", "host": "https://crm.example/v1/", "login": "ana", "password": "pw",
                             "extra": {"region": "eu"}}))  # fmt: skip
    assert (found.name, found.url, found.login, found.password.reveal()) == (
        "crm",
        "https://crm.example/v1",
        "ana",
        "pw",
    )
    assert found.extra == {"region": "eu"}


def test_extra_may_be_json_in_a_text_as_airflow_stores_it() -> None:
    assert read('{"host": "https://crm.example", "extra": "{\\"region\\": \\"eu\\"}"}').extra == {"region": "eu"}


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("http://127.0.0.1", 8181, "http://127.0.0.1:8181"),
        ("http://127.0.0.1/crm/", 8181, "http://127.0.0.1:8181/crm"),
        ("crm.example", None, "https://crm.example"),
        ("crm.example", 444, "https://crm.example:444"),
        ("postgresql://db.example/erp?sslmode=require", 5432, "postgresql://db.example:5432/erp?sslmode=require"),
        ("sqlite:////srv/erp.db", None, "sqlite:////srv/erp.db"),
    ],
)
def test_the_url_is_host_port_and_path(host: str, port: int | None, url: str) -> None:
    assert read(json.dumps({"host": host, "port": port})).url == url


def test_a_missing_connection_names_its_variable_and_shows_the_form() -> None:
    with pytest.raises(SettingsError, match="connection 'web_shop': AIRFLOW_CONN_WEB_SHOP is not set; expected JSON"):
        Connection.from_environment("web_shop", {})


@pytest.mark.parametrize(
    "text",
    [
        "https://ana:not-to-be-shown@crm.example",
        '{"host": "https://crm.example", "password": "not-to-be-shown"',
        '["not-to-be-shown"]',
        '"not-to-be-shown"',
        '{"host": "https://crm.example", "extra": "{not-to-be-shown"}',
        '{"host": "https://crm.example", "extra": ["not-to-be-shown"]}',
        '{"host": "https://crm.example", "password": ["not-to-be-shown"]}',
        '{"host": "http://[not-to-be-shown"}',
    ],
)
def test_an_unreadable_connection_is_refused_without_showing_what_is_in_it(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(text)
    assert str(refused.value) == "connection 'crm': AIRFLOW_CONN_CRM is not JSON of a connection"
    assert "not-to-be-shown" not in "".join(traceback.format_exception(refused.value))


def test_a_connection_without_a_host_is_at_the_systems_own_address_or_says_what_is_missing() -> None:
    found = read('{"host": null, "password": "a-key"}')
    assert found.at("https://api.example").url == "https://api.example"
    assert read('{"host": "crm.example"}').at("https://api.example").url == "https://crm.example"
    with pytest.raises(SettingsError, match="connection 'crm': found no host, expected the system's address"):
        found.at("")


def test_the_password_is_not_in_the_repr() -> None:
    assert "not-to-be-shown" not in repr(read('{"host": "https://crm.example", "password": "not-to-be-shown"}'))


def test_a_time_zone_that_does_not_exist_is_refused_with_an_example() -> None:
    connection = read('{"host": "https://crm.example", "extra": {"time_zone": "Paris"}}')
    with pytest.raises(
        SettingsError, match="connection 'crm': found time_zone 'Paris', expected a name such as 'Europe/"
    ):
        connection.zone("time_zone")


def test_a_time_zone_is_read_by_its_name() -> None:
    assert read('{"host": "https://crm.example", "extra": {"time_zone": "Europe/Paris"}}').zone("time_zone").key == (
        "Europe/Paris"
    )
