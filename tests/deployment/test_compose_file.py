"""What docker-compose.yml says exists: in the format, in this repository, and in the programs that it starts."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from compose_file import REPOSITORY, declared, documented_airflow_commands, image_environment, interpolated

from audience.core.settings import VARIABLES, Settings

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def compose(made_secrets: dict[str, str]) -> dict[str, Any]:
    return interpolated(made_secrets)


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def command_lines(services: dict[str, dict[str, Any]]) -> Iterator[list[str]]:
    """Every command of every service, the lines of shell scripts one by one."""
    for service in services.values():
        command = service.get("command")
        if command is None:  # the image's own
            continue
        if command[0] == "bash":
            yield from (
                shlex.split(line) for line in command[-1].splitlines() if line.startswith(("airflow", "python"))
            )
        else:
            yield command


def test_it_is_what_the_compose_specification_describes() -> None:
    schema = json.loads(
        (HERE / "compose-spec.json").read_text()
    )  # compose-spec, Apache-2.0, as check-jsonschema has it
    jsonschema.validate(declared(), schema)


def test_a_service_waits_only_for_what_the_other_can_become(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            other = services[needed]
            assert "profiles" not in other or other["profiles"] == service.get("profiles"), (name, needed)
            can_become = {
                "service_started": True,
                "service_healthy": "healthcheck" in other,
                "service_completed_successfully": other.get("restart") == "no",
            }
            assert can_become[how["condition"]], (name, needed)


def test_what_ends_well_is_waited_for_because_up_with_wait_takes_any_other_end_for_a_failure(
    services: dict[str, dict[str, Any]],
) -> None:
    awaited = {
        needed
        for service in services.values()
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert awaited == {name for name, service in services.items() if service["restart"] == "no"}


def test_volumes_and_configs_are_declared_and_used(compose: dict[str, Any]) -> None:
    services = compose["services"].values()
    mounted = {volume.split(":")[0] for service in services for volume in service.get("volumes", [])}
    given = {config["source"] for service in services for config in service.get("configs", [])}
    assert mounted == set(compose["volumes"])
    assert given == set(compose["configs"])


def test_every_lasting_service_has_a_health_check_and_comes_back(services: dict[str, dict[str, Any]]) -> None:
    lasting = {name: service for name, service in services.items() if service["restart"] != "no"}
    assert {service["restart"] for service in lasting.values()} == {"unless-stopped"}
    assert {name for name, service in lasting.items() if "healthcheck" not in service} == {"log-retention"}


def test_what_a_container_prints_cannot_fill_the_disk(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["logging"]["driver"] == "json-file", name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_nothing_listens_beyond_this_machine(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:5000:5000", "127.0.0.1:8080:8080"]


def test_airflow_has_every_option_and_every_command(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    commands = [line[1:] for line in command_lines(services) if line[0] == "airflow"]
    documented = documented_airflow_commands("deployment.md")
    used = {name for service in services.values() for name in service.get("environment", {})} | set(image_environment())
    known = subprocess.run(
        [sys.executable, str(HERE / "declared_by_airflow.py")],
        input=json.dumps(commands + documented),
        capture_output=True,
        text=True,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        check=True,
    )
    airflow = json.loads(known.stdout.splitlines()[-1])
    options = {name[len("AIRFLOW__") :].lower().replace("__", ".", 1) for name in used if name.startswith("AIRFLOW__")}
    assert len(commands) >= 8
    assert len(documented) == 3
    assert options - set(airflow["options"]) == set()
    assert airflow["refused"] == []


def test_audience_has_every_command(services: dict[str, dict[str, Any]]) -> None:
    from typer.main import get_command

    from audience.cli import application

    known = set(get_command(application()).commands)  # type: ignore[attr-defined]
    used = {line[3] for line in command_lines(services) if line[:3] == ["python", "-m", "audience"]}
    assert used == {"migrate", "pools"}
    assert used <= known


def test_the_package_accepts_the_environment_that_it_gets(services: dict[str, dict[str, Any]]) -> None:
    for name in ("airflow-worker", "airflow-api-server", "audience-init"):
        environment = {"AUDIENCE_SOURCES": "", "AUDIENCE_DESTINATIONS": ""} | services[name]["environment"]
        Settings.read(environment)
        assert {n for n in environment if n.startswith("AUDIENCE_")} == set(VARIABLES) - {"AUDIENCE_SEGMENTS"}


def test_services_call_one_another_by_names_and_ports_that_exist(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        text = json.dumps([service.get("environment"), service.get("healthcheck")])
        for host, port in re.findall(r"(?:@|http://)([a-z][a-z-]*):(\d+)", text):
            assert (host, port) in {
                ("postgres", "5432"), ("redis", "6379"), ("mlflow", "5000"), ("airflow-api-server", "8080"),
                ("localhost", "8080"),
            }, name  # fmt: skip


def test_the_demo_brings_a_connection_for_each_required_source_and_for_platforms_and_overwrites_none(
    compose: dict[str, Any],
) -> None:
    from audience.activation import destinations
    from audience.sources.contract import all_sources

    brought = json.loads(compose["configs"]["sandbox-connections"]["content"])
    required = {source.name for source in all_sources() if source.required}
    assert required | {"brevo"} <= set(brought) <= required | set(destinations.names())
    assert "--overwrite" not in compose["services"]["sandbox-connections"]["command"]


def test_the_demo_is_off_unless_asked_for(services: dict[str, dict[str, Any]]) -> None:
    assert {n for n, service in services.items() if service.get("profiles") == ["demo"]} == {
        "sandbox",
        "sandbox-connections",
    }
    assert (REPOSITORY / "include/sandbox/__main__.py").exists()
