"""How requests are signed. Each of these is told the connection when a system is opened."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceRefused, SourceReplyInvalid, SourceUnavailable

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

Sign = Callable[["PreparedRequest"], "PreparedRequest"]
"""Puts the credentials into one request."""

Auth = Callable[[Connection, "Session"], "Sign | None"]
"""Gives what signs each request; the session is for fetching tokens."""

Put = Callable[["PreparedRequest", str], None]
"""Puts a token into a request, in the place of an older one."""

_ASSERTION_S = 180
"""Salesforce refuses an assertion that is valid for longer than three minutes."""

_TOKEN_ERRORS = ("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
                 "invalid_scope")  # fmt: skip
"""What a token endpoint may say (RFC 6749, section 5.2); its description may hold a name and is not shown."""


def anonymous(_: Connection, __: "Session") -> None:
    """Nothing is signed: open data."""


def bearer(connection: Connection, _: "Session") -> Sign:
    """`Authorization: Bearer <password of the connection>`."""
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

    return BearerTokenAuth(token=connection.password.reveal())


def basic(connection: Connection, _: "Session") -> Sign:
    """`Authorization: Basic`, with the connection's login and password."""
    from dlt.sources.helpers.rest_client.auth import HttpBasicAuth

    return HttpBasicAuth(username=connection.login, password=connection.password.reveal())


def key(name: str, *, location: str = "header") -> Auth:
    """The connection's password in a header, a query parameter (`param`) or a cookie of this name."""

    def auth(connection: Connection, _: "Session") -> Sign:
        from dlt.sources.helpers.rest_client.auth import APIKeyAuth

        return APIKeyAuth(name=name, api_key=connection.password.reveal(), location=location)  # type: ignore[arg-type]

    return auth


def in_header(request: "PreparedRequest", token: str) -> None:
    """`Authorization: Bearer <token>` (RFC 6750, section 2.1)."""
    request.headers["Authorization"] = f"Bearer {token}"


def client_credentials(token_url: Callable[[Connection], str], *, put: Put = in_header, **request: str) -> Auth:
    """OAuth 2 client credentials (RFC 6749, section 4.4): the login is the client id, the password its secret."""

    def auth(connection: Connection, session: "Session") -> Sign:
        asked = {"grant_type": "client_credentials", **_client(connection), **request}
        return Token(connection, session, token_url(connection), lambda: asked, put)

    return auth


def refresh_token(token_url: Callable[[Connection], str], *, put: Put = in_header, **request: str) -> Auth:
    """OAuth 2 refresh (RFC 6749, section 6): as client credentials, with the `refresh_token` of the connection's extra."""

    def auth(connection: Connection, session: "Session") -> Sign:
        refresh = connection.secret("refresh_token").reveal()
        asked = {"grant_type": "refresh_token", "refresh_token": refresh, **_client(connection), **request}
        return Token(connection, session, token_url(connection), lambda: asked, put)

    return auth


def jwt_bearer(
    token_url: Callable[[Connection], str], *, audience: Callable[[Connection], str], put: Put = in_header
) -> Auth:
    """A signed assertion for a token (RFC 7523, RS256).

    The login is the client id, the password its private key in PEM, `username` of the extra on whose behalf it asks.

    Raises SettingsError, when the system is opened, for a password that is no such key.
    """

    def auth(connection: Connection, session: "Session") -> Sign:
        import jwt

        private_key = _private_key(connection)
        subject = str(connection.extra.get("username") or connection.login)

        def asked() -> dict[str, str]:
            now = int(time.time())
            claims = {"iss": connection.login, "sub": subject, "aud": audience(connection), "iat": now,
                      "exp": now + _ASSERTION_S}  # fmt: skip
            return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                    "assertion": jwt.encode(claims, private_key, algorithm="RS256")}  # fmt: skip

        return Token(connection, session, token_url(connection), asked, put)

    return auth


class Token:
    """Signs with a token that all streams share. It is fetched when it is first needed, when it has expired, and when the
    system refuses it (401): then the request is sent once more, so that an extraction outlives its token.

    Raises, wherever a token is needed:
        SourceRefused: the token endpoint refuses the credentials.
        SourceUnavailable: it does not answer, or with 429 or 5xx.
        SourceReplyInvalid: it answers anything else than a token.
    """

    def __init__(
        self, connection: Connection, session: "Session", url: str, asked: Callable[[], dict[str, str]], put: Put
    ) -> None:
        self._connection, self._session, self._url, self._asked, self._put = connection, session, url, asked, put
        self._lock, self._token, self._expires_at = threading.Lock(), "", 0.0

    def __call__(self, request: "PreparedRequest") -> "PreparedRequest":
        token = self._other_than("")
        self._put(request, token)
        request.register_hook("response", partial(self._again, token))  # type: ignore[no-untyped-call]
        return request

    def _again(self, refused: str, response: "Response", **how: Any) -> "Response":
        if response.status_code != 401:
            return response
        _ = response.content  # read to its end, so that the connection can be used again
        response.close()
        request = response.request.copy()
        self._put(request, self._other_than(refused))
        # As requests' own digest authentication does: past the hooks, so that a second 401 is final.
        answer: Response = response.connection.send(request, **how)
        answer.history.append(response)
        answer.request = request
        return answer

    def _other_than(self, refused: str) -> str:
        with self._lock:
            if self._token == refused or time.monotonic() >= self._expires_at:
                self._token, self._expires_at = self._fetched()
            return self._token

    def _fetched(self) -> tuple[str, float]:
        """A token, and when it is not to be used any more: after nine tenths of its life, if it says how long it lives."""
        from requests.exceptions import RequestException, TooManyRedirects

        place, name = f"{self._connection.name}: token", self._connection.name
        try:
            reply = self._session.post(self._url, data=self._asked(), headers={"Accept": "application/json"})
        except TooManyRedirects:  # the session follows none, so that credentials go to no other address
            raise SourceReplyInvalid(f"{place}: found a redirection, expected 200") from None
        except RequestException as error:
            raise SourceUnavailable(f"{place}: {type(error).__name__}") from None
        if reply.status_code == 429 or reply.status_code >= 500:
            raise SourceUnavailable(f"{place}: found HTTP {reply.status_code}")
        said = _said(reply)
        if 400 <= reply.status_code < 500:
            code = said.get("error") if said.get("error") in _TOKEN_ERRORS else ""
            found = f"{reply.status_code} {code}".strip()
            raise SourceRefused(f"{place}: found {found}, expected 200; check connection {name!r}")
        token, seconds = said.get("access_token"), said.get("expires_in", float("inf"))
        if reply.status_code != 200 or not (isinstance(token, str) and token):
            raise SourceReplyInvalid(f"{place}: found HTTP {reply.status_code} without an access_token")
        try:
            return token, time.monotonic() + 0.9 * float(seconds)
        except (TypeError, ValueError):
            raise SourceReplyInvalid(f"{place}: expires_in is no number") from None


def _said(reply: "Response") -> dict[str, Any]:
    try:
        said = reply.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _client(connection: Connection) -> dict[str, str]:
    return {"client_id": connection.login, "client_secret": connection.password.reveal()}


def _private_key(connection: Connection) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found: object = None
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):  # not chained: the message could quote the key
        found = load_pem_private_key(connection.password.reveal().encode(), password=None)
    if not isinstance(found, RSAPrivateKey):
        raise SettingsError(
            f"connection {connection.name!r}: its password is no RSA private key, expected PEM without a passphrase"
        )
    return found
