"""The environment is checked when it is read; no message and no repr shows a secret."""

from pathlib import Path

import pytest

from audience.core.errors import SettingsError
from audience.core.masked import PseudonymKey
from audience.core.settings import VARIABLES, Settings

KEY = "k" * 20 + "-not-to-be-shown-"
URL = "postgresql+psycopg://audience:not-to-be-shown@db.example/audience"


def test_only_the_key_is_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read = Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY})
    assert read.home == tmp_path / ".run" and read.lake_url == str(tmp_path / ".run" / "lake")
    assert (read.warehouse_url, read.mlflow_url, read.memory_limit) == (None, None, "2GB")


def test_an_empty_variable_is_the_default() -> None:
    empty = dict.fromkeys(VARIABLES, "") | {"AUDIENCE_PSEUDONYM_KEY": KEY}
    assert Settings.read(empty) == Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("AUDIENCE_WAREHOUSE_URI", "did you mean 'AUDIENCE_WAREHOUSE_URL'"),
        ("AUDIENCE_PSEUDONYMKEY", "did you mean 'AUDIENCE_PSEUDONYM_KEY'"),
        ("AUDIENCE_HOMES", "did you mean 'AUDIENCE_HOME'"),
    ],
)
def test_a_misspelt_variable_is_told_the_nearest_one_and_its_value_is_not_shown(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=f"environment: no setting '{name}'; {hint}") as refused:
        Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY, name: "not-to-be-shown"})
    assert "shown" not in str(refused.value)


def test_addresses_are_keyed_as_they_are_unless_it_is_said_that_mailboxes_are() -> None:
    assert not Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY}).pseudonym_key.by_mailbox
    assert Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY, "AUDIENCE_EMAIL_MAILBOXES": "yes"}).pseudonym_key.by_mailbox
    with pytest.raises(SettingsError, match="AUDIENCE_EMAIL_MAILBOXES: found 'gmail', expected yes or no"):
        Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY, "AUDIENCE_EMAIL_MAILBOXES": "gmail"})


def test_variables_of_others_are_left_alone() -> None:
    Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY, "PATH": "/bin", "AIRFLOW_HOME": "/a", "AUDIENCE_DEMO_PORT": "1"})


@pytest.mark.parametrize("key", ["", "shown", "é" * 15, "k" * 31, "k" * 65, "é" * 33])
def test_a_key_of_the_wrong_length_is_refused_by_its_length_and_the_message_says_how_to_make_one(key: str) -> None:
    with pytest.raises(SettingsError, match="AUDIENCE_PSEUDONYM_KEY: found .* expected 32 to 64") as refused:
        Settings.read({"AUDIENCE_PSEUDONYM_KEY": key})
    assert "secrets.token_hex(32)" in str(refused.value)
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize("url", ["postgres://u:shown@db/a", "postgresql://u:shown@db/a", "sqlite:///shown", "shown"])
def test_a_warehouse_that_is_not_postgresql_over_psycopg_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"expected a URL that starts with postgresql\+psycopg://") as refused:
        Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY, "AUDIENCE_WAREHOUSE_URL": url})
    assert "shown" not in str(refused.value)


def test_no_secret_is_in_the_repr_of_the_settings() -> None:
    read = Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY, "AUDIENCE_WAREHOUSE_URL": URL, "AUDIENCE_MLFLOW_URL": URL})
    assert "not-to-be-shown" not in repr(read)
    assert read.warehouse_url is not None and read.warehouse_url.reveal() == URL


def test_a_later_key_stands_behind_a_comma() -> None:
    found = Settings.read({"AUDIENCE_PSEUDONYM_KEY": f"{KEY},{KEY[::-1]}"}).pseudonym_key
    assert (found.reveal(), [one.reveal() for one in found.later]) == (KEY, [KEY[::-1]])
    assert len(set(found.ids)) == 2 and not any(part in KEY for part in found.ids)


def test_a_single_key_may_have_a_comma_as_ever() -> None:
    key = "0123456789,0123456789,0123456789,0123456789"
    assert Settings.read({"AUDIENCE_PSEUDONYM_KEY": key}).pseudonym_key == PseudonymKey(key)


def test_a_later_key_is_no_shorter_than_the_first() -> None:
    with pytest.raises(SettingsError, match="AUDIENCE_PSEUDONYM_KEY: found 5 characters, expected 32 to 64"):
        Settings.read({"AUDIENCE_PSEUDONYM_KEY": f"{'k' * 64},short"})
