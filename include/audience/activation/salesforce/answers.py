"""What Marketing Cloud's REST answers say: codes, and never messages, for these may quote a value."""

import re
from collections.abc import Mapping
from typing import Any

import httpx

from audience.core.errors import DestinationUnavailable


def json_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DestinationUnavailable(f"marketing_cloud: {answer.status_code} without a JSON object")
    return found


def text_in(found: Mapping[str, Any], *names: str) -> str:
    """The text under the first of these names that is there. Raises DestinationUnavailable when there is none."""
    text = next((found[name] for name in names if found.get(name)), None)
    if not isinstance(text, str):
        raise DestinationUnavailable(f"marketing_cloud: an answer without {names[0]}")
    return text


def code_of(answer: httpx.Response) -> str:
    """Status and code of a refusal; its message is left out, for it may quote a value."""
    try:
        found = answer.json()
    except ValueError:
        found = {}
    return f"{answer.status_code} {said_in(found) if isinstance(found, dict) else ''}".strip()


def said_in(found: Mapping[str, Any]) -> str:
    messages = found.get("resultMessages") or ()
    codes = [safe(one.get("resultCode")) for one in messages if isinstance(one, dict)]
    return next(filter(None, codes), "") or safe(found.get("errorcode"))


def safe(code: object) -> str:
    """A code, and nothing that could be a sentence or an address."""
    text = str(code if code is not None else "")
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text) else ""


def rest_seconds(answer: httpx.Response) -> float | None:
    """Retry-After of code 50100; 50200, temporarily blocked, does not say."""
    try:
        return float(answer.headers["retry-after"]) if answer.status_code == 429 else None
    except (KeyError, ValueError):
        return None
