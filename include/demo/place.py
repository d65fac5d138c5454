"""Where the demo lives: folders, ports, secrets made for this machine, and the environment of its processes."""

import json
import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

from audience.core.warehouse.embedded import embedded_postgres


class DemoProblem(Exception):
    """Something a person has to mend before the demo can run; the message says what."""


@dataclass(frozen=True)
class Place:
    """The demo's folder and what was decided when it was first made, so that running again changes nothing."""

    folder: Path
    repository: Path
    until: date
    airflow_port: int
    sandbox_port: int
    people: int | None
    kept: dict[str, str]
    backfilled_days: int = 7

    @classmethod
    def at(cls, folder: Path, repository: Path, environment: dict[str, str]) -> Self:
        """Opens the folder, or makes it with fresh secrets. The last day is yesterday when it is first made."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "place.json"
        if file.exists():
            try:
                kept = json.loads(file.read_text())
            except ValueError:
                raise DemoProblem(f"{file} is not readable: look at it, or start anew with `make demo-clean`") from None
        else:
            yesterday = datetime.now(UTC).date() - timedelta(days=1)
            kept = {
                "until": environment.get("AUDIENCE_DEMO_UNTIL") or yesterday.isoformat(),
                "people": environment.get("AUDIENCE_DEMO_PEOPLE", ""),
                "password": secrets.token_urlsafe(9),
                **{name: secrets.token_hex(32) for name in ("pseudonym_key", "jwt_secret", "internal_secret")},
                "fernet_key": _fernet_key(),
            }
            _write_private(file, kept)
        return cls(
            folder=folder,
            repository=repository,
            until=date.fromisoformat(kept["until"]),
            airflow_port=int(environment.get("AUDIENCE_DEMO_PORT", "8080")),
            sandbox_port=int(environment.get("AUDIENCE_DEMO_SANDBOX_PORT", "8181")),
            people=int(kept["people"]) if kept.get("people") else None,
            kept=kept,
        )

    @property
    def first_load_until(self) -> date:
        return self.until - timedelta(days=self.backfilled_days)

    @property
    def backfilled(self) -> list[str]:
        """Keys of the days that are backfilled, oldest first."""
        return [(self.until - timedelta(days=n)).isoformat() for n in reversed(range(self.backfilled_days))]

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def airflow_url(self) -> str:
        return f"http://127.0.0.1:{self.airflow_port}"

    def check_ports(self) -> None:
        """Raises DemoProblem naming the port and the variable that moves it."""
        for port, variable in (
            (self.airflow_port, "AUDIENCE_DEMO_PORT"),
            (self.sandbox_port, "AUDIENCE_DEMO_SANDBOX_PORT"),
        ):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise DemoProblem(
                        f"port {port} is taken by another program: end it, or choose another port with"
                        f" `{variable}={port + 1} make demo`"
                    ) from None

    def environment(self) -> dict[str, str]:
        """What every process of the demo gets. Starts the embedded PostgreSQL."""
        postgres = self.folder / "postgres"
        airflow_db = embedded_postgres(postgres, database="airflow")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "AUDIENCE_", "MLFLOW", "PG"))}
        connections = {
            "CRM": _connection(f"{self.sandbox_url}/crm", "sandbox-crm-token"),
            "SHOP": _connection(f"{self.sandbox_url}/shop", "sandbox-shop-key"),
            "NEWSLETTER": _connection(f"{self.sandbox_url}/brevo/inbox", "sandbox-inbox-token"),
            "BREVO": _connection(f"{self.sandbox_url}/brevo", "sandbox-brevo-key"),
        }
        return (
            inherited
            | {f"AIRFLOW_CONN_{name}": value for name, value in connections.items()}
            | {
                "PYTHONPATH": str(self.repository / "include"),
                "AUDIENCE_HOME": str(self.folder),
                "AUDIENCE_DESTINATIONS": "brevo",  # an erasure asks each platform that is in use
                "AUDIENCE_PSEUDONYM_KEY": self.kept["pseudonym_key"],
                "AIRFLOW_HOME": str(self.folder / "airflow"),
                "AIRFLOW__CORE__DAGS_FOLDER": str(self.repository / "dags"),
                "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.repository / "plugins"),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
                "AIRFLOW__CORE__PARALLELISM": "4",
                # Its default of a second passes between any two tasks.
                "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
                "AIRFLOW__CORE__FERNET_KEY": self.kept["fernet_key"],
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords_file()),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_db.replace("+psycopg:", "+psycopg2:"),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": airflow_db,
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(self.airflow_port),
                "AIRFLOW__API__BASE_URL": self.airflow_url,
                "AIRFLOW__API__SECRET_KEY": self.kept["internal_secret"],
                "AIRFLOW__API__WORKERS": "1",
                "AIRFLOW__API_AUTH__JWT_SECRET": self.kept["jwt_secret"],
                "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            }
        )

    def passwords_file(self) -> Path:
        file = self.folder / "passwords.json"
        if not file.exists():
            _write_private(file, {"admin": self.kept["password"]})
        return file


def _write_private(file: Path, content: dict[str, str]) -> None:
    """A file that only its owner can read and that is there whole or not at all."""
    aside = file.with_suffix(".aside")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(content, opened, indent=1)
    aside.rename(file)


def _connection(host: str, password: str) -> str:
    return json.dumps({"conn_type": "http", "host": host, "password": password})


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
