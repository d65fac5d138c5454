"""Refusals in Marketing Cloud's words: REST says `{"message", "errorcode", "documentation"}`, SOAP faults with HTTP 500."""

from __future__ import annotations

from xml.sax.saxutils import escape

from fastapi.responses import Response

from sandbox.server.errors import Refusal

DOCUMENTATION = "https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/error-handling.html"


def refused(status: int, code: int, message: str, **more: object) -> Refusal:
    return Refusal(status, {"message": message, "errorcode": code, "documentation": DOCUMENTATION, **more})


OVER_LIMIT = refused(429, 50100, "Rate limit exceeded", retryAfter=5)


def soap_fault(reason: str) -> Response:
    """Whatever is wrong with a SOAP request, its token included, is HTTP 500."""
    body = (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soap:Body><soap:Fault><faultcode>soap:Client</faultcode><faultstring>{escape(reason)}</faultstring>"
        "</soap:Fault></soap:Body></soap:Envelope>"
    )
    return Response(body, 500, media_type="text/xml")
