"""The one exception a handler raises to refuse a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse


class Refusal(Exception):
    """Ends the request with `status` and a JSON `body`, in the words of the API that refuses."""

    def __init__(self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {dict(body)}")
        self.status = status
        self.body = dict(body)
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, status_code=self.status, headers=self.headers)


def error(status: int, message: str) -> Refusal:
    """A refusal as the CRM, the shop and the inbox word it."""
    return Refusal(status, {"error": message})


def new_app(title: str, *, before: Callable[[], Awaitable[None]] | None = None) -> FastAPI:
    """A FastAPI application without documentation pages that answers a `Refusal` with what it says.

    before   awaited ahead of every request
    """
    first = [Depends(before)] if before is not None else []
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None, dependencies=first)

    async def refuse(_: Request, refusal: Exception) -> JSONResponse:
        assert isinstance(refusal, Refusal)
        return refusal.response()

    app.add_exception_handler(Refusal, refuse)
    return app
