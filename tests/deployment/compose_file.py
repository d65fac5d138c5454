"""docker-compose.yml as Compose reads it: YAML, then variables, or a refusal that names the missing one."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
COMPOSE = REPOSITORY / "docker-compose.yml"
EXAMPLE = REPOSITORY / ".env.example"

VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}|(?P<bad>.))", re.S
)


class RefusedError(Exception):
    """What Compose prints instead of starting."""


def declared() -> dict[str, Any]:
    """The file with its variables as they are written."""
    found = yaml.safe_load(COMPOSE.read_text())
    assert isinstance(found, dict)
    return found


def interpolated(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file with the values of an environment. Raises RefusedError as Compose would."""

    def value_of(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        assert not match["bad"], f"Compose reads a variable in {match.string!r}: write $$ for a dollar"
        value = environment.get(match["name"], "")
        if value or match["kind"] is None:
            return value
        if match["kind"] == "?":
            raise RefusedError(f"required variable {match['name']} is missing a value: {match['rest']}")
        return match["rest"]

    read = each_text(declared(), lambda text: VARIABLE.sub(value_of, text))
    assert isinstance(read, dict)
    return read


def each_text(node: Any, change: Callable[[str], str]) -> Any:
    """A copy of a tree with each text (never a key) changed."""
    if isinstance(node, dict):
        return {key: each_text(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [each_text(value, change) for value in node]
    return change(node) if isinstance(node, str) else node


def variables() -> dict[str, list[re.Match[str]]]:
    """Every use of every variable, by name."""
    found: dict[str, list[re.Match[str]]] = {}

    def note(text: str) -> str:
        for match in VARIABLE.finditer(text):
            if match["name"]:
                found.setdefault(match["name"], []).append(match)
        return text

    each_text(declared(), note)
    return found


def secrets() -> list[str]:
    """Names of the variables that Compose insists on."""
    return sorted(name for name, uses in variables().items() if any(use["kind"] == "?" for use in uses))


def dotenv(text: str) -> dict[str, str]:
    """The assignments of an environment file."""
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def image_environment() -> dict[str, str]:
    """What the Dockerfile sets for every service that runs its image."""
    text = (REPOSITORY / "Dockerfile").read_text()
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", text, re.M))


def documented_command(page: str, beginning: str) -> str:
    """The shell block of a page in docs/ that begins with these words."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (REPOSITORY / "docs" / page).read_text(), re.M | re.S)
    (block,) = [b for b in blocks if b.startswith(beginning)]
    return str(block)


def documented_airflow_commands(page: str) -> list[list[str]]:
    """The `airflow ...` that a page runs inside a service, with a date for what the shell would compute."""
    text = (REPOSITORY / "docs" / page).read_text()
    lines = re.findall(r"docker compose exec [\w-]+ airflow ([^`\n]+)", text)
    return [shlex.split(re.sub(r"\$\([^)]*\)", "2026-01-01", line)) for line in lines]


def make_env_file(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command of docs/deployment.md that makes .env, in a folder that holds only the example."""
    shutil.copy(EXAMPLE, folder / ".env.example")
    command = documented_command("deployment.md", "( set -o noclobber")
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
