"""The Dockerfile builds from what the repository has, on the Airflow that requirements.txt locks."""

import re
from typing import Any

import pytest
from compose_file import REPOSITORY, interpolated

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / "requirements.txt").read_text(), re.M))


@pytest.fixture
def services(made_secrets: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = interpolated(made_secrets)["services"]
    return found


def copied() -> list[str]:
    lines = re.findall(r"^COPY (?:--\S+ )*(.+)$", DOCKERFILE, re.M)
    return [source for line in lines for source in line.split()[:-1]]


def test_it_copies_what_exists_and_what_the_ignore_file_lets_through() -> None:
    let_through = re.findall(r"^!(\S+)$", (REPOSITORY / ".dockerignore").read_text(), re.M)
    assert sorted(copied()) == sorted(let_through)
    assert [source for source in copied() if not (REPOSITORY / source).exists()] == []


def test_its_airflow_is_the_locked_one() -> None:
    assert f"FROM apache/airflow:slim-{LOCKED['apache-airflow']}-python3.11\n" in DOCKERFILE


def test_the_locked_celery_works_with_its_provider() -> None:
    """Celery 5.7 breaks provider 3.26.0: Airflow then says that it does not know the executor."""
    assert tuple(int(n) for n in LOCKED["celery"].split(".")[:2]) < (5, 7)


def test_it_makes_the_folders_of_the_volumes_for_its_user(services: dict[str, Any]) -> None:
    ours = [service for service in services.values() if service["image"] == "audience:local"]
    targets = {volume.split(":")[1] for service in ours for volume in service.get("volumes", [])}
    made = set(re.findall(r"/opt/audience\S*", DOCKERFILE)) | {"/opt/airflow/logs"}  # the base image has the logs
    assert targets <= made


def test_secrets_never_enter_the_image() -> None:
    assert not re.search(r"^(ARG|ENV) .*(PASSWORD|SECRET|KEY|TOKEN)", DOCKERFILE, re.M)
    assert (REPOSITORY / ".dockerignore").read_text().splitlines()[1] == "*"
