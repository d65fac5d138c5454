"""`/Service.asmx`: the SOAP calls. One address for all of them; the body says which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.marketing_cloud.errors import soap_fault
from sandbox.marketing_cloud.extensions import create_or_update, delete_rows
from sandbox.marketing_cloud.node import Node
from sandbox.marketing_cloud.platform import Platform
from sandbox.marketing_cloud.retrieve import BadQuery, retrieve


def soap_routes(platform: Platform) -> APIRouter:
    router = APIRouter()

    @router.post("/Service.asmx")
    async def service(request: Request) -> Response:
        try:
            envelope = ElementTree.fromstring(await request.body())  # noqa: S314 - a sandbox on the loopback interface
        except ElementTree.ParseError:
            return soap_fault("The envelope is not XML")
        token = (envelope.findtext("{*}Header/{http://exacttarget.com}fueloauth") or "").strip()
        if not platform.tokens.good(token):
            return soap_fault("Login Failed" if token not in platform.tokens.good_until else "Token Expired")
        called = next(iter(envelope.find("{*}Body") or ()), None)
        return soap_fault("The body is empty") if called is None else _called(platform, request, Node(called))

    return router


def _called(platform: Platform, request: Request, asked: Node) -> Response:
    name = asked.element.tag.rpartition("}")[2]
    objects = asked.all("Objects")
    match name:
        case "RetrieveRequestMsg":
            try:
                return _retrieved(platform, asked.all("RetrieveRequest")[0])
            except BadQuery as problem:
                return _answer("RetrieveResponseMsg", f"Error: {problem}", "")
        case "CreateRequest" | "UpdateRequest":
            return _changed(name, create_or_update(platform, request, objects, is_new=name == "CreateRequest"))
        case "DeleteRequest":
            return _changed(name, delete_rows(platform, request, objects))
        case _:
            return soap_fault(f"{name} is not known here")


def _retrieved(platform: Platform, asked: Node) -> Response:
    rows, following = retrieve(platform.account, asked)
    told = "".join(
        f'<Results xsi:type="{row.kind}">{_cells(row.cells, in_properties=row.in_properties)}</Results>' for row in rows
    )
    tail = f"<RequestID>{following or 'none'}</RequestID>"
    return _answer("RetrieveResponseMsg", "MoreDataAvailable" if following else "OK", tail + told)


def _cells(cells: Mapping[str, str], *, in_properties: bool) -> str:
    if in_properties:
        pairs = "".join(
            f"<Property><Name>{escape(k)}</Name><Value>{escape(v)}</Value></Property>" for k, v in cells.items()
        )
        return f'<PartnerKey xsi:nil="true"/><ObjectID xsi:nil="true"/><Properties>{pairs}</Properties>'
    return "".join(f"<{k}>{escape(v)}</{k}>" if v else f'<{k} xsi:nil="true"/>' for k, v in cells.items())


def _changed(name: str, problems: Iterable[tuple[int, str] | None]) -> Response:
    """One result per object, in the order they were given: None where it was done, else the code and the message."""
    kind, results, bad = name.removesuffix("Request"), [], 0
    for place, problem in enumerate(problems):
        bad += problem is not None
        code, message = problem or (0, f"{kind}d DataExtension")
        told = (
            f"<StatusCode>{'Error' if problem else 'OK'}</StatusCode><StatusMessage>{escape(message)}</StatusMessage>"
        )
        told += f"<OrdinalID>{place}</OrdinalID>" + (f"<ErrorCode>{code}</ErrorCode>" if problem else "")
        results.append(f'<Results xsi:type="DataExtension{kind}Result">{told}</Results>')
    status = "OK" if not bad else "Error" if bad == len(results) else "Has Errors"
    return _answer(f"{kind}Response", status, "".join(results), first_results=True)


def _answer(name: str, status: str, content: str, *, first_results: bool = False) -> Response:
    said = f"<OverallStatus>{escape(status)}</OverallStatus>"
    inside = content + said if first_results else said + content
    body = (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<soap:Body><{name} xmlns="http://exacttarget.com/wsdl/partnerAPI">{inside}</{name}></soap:Body></soap:Envelope>'
    )
    return Response(body, media_type="text/xml")
