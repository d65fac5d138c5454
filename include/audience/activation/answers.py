"""What a platform's answer says, read so that nothing of it is repeated: its messages may quote an address."""

from typing import Any

import httpx

from audience.core.errors import DestinationUnavailable


def json_object(answer: httpx.Response, platform: str) -> dict[str, Any]:
    """The JSON object that every answer of the platform is. `DestinationUnavailable` when it is something else."""
    found = _object(answer)
    if found is None:
        raise DestinationUnavailable(f"{platform}: {answer.status_code} without a JSON object")
    return found


def explanation(answer: httpx.Response) -> dict[str, Any]:
    """The same, empty where there is none: what is read to explain a refusal, which may have no body."""
    return _object(answer) or {}


def code(answer: httpx.Response, field: str) -> str:
    """The status and the platform's own word for what is wrong, which it puts into this field."""
    return f"{answer.status_code} {explanation(answer).get(field, '')}".strip()


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
