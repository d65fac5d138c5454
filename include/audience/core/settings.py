"""Settings come from the environment, are checked when read, and never show a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from audience.core.errors import SettingsError, nearest
from audience.core.masked import PseudonymKey, Secret

VARIABLES: dict[str, str] = {
    "AUDIENCE_HOME": "folder for the lake, the embedded PostgreSQL and logs (default: .run below the working folder)",
    "AUDIENCE_LAKE_URL": "lake folder or fsspec URL (default: AUDIENCE_HOME/lake)",
    "AUDIENCE_WAREHOUSE_URL": "SQLAlchemy URL of PostgreSQL (default: an embedded one in AUDIENCE_HOME/postgres)",
    "AUDIENCE_VAULT_URL": "SQLAlchemy URL of the same database by a login of the role audience_vault, given only to processes"
    " that identify people, push or erase (default: AUDIENCE_WAREHOUSE_URL opens the vault, too)",
    "AUDIENCE_MLFLOW_URL": "MLflow tracking URL (default: tables in the warehouse, artifacts in the lake)",
    "AUDIENCE_PSEUDONYM_KEY": "secret of 32 to 64 characters: keys the hashes that stand for people (required); to change it, add a"
    " later one behind a comma and run `audience keys rotate`: `first,second`; no key may ever be left out (docs/identity.md)",
    "AUDIENCE_EMAIL_MAILBOXES": "`yes`: addresses of one mailbox are one address (`a.na+shop@gmail.com` is `ana@gmail.com`, by the"
    " rules that providers publish); it decides every key of an address and cannot be changed later (default: no)",
    "AUDIENCE_SOURCES": "names of the source files in use, separated by commas (default: every file of the folder)",
    "AUDIENCE_DESTINATIONS": "names of the platforms in use, separated by commas (default: every file of the folder)",
    "AUDIENCE_SEGMENTS": "folder of segment files (default: include/segments of the installation)",
    "AUDIENCE_MEMORY_LIMIT": "memory DuckDB may take in one task (default: 2GB)",
    "AUDIENCE_CONTACT_PRICES": "EUR a month for 1,000 contacts by platform, such as `brevo=4.5,hubspot=20`, for what the page of"
    " lists says about cost (default: no price is shown)",
    "AUDIENCE_ALERTS_EMAIL": "addresses that the DAG `watch_sources` tells what is not as declared, separated by commas; sent"
    " through the Airflow connection `smtp_default` (default: nobody)",
    "AUDIENCE_ALERTS_SENDER": "address that alerts come from (default: the one of the connection)",
    "AUDIENCE_ALERTS_WEBHOOK": "URL that the same is posted to as JSON, `text` for chat systems; secret (default: none)",
}
"""Every variable this package reads, with its meaning; `audience check` prints the list."""


@dataclass(frozen=True)
class Settings:
    """The validated environment. Build it with `Settings.read(os.environ)`."""

    home: Path
    lake_url: str
    warehouse_url: Secret | None
    mlflow_url: Secret | None
    pseudonym_key: PseudonymKey
    segments: Path
    memory_limit: str
    vault_url: Secret | None = None
    contact_prices: Mapping[str, float] = field(default_factory=dict)
    alerts_email: tuple[str, ...] = ()
    alerts_sender: str = ""
    alerts_webhook: Secret | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Checks every AUDIENCE_ variable.

        Raises:
            SettingsError: a required variable is missing, a value is unusable, or a name is unknown (a misspelt
                variable would otherwise be a silent default).
        """
        for name in environment:
            if name.startswith("AUDIENCE_") and name not in VARIABLES and not name.startswith("AUDIENCE_DEMO_"):
                raise SettingsError(f"environment: no setting {name!r}{nearest(name, VARIABLES)}")
        home = Path(environment.get("AUDIENCE_HOME") or ".run").absolute()
        first, *later = _keys(environment.get("AUDIENCE_PSEUDONYM_KEY", ""))
        sizes = [len(one.encode()) for one in (first, *later)]
        if odd := [size for size in sizes if not 32 <= size <= 64]:
            raise SettingsError(
                f"AUDIENCE_PSEUDONYM_KEY: found {odd[0]} characters, expected 32 to 64;"
                " make one with: python -c 'import secrets; print(secrets.token_hex(32))' and keep it: "
                "a lost key means new pseudonyms for everybody"
            )
        mailboxes = environment.get("AUDIENCE_EMAIL_MAILBOXES") or "no"
        if mailboxes not in ("yes", "no"):
            raise SettingsError(f"AUDIENCE_EMAIL_MAILBOXES: found {mailboxes!r}, expected yes or no")
        warehouse = environment.get("AUDIENCE_WAREHOUSE_URL")
        if warehouse and not warehouse.startswith("postgresql+psycopg://"):
            raise SettingsError("AUDIENCE_WAREHOUSE_URL: expected a URL that starts with postgresql+psycopg://")
        vault = environment.get("AUDIENCE_VAULT_URL")
        if vault and not (warehouse and vault.startswith("postgresql+psycopg://")):
            raise SettingsError(
                "AUDIENCE_VAULT_URL: expected a URL that starts with postgresql+psycopg://, beside AUDIENCE_WAREHOUSE_URL"
            )
        mlflow = environment.get("AUDIENCE_MLFLOW_URL")
        webhook = environment.get("AUDIENCE_ALERTS_WEBHOOK")
        if webhook and not webhook.startswith(("https://", "http://")):
            raise SettingsError("AUDIENCE_ALERTS_WEBHOOK: expected a URL that starts with https:// or http://")
        emails = [one.strip() for one in environment.get("AUDIENCE_ALERTS_EMAIL", "").split(",") if one.strip()]
        if wrong := sum("@" not in one for one in emails):
            raise SettingsError(f"AUDIENCE_ALERTS_EMAIL: found {wrong} of {len(emails)} without @, expected addresses")
        return cls(
            home=home,
            lake_url=environment.get("AUDIENCE_LAKE_URL") or str(home / "lake"),
            warehouse_url=Secret(warehouse) if warehouse else None,
            mlflow_url=Secret(mlflow) if mlflow else None,
            pseudonym_key=PseudonymKey(first, by_mailbox=mailboxes == "yes", later=tuple(Secret(one) for one in later)),
            segments=Path(environment.get("AUDIENCE_SEGMENTS") or Path(__file__).parents[2] / "segments"),
            memory_limit=environment.get("AUDIENCE_MEMORY_LIMIT") or "2GB",
            vault_url=Secret(vault) if vault else None,
            contact_prices=_prices(environment.get("AUDIENCE_CONTACT_PRICES", "")),
            alerts_email=tuple(emails),
            alerts_sender=environment.get("AUDIENCE_ALERTS_SENDER", ""),
            alerts_webhook=Secret(webhook) if webhook else None,
        )


def _prices(text: str) -> dict[str, float]:
    """`brevo=4.5,hubspot=20` by platform. Raises SettingsError for anything else."""
    found = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        name, _, price = one.partition("=")
        if not (name.strip() and price.strip().replace(".", "", 1).isdigit()):
            raise SettingsError(f"AUDIENCE_CONTACT_PRICES: found {one!r}, expected a platform and its price: brevo=4.5")
        found[name.strip()] = float(price)
    return found


def _keys(text: str) -> list[str]:
    """The keys of a setting. Up to 64 characters are one key, which may have a comma in it."""
    return [text] if len(text.encode()) <= 64 else text.split(",")
