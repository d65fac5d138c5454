"""What the routes of the platform share."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from sandbox.marketing_cloud.account import Account
from sandbox.marketing_cloud.rows import Requests
from sandbox.marketing_cloud.tokens import Tokens
from sandbox.server.journal import Journal

NAME = "marketing_cloud"


@dataclass(frozen=True)
class Platform:
    """One business unit: its memory, the requests under way, its tokens, and the journal of what it accepted."""

    account: Account
    requests: Requests
    tokens: Tokens
    journal: Journal

    def accepted(self, request: Request, emails: list[str], *, list_name: str | None = None) -> None:
        """Writes an accepted write call down, with the addresses it touches."""
        self.journal.accepted(NAME, request.scope["sandbox.call"], emails, list_name=list_name)
