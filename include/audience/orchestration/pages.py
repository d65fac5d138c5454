"""The pages inside Airflow: *Audience* and *Erasure* in the navigation, *Data quality* and *Lists* beside every DAG and run.
Numbers only.

Airflow does not ask who calls a plugin's app, so every route here does, with Airflow's own dependencies: a bearer token
or the cookie of the UI, else 401; and beside a DAG, somebody who may see its runs, else 403.
"""

import os
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.configuration import conf

if TYPE_CHECKING:
    from fastapi import FastAPI

    from audience.core.warehouse import Warehouse
    from audience.sources.contract import Source

PREFIX = "/audience"
INGEST = "ingest_"
PUSHES = ("activate_", "approve_")
"""What DAGs that push begin with, before the name of the destination."""

Told = tuple[int, str]
"""The HTTP status and the page."""

_HEADERS = {
    # One document: no script, no picture, nothing from elsewhere; shown by Airflow's own UI only.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def address(place: str = "") -> str:
    """Where a page is, also when Airflow is served below a path."""
    return f"{urlsplit(conf.get('api', 'base_url', fallback='/')).path.rstrip('/')}{PREFIX}/{place}"


def leads(source: str, day: date) -> str:
    """Where the report of a source and day is."""
    return address(f"dags/{INGEST}{source}/days/{day}")


class Page:
    """The pages as an ASGI application that is built when it is first asked for.

    Airflow imports plugins in each of its processes, tasks included; only the API server ever gets a request, and only
    there it is worth to import FastAPI, the security module and SQLAlchemy.
    """

    def __init__(self) -> None:
        self._application: FastAPI | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if self._application is None:
            self._application = application()
        await self._application(scope, receive, send)


def application(
    may_see: Callable[..., None] | None = None,
    partition_of: Callable[[str, str], str | None] | None = None,
    end_of: Callable[[str, str], datetime | None] | None = None,
    may_erase: Callable[..., None] | None = None,
    start: Callable[[str, str], None] | None = None,
) -> "FastAPI":
    """The routes.

    Args:
        may_see: Airflow's dependency that refuses who may not see the runs of the path's `dag_id`.
        partition_of: the partition key of a run, by DAG and run; from Airflow's database.
        end_of: when a run ended, likewise.
        may_erase, start: as of `add_erasure`.
    """
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse

    from audience.orchestration.erasure_pages import add_erasure

    # FastAPI's own pages would be routes that nobody asks about.
    app = FastAPI(title="Audience", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])
    of_dag: dict[str, Any] = {
        "response_class": HTMLResponse,
        "dependencies": [Depends(may_see or requires_access_dag("GET", DagAccessEntity.RUN))],
    }
    key, ended = partition_of or partition_of_run, end_of or end_of_run

    def answer(told: Told) -> HTMLResponse:
        return HTMLResponse(told[1], status_code=told[0], headers=_HEADERS)

    @app.get("/", response_class=HTMLResponse)
    def audience() -> HTMLResponse:
        return answer(render(os.environ, datetime.now(UTC)))

    @app.get("/dags/{dag_id}", **of_dag)
    def of_the_newest_day(dag_id: str) -> HTMLResponse:
        return answer(render_quality(os.environ, datetime.now(UTC), dag_id, None))

    @app.get("/dags/{dag_id}/days/{day}", **of_dag)
    def of_a_day(dag_id: str, day: date) -> HTMLResponse:
        return answer(render_quality(os.environ, datetime.now(UTC), dag_id, day.isoformat()))

    @app.get("/dags/{dag_id}/runs/{run_id:path}", **of_dag)
    def of_a_run(dag_id: str, run_id: str) -> HTMLResponse:
        return answer(render_quality(os.environ, datetime.now(UTC), dag_id, key(dag_id, run_id)))

    @app.get("/lists/{dag_id}", **of_dag)
    def lists_now(dag_id: str) -> HTMLResponse:
        return answer(render_lists(os.environ, datetime.now(UTC), dag_id, None))

    @app.get("/lists/{dag_id}/runs/{run_id:path}", **of_dag)
    def lists_after_a_run(dag_id: str, run_id: str) -> HTMLResponse:
        return answer(render_lists(os.environ, datetime.now(UTC), dag_id, ended(dag_id, run_id)))

    add_erasure(app, address, _HEADERS, may_erase=may_erase, start=start)
    return app


def end_of_run(dag_id: str, run_id: str) -> datetime | None:
    """When a run ended; None while it runs."""
    import sqlalchemy as sa
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    query = sa.select(DagRun.end_date).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    with create_session(scoped=False) as session:
        end: datetime | None = session.scalar(query)
    return end


def partition_of_run(dag_id: str, run_id: str) -> str | None:
    """The day of a run; None for a run that has none."""
    import sqlalchemy as sa
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    query = sa.select(DagRun.partition_key).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    with create_session(scoped=False) as session:
        key: str | None = session.scalar(query)
    return key


def render(environment: Mapping[str, str], now: datetime) -> Told:
    """The page Audience as of a moment."""
    from audience import reporting

    def page(warehouse: "Warehouse", sources: "Iterable[Source]") -> str:
        return reporting.audience_page(
            segments=reporting.read_segments(warehouse),
            sources=reporting.read_sources(warehouse),
            freshness=reporting.read_freshness(warehouse, sources, now),
            blocked=reporting.read_blocked(warehouse, sources),
            pushes=reporting.read_pushes(warehouse, newest=10),
            leads=leads,
        )

    return _told(environment, page)


def render_quality(environment: Mapping[str, str], now: datetime, dag_id: str, key: str | None) -> Told:
    """The report beside a DAG or one of its runs: of its source, or of all sources for a DAG that reads none.

    Args:
        key: the partition key of the run; None or no day: the newest.
    """
    from audience import reporting
    from audience.core.errors import PartitionError
    from audience.core.partition import Partition

    try:
        partition = Partition.parse(key) if key else None
    except PartitionError:
        partition = None

    def page(warehouse: "Warehouse", sources: "Iterable[Source]") -> str:
        source = next((s for s in sources if f"{INGEST}{s.name}" == dag_id), None)
        chosen = partition
        if source is not None and chosen is None:
            chosen = reporting.newest_day(warehouse, source.name)
        if source is None or chosen is None:
            days = reporting.read_days(warehouse, partition)
            return reporting.days_page(days, partition.day if partition else None, leads=leads, home=address())
        day = reporting.read_source_day(warehouse, source, chosen, now)
        return reporting.source_day_page(day, leads=leads, home=address())

    return _told(environment, page)


def render_lists(environment: Mapping[str, str], now: datetime, dag_id: str, until: datetime | None) -> Told:
    """The lists beside a DAG or one of its runs: of its destination, or of all for a DAG that does not push.

    Args:
        until: the end of the run; None: as they are now.
    """
    from audience import reporting
    from audience.activation import destinations
    from audience.core.settings import Settings

    name = next((dag_id.removeprefix(prefix) for prefix in PUSHES if dag_id.startswith(prefix)), None)
    destination = name if name in destinations.names() else None

    def page(warehouse: "Warehouse", _sources: "Iterable[Source]") -> str:
        costs = reporting.read_costs(warehouse, now)
        return reporting.lists_page(
            lists=reporting.read_list_history(warehouse, until or now, destination),
            pushes=reporting.read_pushes(warehouse, newest=10, destination=destination, until=until),
            costs=[c for c in costs if destination in (None, c.destination)],
            prices=Settings.read(environment).contact_prices,
            destination=destination,
            until=until,
            home=address(),
        )

    return _told(environment, page)


def _told(environment: Mapping[str, str], page: "Callable[[Warehouse, tuple[Source, ...]], str]") -> Told:
    """A page of the warehouse; when that cannot be read, 503 and a page that says so."""
    from sqlalchemy.exc import SQLAlchemyError

    from audience import reporting
    from audience.core.errors import AudienceError
    from audience.sources.contract import sources_in_use

    try:
        warehouse = _warehouse(*sorted((k, v) for k, v in environment.items() if k.startswith("AUDIENCE_")))
        reporting.check_migrated(warehouse)
        return 200, page(warehouse, sources_in_use(environment))
    except AudienceError as error:
        return 503, reporting.problem_page(str(error))
    except (SQLAlchemyError, OSError) as error:
        # A driver's message can name hosts and users: the kind of error is enough here, the log has the rest.
        return 503, reporting.problem_page(f"the warehouse cannot be read ({type(error).__name__})")


@cache
def _warehouse(*settings: tuple[str, str]) -> "Warehouse":
    """One pool of connections for these settings, as long as the process lives."""
    from audience.core.settings import Settings
    from audience.core.warehouse import Warehouse

    return Warehouse.of(Settings.read(dict(settings)))
