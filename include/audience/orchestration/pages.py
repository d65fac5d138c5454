"""The page Audience inside Airflow: segments, sources and last pushes, in numbers and without personal data.

Airflow does not ask who calls a plugin's app, so every route here does, with Airflow's own dependency: a bearer token
or the cookie of the UI, else 401.
"""

import os
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.configuration import conf

if TYPE_CHECKING:
    from fastapi import FastAPI

    from audience.core.warehouse import Warehouse

PREFIX = "/audience"

_HEADERS = {
    # One document: no script, no picture, nothing from elsewhere; shown by Airflow's own UI only.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def address() -> str:
    """Where the page is, also when Airflow is served below a path."""
    return f"{urlsplit(conf.get('api', 'base_url', fallback='/')).path.rstrip('/')}{PREFIX}/"


class Page:
    """The page as an ASGI application that is built when it is first asked for.

    Airflow imports plugins in each of its processes, tasks included; only the API server ever gets a request, and only
    there it is worth to import FastAPI, the security module and SQLAlchemy.
    """

    def __init__(self) -> None:
        self._application: FastAPI | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if self._application is None:
            self._application = application()
        await self._application(scope, receive, send)


def application() -> "FastAPI":
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    # FastAPI's own pages would be routes that nobody asks about.
    app = FastAPI(title="Audience", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])

    @app.get("/", response_class=HTMLResponse)
    def show() -> HTMLResponse:
        status, text = render(os.environ, datetime.now(UTC))
        return HTMLResponse(text, status_code=status, headers=_HEADERS)

    return app


def render(environment: Mapping[str, str], now: datetime) -> tuple[int, str]:
    """The HTTP status and the page as of a moment; when the warehouse cannot be read, 503 and a page that says so."""
    from sqlalchemy.exc import SQLAlchemyError

    from audience import reporting
    from audience.core.errors import AudienceError
    from audience.sources.contract import sources_in_use

    try:
        warehouse = _warehouse(*sorted((k, v) for k, v in environment.items() if k.startswith("AUDIENCE_")))
        reporting.check_migrated(warehouse)
        known = {
            "segments": reporting.read_segments(warehouse),
            "sources": reporting.read_sources(warehouse),
            "late": {
                f.source: f for f in reporting.read_freshness(warehouse, sources_in_use(environment), now) if f.is_late
            },
            "pushes": reporting.read_pushes(warehouse, newest=10),
        }
    except AudienceError as error:
        return 503, _template().render(problem=str(error))
    except (SQLAlchemyError, OSError) as error:
        # A driver's message can name hosts and users: the kind of error is enough here, the log has the rest.
        return 503, _template().render(problem=f"the warehouse cannot be read ({type(error).__name__})")
    return 200, _template().render(problem="", **known)


@cache
def _warehouse(*settings: tuple[str, str]) -> "Warehouse":
    """One pool of connections for these settings, as long as the process lives."""
    from audience.core.settings import Settings
    from audience.core.warehouse import Warehouse

    return Warehouse.of(Settings.read(dict(settings)))


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined).get_template(
        "pages.html"
    )
