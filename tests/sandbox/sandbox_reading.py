"""Reads whole windows from the sandbox the way a patient client does."""

from __future__ import annotations

from typing import Any

import httpx

EVER = ("2000-01-01T00:00:00Z", "2026-11-21T00:00:00Z")


def by_cursor(client: httpx.Client, path: str, window: tuple[str, str], *, limit: int = 1000) -> list[dict[str, Any]]:
    names = ("from", "to") if "inbox" in str(client.base_url) else ("updated_from", "updated_to")
    items: list[dict[str, Any]] = []
    query: dict[str, str | int] = {**dict(zip(names, window, strict=True)), "limit": limit}
    while True:
        answer = client.get(path, params=query).raise_for_status().json()
        items += answer["items"]
        if answer["next_cursor"] is None:
            return items
        query["cursor"] = answer["next_cursor"]


def by_page(client: httpx.Client, name: str, window: tuple[str, str], *, per_page: int = 1000) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    page = pages = 1
    while page <= pages:
        query = {"updated_from": window[0], "updated_to": window[1], "page": page, "per_page": per_page}
        answer = client.get("/" + name, params=query).raise_for_status().json()
        records += answer[name]
        page, pages = page + 1, answer["pages"]
    return records


def imported(brevo: httpx.Client, emails: list[str], list_id: int, **more: Any) -> dict[str, Any]:
    """Imports the addresses into a list and returns the finished process (the fixture does imports at once)."""
    body = {"jsonBody": [{"email": one} for one in emails], "listIds": [list_id], **more}
    process = brevo.post("/contacts/import", json=body).raise_for_status().json()["processId"]
    answer: dict[str, Any] = brevo.get(f"/processes/{process}").raise_for_status().json()
    return answer


def a_list(brevo: httpx.Client, name: str = "segment") -> int:
    return int(brevo.post("/contacts/lists", json={"name": name, "folderId": 1}).raise_for_status().json()["id"])
