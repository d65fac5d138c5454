"""What the routes of the platform share."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import Headers

from sandbox.brevo.errors import not_found, refused
from sandbox.brevo.imports import Imports
from sandbox.brevo.store import Store
from sandbox.server.errors import Refusal
from sandbox.server.journal import Journal

KEY = "sandbox-brevo-key"

OVER_LIMIT = Refusal(429, {"code": "too_many_requests", "message": "Rate limit exceeded"})


@dataclass(frozen=True)
class Platform:
    """The platform's memory, its pending imports, and the journal of what it accepted."""

    store: Store
    imports: Imports
    journal: Journal

    def accepted(self, request: Request, emails: list[str], *, list_id: int | None = None) -> None:
        """Writes an accepted write call down, with the addresses it touches."""
        name = None
        if list_id is not None:
            row = self.store.row("select name from list where id = ?", list_id)
            name = row["name"] if row is not None else None
        self.journal.accepted("brevo", request.scope["sandbox.call"], emails, list_name=name)

    def must_have_lists(self, list_ids: list[int]) -> None:
        for list_id in list_ids:
            if self.store.row("select 1 from list where id = ?", list_id) is None:
                raise not_found("List ID")


def admit(path: str, headers: Headers) -> Refusal | None:
    """The api-key is asked for everywhere but on the report files, whose address is the secret."""
    if path.startswith("/exports/") or headers.get("api-key") == KEY:
        return None
    return refused(401, "unauthorized", "Key not found")
