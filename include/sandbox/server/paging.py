"""Reading a shelf over HTTP: a half-open window, then pages by number or by cursor."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request
from fastapi.responses import Response

from sandbox.server.errors import error
from sandbox.world.shelf import Shelf


def window_of(request: Request, start: str, end: str) -> tuple[datetime, datetime]:
    """The half-open window asked for by the parameters named `start` and `end`; refused with 400 unless both are ISO
    times with a zone."""
    first, last = _moment(request, start), _moment(request, end)
    if first > last:
        raise error(400, f"{start}: {request.query_params[start]} is after {end}: {request.query_params[end]}")
    return first, last


def number_of(request: Request, name: str, *, default: int, most: int | None = None) -> int:
    """A whole number from 1 to `most`; refused with 400 otherwise."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not given.isdecimal() or int(given) < 1 or (most is not None and int(given) > most):
        raise error(400, f"{name}: expected a whole number from 1{f' to {most}' if most else ''}, found {given!r}")
    return int(given)


def by_cursor(request: Request, shelf: Shelf, *, start: str, end: str) -> Response:
    """`{"items": [...], "next_cursor": "..." | null}`; `limit` at most 1000. A cursor is a place in its own window, no
    other."""
    low, high = shelf.window(*window_of(request, start, end))
    limit = number_of(request, "limit", default=500, most=1000)
    cursor = request.query_params.get("cursor") or ""
    position = low
    if cursor:
        if not cursor.startswith("at-") or not cursor[3:].isdecimal() or not low <= int(cursor[3:]) <= high:
            raise error(400, f"cursor: {cursor!r} is not a cursor of this window")
        position = int(cursor[3:])
    following = min(position + limit, high)
    after = b'"at-%d"' % following if following < high else b"null"
    return _json(b'{"items":[' + shelf.page(position, following) + b'],"next_cursor":' + after + b"}")


def by_page(request: Request, shelf: Shelf, *, name: str) -> Response:
    """`{name: [...], "page", "pages", "total"}`; `per_page` at most 1000. A page after the last is empty."""
    low, high = shelf.window(*window_of(request, "updated_from", "updated_to"))
    size = number_of(request, "per_page", default=250, most=1000)
    page = number_of(request, "page", default=1)
    total = high - low
    position = min(low + (page - 1) * size, high)
    records = shelf.page(position, min(position + size, high))
    tail = b'],"page":%d,"pages":%d,"total":%d}' % (page, -(-total // size), total)
    return _json(b'{"' + name.encode() + b'":[' + records + tail)


def _moment(request: Request, name: str) -> datetime:
    given = request.query_params.get(name)
    if not given:
        raise error(400, f"{name}: missing; expected an ISO time such as 2026-11-20T00:00:00Z")
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - refused just below, like every time without a zone
    if moment.tzinfo is None:
        raise error(400, f"{name}: expected an ISO time such as 2026-11-20T00:00:00Z, found {given!r}")
    return moment


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
