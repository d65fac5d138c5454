"""`/v2/token`: OAuth 2 client credentials. A token lives a while, then everything is refused until a new one is fetched."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers

from sandbox.marketing_cloud.errors import refused
from sandbox.server.errors import Refusal

CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"


@dataclass
class Tokens:
    """The tokens given out, and until when each is good."""

    clock: Callable[[], float]
    lifetime_seconds: float = 1079
    good_until: dict[str, float] = field(default_factory=dict)

    def new(self) -> str:
        token = secrets.token_urlsafe(24)
        self.good_until[token] = self.clock() + self.lifetime_seconds
        return token

    def good(self, token: str) -> bool:
        return self.good_until.get(token, float("-inf")) > self.clock()

    def admit(self, path: str, headers: Headers) -> Refusal | None:
        """Asks the REST calls for a token. A SOAP envelope carries its own; the token call has none."""
        if path in ("/v2/token", "/Service.asmx"):
            return None
        kind, _, token = headers.get("authorization", "").partition(" ")
        return None if kind == "Bearer" and self.good(token) else refused(401, 0, "Not Authorized")


def token_routes(tokens: Tokens) -> APIRouter:
    router = APIRouter()

    @router.post("/v2/token")
    async def give(request: Request) -> Response:
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or asked.get("grant_type") != "client_credentials":
            raise Refusal(400, {"error": "unsupported_grant_type", "error_description": "grant_type not supported"})
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Refusal(401, {"error": "invalid_client", "error_description": "Invalid client ID. Use the client ID"})
        base = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}/"
        return JSONResponse(
            {
                "access_token": tokens.new(),
                "token_type": "Bearer",
                "expires_in": int(tokens.lifetime_seconds),
                "scope": "data_extensions_read data_extensions_write list_and_subscribers_read",
                "soap_instance_url": base,
                "rest_instance_url": base,
            }
        )

    return router
