"""Refusals in HubSpot's words: `{status, message, correlationId, category, ...}`."""

from __future__ import annotations

from sandbox.server.errors import Refusal

CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"


def refused(status: int, category: str, message: str, **more: object) -> Refusal:
    return Refusal(
        status,
        {"status": "error", "message": message, "correlationId": CORRELATION, "category": category, **more},
    )


def invalid(message: str, **more: object) -> Refusal:
    return refused(400, "VALIDATION_ERROR", message, **more)


def not_found(what: str) -> Refusal:
    return refused(404, "OBJECT_NOT_FOUND", f"{what} was not found")


def over_limit(policy: str) -> Refusal:
    return Refusal(
        429,
        {
            "status": "error",
            "message": f"You have reached your {policy.lower()} limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": CORRELATION,
            "policyName": policy,
        },
    )
