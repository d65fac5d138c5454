"""Refusals in Brevo's words: `{"code", "message"}`."""

from __future__ import annotations

from sandbox.server.errors import Refusal


def refused(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, {"code": code, "message": message})


def invalid(message: str) -> Refusal:
    return refused(400, "invalid_parameter", message)


def missing(name: str) -> Refusal:
    return refused(400, "missing_parameter", f"{name} is missing")


def duplicate(message: str) -> Refusal:
    return refused(400, "duplicate_parameter", message)


def not_found(what: str) -> Refusal:
    return refused(404, "document_not_found", f"{what} does not exist")
