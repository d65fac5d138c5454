"""How requests to Marketing Cloud are addressed and signed: REST by a header, SOAP in the envelope."""

import re
from typing import Any

import httpx

from audience.activation.salesforce import soap
from audience.activation.salesforce.answers import text_in
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, DestinationUnavailable


class Token(httpx.Auth):
    """OAuth 2 client credentials. The token is fetched when it is first needed and when it is refused; a request that is
    refused with a new one is answered as 401, by SOAP too."""

    requires_request_body = requires_response_body = True

    def __init__(self, connection: Connection) -> None:
        self._url, self._token = f"{at(connection.url, 'auth')}/v2/token", ""
        self._asked = {"grant_type": "client_credentials", "client_id": connection.login}
        if account := connection.extra.get("account_id"):
            self._asked["account_id"] = str(account)
        self._secret = connection.password

    def auth_flow(self, request: httpx.Request) -> Any:
        for is_last in (False, True):
            if not self._token:
                self._token = _token_in((yield self._request()))
            answer = yield _signed(request, self._token)
            if answer.status_code != 401 and not soap.refuses_token(answer.status_code, answer.content):
                return
            self._token = ""
            if is_last:
                answer.status_code = 401

    def _request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, json=self._asked | {"client_secret": self._secret.reveal()})


def _signed(request: httpx.Request, token: str) -> httpx.Request:
    if not request.url.path.endswith("/Service.asmx"):
        request.headers["Authorization"] = f"Bearer {token}"
        return request
    action = re.search(rb"<s:Body><([A-Z][a-z]+)Request", request.content)
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action[1].decode() if action else ""}
    return httpx.Request("POST", request.url, content=soap.signed(request.content, token), headers=headers,
                         extensions=request.extensions)  # fmt: skip


def _token_in(answer: httpx.Response) -> str:
    """Raises DestinationRefused for refused credentials; RemoteProtocolError, which is tried again, for anything else."""
    if 400 <= answer.status_code < 500 and answer.status_code != 429:
        raise DestinationRefused(f"marketing_cloud: POST /v2/token: {answer.status_code}, expected valid credentials")
    try:
        return text_in(answer.json(), "access_token")
    except (ValueError, TypeError, DestinationUnavailable):
        raise httpx.RemoteProtocolError("no token") from None


def at(url: str, service: str) -> str:
    """The address of one of a tenant's three services. A host that names none of them is asked for all."""
    return re.sub(r"\.(?:soap|rest|auth)(?=\.marketingcloudapis\.)", f".{service}", url, count=1)
