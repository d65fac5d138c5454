"""No secret has a default; without one Compose refuses and says how to make it; each service gets only its own."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from compose_file import EXAMPLE, RefusedError, declared, dotenv, interpolated, make_env_file, secrets, variables
from cryptography.fernet import Fernet

from audience.core.settings import Settings

CONTROL = ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY",
           "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC")  # fmt: skip


@pytest.mark.parametrize("name", secrets())
def test_without_a_secret_compose_refuses_and_says_how_to_make_it(name: str, made_secrets: dict[str, str]) -> None:
    for environment in (made_secrets | {name: ""}, {k: v for k, v in made_secrets.items() if k != name}):
        with pytest.raises(RefusedError, match=rf"{name} is missing a value: make it .*with: openssl rand "):
            interpolated(environment)


def test_what_sounds_secret_never_has_a_default() -> None:
    sounds_secret = {n for n in variables() if re.search("PASSWORD|SECRET|KEY|TOKEN", n)}
    assert sounds_secret == set(secrets())
    assert all(use["kind"] == "?" for name in sounds_secret for use in variables()[name])


def test_no_secret_is_written_into_the_file() -> None:
    for name, service in declared()["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|FERNET|_KEY$", variable):
                assert "${" in value, (name, variable)


def test_the_example_names_every_variable_and_its_default() -> None:
    text = EXAMPLE.read_text()
    assert dotenv(text) == dict.fromkeys(secrets(), "")
    choices = dict(line[2:].split("=", 1) for line in text.splitlines() if re.match(r"# [A-Z_]+=", line))
    defaults = {name: uses[0]["rest"] for name, uses in variables().items() if uses[0]["kind"] == "-"}
    assert choices == defaults | {"COMPOSE_PROFILES": "demo"}


def test_the_documented_command_makes_every_secret_for_its_owner_only(
    env_file: Path, made_secrets: dict[str, str]
) -> None:
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert sorted(made_secrets) == secrets()
    assert len(set(made_secrets.values())) == len(made_secrets)
    Fernet(made_secrets["AIRFLOW_FERNET_KEY"])
    Settings.read({"AUDIENCE_PSEUDONYM_KEY": made_secrets["AUDIENCE_PSEUDONYM_KEY"]})


def test_the_documented_command_never_replaces_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AUDIENCE_PSEUDONYM_KEY=the-only-copy\n")
    assert make_env_file(tmp_path).returncode != 0
    assert (tmp_path / ".env").read_text() == "AUDIENCE_PSEUDONYM_KEY=the-only-copy\n"


def environment_of(name: str, made_secrets: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = interpolated(made_secrets)["services"][name].get("environment", {})
    return found


def test_the_worker_holds_no_key_of_the_control_plane(made_secrets: dict[str, str]) -> None:
    assert set(environment_of("airflow-worker", made_secrets)) & set(CONTROL) == set()


@pytest.mark.parametrize(
    "name", ["airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "log-retention", "sandbox"]
)
def test_who_runs_no_step_cannot_reach_personal_data(name: str, made_secrets: dict[str, str]) -> None:
    environment = environment_of(name, made_secrets)
    named = {variable for variable in environment if variable.startswith(("AUDIENCE_", "MLFLOW_"))}
    assert named <= {"AUDIENCE_SOURCES", "AUDIENCE_DESTINATIONS"}, (
        "names are no secret, and decide which DAGs there are"
    )
    assert made_secrets["WAREHOUSE_DB_PASSWORD"] not in str(environment)


def test_only_the_server_and_what_makes_databases_know_the_superuser(made_secrets: dict[str, str]) -> None:
    password = made_secrets["POSTGRES_PASSWORD"]
    services = interpolated(made_secrets)["services"]
    assert {name for name, service in services.items() if password in str(service)} == {"postgres", "databases"}
