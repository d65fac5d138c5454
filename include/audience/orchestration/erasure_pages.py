"""The page *Erasure*: where a data protection officer notes who is to be erased, inside Airflow and past its forms.

Airflow keeps what is typed into its own forms, in clear and for as long as runs are kept. Here an address comes in the body
of a request to the plugin's own application: it is in no URL, log or database, and in no answer. It is typed twice, once to
be shown how much is meant and once to confirm that; between the two nothing is kept here. What was shown is confirmed by a
keyed mark of it, which no other site can know, so a confirmation that somebody's browser was tricked into is none.

Who may trigger `erase_contact` may do this, and nobody else.
"""

import hmac
import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from fastapi import FastAPI

    from audience.core.masked import Personal, Secret
    from audience.house import House

DAG_ID = "erase_contact"

MOST_BYTES = 4096
"""Of a form: an address has at most 254 characters."""

Start = Callable[[str, str], None]
"""Starts `erase_contact` for the number of a request, in the name of a person."""

log = logging.getLogger(__name__)


def add_erasure(app: "FastAPI", home: Callable[[str], str], headers: Mapping[str, str], *,
                may_erase: Callable[..., None] | None = None, start: Start | None = None) -> None:  # fmt: skip
    """Adds the routes to an application that knows who calls it.

    Args:
        home: where a page of the application is.
        headers: of every answer.
        may_erase: Airflow's dependency that refuses who may not trigger `erase_contact`.
    """
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
    from fastapi import Depends, Request
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import HTMLResponse, RedirectResponse, Response

    refuse = may_erase or requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=DAG_ID)
    who = Depends(get_user)
    asked: dict[str, Any] = {"response_class": HTMLResponse, "dependencies": [Depends(refuse)]}
    allowed = {**headers, "Content-Security-Policy": f"{headers['Content-Security-Policy']}; form-action 'self'"}

    def answer(told: tuple[int, str]) -> Response:
        return HTMLResponse(told[1], status_code=told[0], headers=allowed)

    @app.get("/erasure", **asked)
    def erasure() -> Response:
        return answer(_page(home))

    @app.post("/erasure/found", **asked)
    async def found(request: Request, user: BaseUser = who) -> Response:
        form = await _form(request)
        return answer(await run_in_threadpool(_found, home, form, user.get_name()))

    @app.post("/erasure/requests", **asked)
    async def confirmed(request: Request, user: BaseUser = who) -> Response:
        form = await _form(request)
        number, told = await run_in_threadpool(_confirmed, home, form, user.get_name(), start or trigger)
        if number is None:
            return answer(told)
        return RedirectResponse(f"{home('erasure')}#{number}", status_code=303, headers=allowed)


def trigger(number: str, by: str) -> None:
    """Starts `erase_contact`. It is told the number of the request and nothing else."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType

    trigger_dag(
        DAG_ID, run_id=f"erasure_{number}", conf={"request": number}, triggered_by=DagRunTriggeredByType.UI,
        triggering_user_name=by,
    )  # fmt: skip


async def _form(request: Any) -> dict[str, str]:
    """The fields of a form. Read by hand: a library's refusal of a form would repeat what was typed."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return {}
    fields = parse_qs(body.decode("utf-8", errors="replace"))
    return {name: values[0] for name, values in fields.items()}


def _page(home: Callable[[str], str], **shown: Any) -> tuple[int, str]:
    """The page with all requests; 503 and a page that says why when the stores cannot be read."""
    from audience import forgetting, reporting

    def page(stores: "House") -> tuple[int, str]:
        known = {"numbers": None, "mark": "", "problem": ""} | shown
        return 200, reporting.erasure_page(requests=forgetting.erasures(stores), home=home, **known)

    return _with_stores(page)


def _found(home: Callable[[str], str], form: Mapping[str, str], by: str) -> tuple[int, str]:
    from audience import forgetting

    address = _address(form)
    numbers: dict[str, int] = {}

    def look(stores: "House") -> tuple[int, str]:
        def only_look(found: dict[str, int]) -> bool:
            numbers.update(found)
            return False

        forgetting.request_erasure(stores, by=by, address=address, agree=only_look)
        return _page(home, numbers=numbers, mark=_mark(address, numbers, by, stores.key()))

    return _with_stores(look, home)


def _confirmed(
    home: Callable[[str], str], form: Mapping[str, str], by: str, start: Start
) -> tuple[str | None, tuple[int, str]]:
    from audience import forgetting

    address = _address(form)
    noted: list[str] = []

    def note(stores: "House") -> tuple[int, str]:
        key = stores.key()

        def is_what_was_shown(numbers: dict[str, int]) -> bool:
            return hmac.compare_digest(_mark(address, numbers, by, key).encode(), form.get("mark", "").encode())

        number = forgetting.request_erasure(stores, by=by, address=address, agree=is_what_was_shown)
        if number is None:
            return _page(home, problem="This is not what was shown: nothing was noted. Look again.")
        noted.append(number)
        return 200, ""

    told = _with_stores(note, home)
    if not noted:
        return None, told
    try:
        start(noted[0], by)
    except Exception:  # the request is noted and holds: whoever looks at the page sees that it is not finished
        log.exception("erase_contact could not be started for request %s", noted[0])
    return noted[0], told


def _address(form: Mapping[str, str]) -> "Personal":
    from audience.core.masked import Personal

    return Personal(form.get("address", "").strip())


def _mark(address: "Personal", numbers: Mapping[str, int], by: str, key: "Secret") -> str:
    """Stands for what somebody was shown of an address: nobody makes one without the key."""
    from audience.privacy.pseudonym import pseudonym

    return pseudonym(json.dumps(["erasure", address.reveal().lower(), dict(sorted(numbers.items())), by]), key)


def _with_stores(
    ask: "Callable[[House], tuple[int, str]]", home: Callable[[str], str] | None = None
) -> tuple[int, str]:
    """What is told of the stores. What was wrong with the form is said on the page, what is wrong with the stores instead of it."""
    from sqlalchemy.exc import SQLAlchemyError

    from audience import reporting
    from audience.core.connection import Connection
    from audience.core.errors import AudienceError, DeclarationError
    from audience.house import House

    def none(name: str) -> Connection:
        raise DeclarationError(name, "no connection is needed to note a request")

    try:
        stores = House.open(os.environ, none)
        try:
            reporting.check_migrated(stores.warehouse)
            return ask(stores)
        except DeclarationError as error:
            if home is None:
                raise
            return _page(home, problem=str(error))
        finally:
            stores.close()
    except AudienceError as error:
        return 503, reporting.problem_page(str(error))
    except (SQLAlchemyError, OSError) as error:
        return 503, reporting.problem_page(f"the stores cannot be read ({type(error).__name__})")
