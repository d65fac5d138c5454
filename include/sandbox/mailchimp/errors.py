"""Refusals in Mailchimp's words: a problem document `{type, title, status, detail, instance}` (RFC 7807)."""

from __future__ import annotations

from sandbox.server.errors import Refusal

TYPE = "https://mailchimp.com/developer/marketing/docs/errors/"


def refused(status: int, title: str, detail: str, *, field: str = "", message: str = "") -> Refusal:
    """`field` and `message` become the one entry of `errors`, which a refusal of a field has."""
    body: dict[str, object] = {"type": TYPE, "title": title, "status": status, "detail": detail, "instance": "sandbox"}
    if message:
        body["errors"] = [{"field": field, "message": message}]
    return Refusal(status, body)


def invalid(detail: str, *, field: str = "", message: str = "") -> Refusal:
    return refused(400, "Invalid Resource", detail, field=field, message=message)


def not_found() -> Refusal:
    return refused(404, "Resource Not Found", "The requested resource could not be found.")


def in_compliance_state(email: str) -> Refusal:
    """Who opted out by themselves, bounced or complained can only come back by themselves."""
    because = "is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
    return refused(400, "Member In Compliance State", f"{email} {because}")


def forgotten(email: str) -> Refusal:
    because = (
        "was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list."
    )
    return refused(400, "Forgotten Email Not Subscribed", f"{email} {because}")


TOO_MANY_AT_ONCE = refused(
    429, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections."
)  # no header says when to come back
