"""Reading what a client of the platform sent."""

from __future__ import annotations

import json
import re

from fastapi import Request

from sandbox.brevo.errors import invalid, refused
from sandbox.brevo.store import comparable

LARGEST_BODY = 10 * 1024 * 1024
"""Brevo refuses a larger import; it advises 8 MB."""

EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\]]+\.[^@\s,;<>()\[\].]{2,}")


def is_email(text: object) -> bool:
    return isinstance(text, str) and EMAIL.fullmatch(text) is not None


async def body_of(request: Request) -> dict[str, object]:
    """The JSON object sent: 413 when it is too large, 400 when it is none."""
    content = await request.body()
    if len(content) > LARGEST_BODY:
        raise refused(413, "invalid_parameter", "Request body is larger than 10 MB")
    try:
        parsed = json.loads(content)
    except ValueError:
        raise refused(400, "bad_request", "Input must be a valid JSON object") from None
    if not isinstance(parsed, dict):
        raise refused(400, "bad_request", "Input must be a valid JSON object")
    return parsed


def text_in(body: dict[str, object], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} should be a string")
    return value


def ids_in(body: dict[str, object], name: str) -> list[int]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, int) for one in value):
        raise invalid(f"{name} should be an array of ids")
    return value


def texts_in(body: dict[str, object], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise invalid(f"{name} should be an array of strings")
    return value


def attributes_in(body: dict[str, object]) -> dict[str, object]:
    """The attributes sent, names in capitals as Brevo keeps them."""
    value = body.get("attributes") or {}
    if not isinstance(value, dict):
        raise invalid("attributes should be an object")
    return {str(name).upper(): content for name, content in value.items()}


def page_of(request: Request, *, default: int, most: int) -> tuple[int, int]:
    """`limit` and `offset`: 400 when the limit is beyond what the endpoint gives at once."""
    limit, offset = request.query_params.get("limit", str(default)), request.query_params.get("offset", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        raise refused(400, "out_of_range", f"limit should be between 1 and {most}")
    if not offset.isdecimal():
        raise refused(400, "out_of_range", "offset should not be negative")
    return int(limit), int(offset)


def since_of(request: Request, name: str = "modifiedSince") -> str | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        return comparable(given)
    except ValueError:
        raise invalid(f"{name} should be a UTC date-time (YYYY-MM-DDTHH:mm:ss.SSSZ)") from None


def order_of(request: Request) -> str:
    """`sort`: the newest first unless asked otherwise, as Brevo does. Who pages while writing wants `asc`."""
    sort = request.query_params.get("sort", "desc")
    if sort not in ("asc", "desc"):
        raise invalid("sort should be asc or desc")
    return sort
