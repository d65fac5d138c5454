"""How a token is got, shared, renewed and kept secret."""

import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
import tenacity.nap
from answering import Answer, Asked
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from scripted import Scripted, private_key, scripted

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceError, SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.masked import Secret
from audience.sources.contract import Rest, client_credentials, jwt_bearer, refresh_token
from audience.sources.contract.auth import Auth

KEY = private_key()
SECRET = "the-secret-of-nobody"

ALL: list[tuple[Auth, str]] = [
    (client_credentials(lambda c: f"{c.url}/token"), SECRET),
    (refresh_token(lambda c: f"{c.url}/token"), SECRET),
    (jwt_bearer(lambda c: f"{c.url}/token", audience=lambda _: "https://login.example"), KEY),
]
each_flow = pytest.mark.parametrize(
    ("auth", "password"), ALL, ids=["client credentials", "refresh token", "jwt bearer"]
)

TOKEN = {"access_token": "token-1", "expires_in": 3600}


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


def connection(system: Scripted, password: str) -> Connection:
    extra = {"refresh_token": "the-refresh-token-of-nobody", "username": "nobody@shop.example"}
    return Connection("crm", system.url, login="client-7", password=Secret(password), extra=extra)


def api(system: Scripted, auth: Auth, password: str) -> Rest:
    return Rest(connection(system, password), auth)


def only_for(*tokens: str) -> Callable[[Asked], Answer]:
    """A page for who brings one of these tokens, 401 for others."""
    allowed = {f"Bearer {token}" for token in tokens}
    return lambda asked: Answer([]) if asked.headers.get("Authorization") in allowed else Answer({}, 401)


def form(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(asked.body.decode()))


def tokens(*names: str) -> list[Any]:
    return [Answer({"access_token": name}) for name in names]


# -- what is asked -------------------------------------------------------------------------------------------------------


def test_client_credentials_send_the_login_and_the_password() -> None:
    with scripted({"POST /token": [Answer(TOKEN)], "GET /people": [only_for("token-1")]}) as system:
        auth = client_credentials(lambda c: f"{c.url}/token", scope="read")
        assert api(system, auth, SECRET).get("people") == []
        (asked,) = system.asked_at("POST /token")
    assert form(asked) == {
        "grant_type": "client_credentials", "client_id": "client-7", "client_secret": SECRET, "scope": "read"
    }  # fmt: skip


def test_a_refresh_token_is_sent_with_the_client_s_own_credentials() -> None:
    with scripted({"POST /token": [Answer(TOKEN)], "GET /people": [only_for("token-1")]}) as system:
        assert api(system, refresh_token(lambda c: f"{c.url}/token"), SECRET).get("people") == []
        (asked,) = system.asked_at("POST /token")
    assert form(asked) == {
        "grant_type": "refresh_token", "refresh_token": "the-refresh-token-of-nobody",
        "client_id": "client-7", "client_secret": SECRET,
    }  # fmt: skip


def test_an_assertion_is_signed_by_the_key_for_the_user_and_lives_three_minutes() -> None:
    with scripted({"POST /token": [Answer(TOKEN)], "GET /people": [only_for("token-1")]}) as system:
        assert api(system, ALL[2][0], KEY).get("people") == []
        (asked,) = system.asked_at("POST /token")
    assert form(asked)["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    public = load_pem_private_key(KEY.encode(), None).public_key()
    claims = jwt.decode(form(asked)["assertion"], public, ["RS256"], audience="https://login.example")  # type: ignore[arg-type]
    assert (claims["iss"], claims["sub"]) == ("client-7", "nobody@shop.example")
    assert claims["exp"] - claims["iat"] == 180


def test_a_key_that_lost_its_line_breaks_in_a_form_field_is_read_all_the_same() -> None:
    with scripted({"POST /token": [Answer(TOKEN)], "GET /people": [only_for("token-1")]}) as system:
        assert api(system, ALL[2][0], KEY.replace("\n", " ")).get("people") == []


# -- how long it is used -------------------------------------------------------------------------------------------------


@each_flow
def test_streams_side_by_side_fetch_one_token(auth: Auth, password: str) -> None:
    with scripted({"POST /token": [Answer(TOKEN)], "GET /people": [only_for("token-1")]}) as system:
        client = api(system, auth, password)
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(lambda _: client.get("people"), range(24))) == [[]] * 24
        assert len(system.asked_at("POST /token")) == 1


@each_flow
def test_a_token_that_says_it_has_expired_is_fetched_anew_before_it_is_used(auth: Auth, password: str) -> None:
    short = Answer({"access_token": "token-1", "expires_in": 0})
    script = {"POST /token": [short, *tokens("token-2")], "GET /people": [only_for("token-1"), only_for("token-2")]}
    with scripted(script) as system:
        client = api(system, auth, password)
        assert [client.get("people"), client.get("people"), client.get("people")] == [[], [], []]
        assert len(system.asked_at("POST /token")) == 2
        assert len(system.asked_at("GET /people")) == 3


@each_flow
def test_a_token_that_is_refused_mid_way_is_fetched_anew_once_and_the_pages_go_on(
    auth: Auth, password: str, waits: list[float]
) -> None:
    def page(token: str, *, following: str | None) -> Callable[[Asked], Answer]:
        return lambda asked: (
            Answer({"items": [{"id": token}], "next_cursor": following})
            if asked.headers["Authorization"] == f"Bearer {token}"
            else Answer({}, 401)
        )

    script = {
        "POST /token": tokens("token-1", "token-2"),
        "GET /people": [page("token-1", following="p2"), Answer({}, 401), page("token-2", following=None)],
    }
    with scripted(script) as system:
        assert [r["id"] for r in api(system, auth, password).by_cursor("people", "items")] == ["token-1", "token-2"]
        assert [a.target for a in system.asked_at("GET /people")] == [
            "/people",
            "/people?cursor=p2",
            "/people?cursor=p2",
        ]
        assert len(system.asked_at("POST /token")) == 2
    assert waits == []


@each_flow
def test_streams_whose_token_is_refused_together_fetch_one_new_token(auth: Auth, password: str) -> None:
    script = {"POST /token": tokens("token-1", "token-2"), "GET /people": [only_for("token-2")]}
    with scripted(script) as system:
        client = api(system, auth, password)
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(lambda _: client.get("people"), range(24))) == [[]] * 24
        assert len(system.asked_at("POST /token")) == 2


@each_flow
def test_a_new_token_that_is_refused_too_ends_it(auth: Auth, password: str, waits: list[float]) -> None:
    script = {"POST /token": tokens("token-1", "token-2"), "GET /people": [Answer({}, 401)]}
    with scripted(script) as system:
        with pytest.raises(SourceRefused, match="^crm: GET people: found 401, expected 200; check connection 'crm'$"):
            api(system, auth, password).get("people")
        assert len(system.asked_at("POST /token")) == len(system.asked_at("GET /people")) == 2
    assert waits == []


def test_a_server_error_after_the_token_was_renewed_is_tried_again(waits: list[float]) -> None:
    script = {
        "POST /token": tokens("token-1", "token-2"),
        "GET /people": [Answer({}, 401), Answer({}, 503), only_for("token-2")],
    }
    with scripted(script) as system:
        assert api(system, ALL[0][0], SECRET).get("people") == []
        assert len(system.asked_at("POST /token")) == 2
    assert waits == [1]


# -- what goes wrong -----------------------------------------------------------------------------------------------------


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[BaseException], str]]:
    """Everything that is said of an error: its traceback and every log line."""
    caplog.set_level(logging.DEBUG)
    yield lambda error: "".join(traceback.format_exception(error)) + caplog.text


@each_flow
@pytest.mark.parametrize(
    ("status", "reply", "found"),
    [
        (401, {"error": "invalid_client", "error_description": "of ana@secret.example"}, "401 invalid_client"),
        (400, {"error": "invalid_grant"}, "400 invalid_grant"),
        (403, "<html>ana@secret.example</html>", "403"),
        (400, {"error": "ana@secret.example"}, "400"),
    ],
)
def test_wrong_credentials_are_refused_at_once_naming_the_connection_never_the_secret(
    auth: Auth, password: str, waits: list[float], said: Any, status: int, reply: Any, found: str
) -> None:
    with scripted({"POST /token": [Answer(reply, status)]}) as system:
        with pytest.raises(SourceRefused) as refused:
            api(system, auth, password).get("people")
        assert str(refused.value) == f"crm: token: found {found}, expected 200; check connection 'crm'"
        assert waits == [] and system.asked_at("GET /people") == []
    for secret in (password, password[100:140] or password, "the-refresh-token-of-nobody", "ana@secret.example"):
        assert secret not in said(refused.value)


@each_flow
def test_a_token_endpoint_that_stays_broken_is_unavailable_after_six_tries(
    auth: Auth, password: str, waits: list[float]
) -> None:
    with scripted({"POST /token": [Answer({}, 503)]}) as system:
        with pytest.raises(SourceUnavailable, match="^crm: token: found HTTP 503$"):
            api(system, auth, password).get("people")
        assert len(system.asked_at("POST /token")) == 6
    assert waits == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    "reply", [{}, [], "<html>", {"access_token": None}, {"access_token": ""}, {**TOKEN, "expires_in": "soon"}], ids=repr
)
def test_an_answer_without_a_token_is_invalid(reply: Any) -> None:
    with (
        scripted({"POST /token": [Answer(reply)]}) as system,
        pytest.raises(SourceReplyInvalid, match=r"^crm: token: .*(access_token|expires_in)"),
    ):
        api(system, ALL[0][0], SECRET).get("people")


def test_credentials_do_not_follow_a_token_endpoint_that_has_moved() -> None:
    script = {"POST /token": [Answer({}, 307, {"Location": "/elsewhere"})], "POST /elsewhere": [Answer(TOKEN)]}
    with scripted(script) as system:
        with pytest.raises(SourceReplyInvalid, match="^crm: token: found a redirection, expected 200$"):
            api(system, ALL[0][0], SECRET).get("people")
        assert system.asked_at("POST /elsewhere") == []


@pytest.mark.parametrize(
    "key",
    ["", "key-of-nobody", KEY[:600], KEY.replace("PRIVATE", "SECRET"), "-----BEGIN \udcff"],
    # Named, because the key is another one in each process and pytest-xdist compares the names of tests.
    ids=["none", "no PEM", "cut off", "of another kind", "not UTF-8"],
)
def test_a_password_that_is_no_key_is_a_wrong_setting_and_is_not_shown(key: str, said: Any) -> None:
    with scripted({}) as system, pytest.raises(SettingsError) as wrong:
        api(system, ALL[2][0], key)
    assert str(wrong.value).startswith("connection 'crm': its password is no RSA private key")
    assert not key or key not in said(wrong.value)
    assert wrong.value.__context__ is None


@each_flow
def test_nothing_secret_is_logged_when_all_goes_well(
    auth: Auth, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with scripted({"POST /token": [Answer(TOKEN)], "GET /people": [only_for("token-1")]}) as system:
        api(system, auth, password).get("people")
    for secret in (password, password[100:140] or password, "token-1", "the-refresh-token-of-nobody"):
        assert secret not in caplog.text


def test_every_error_of_a_token_is_an_error_of_the_source() -> None:
    nowhere = Connection("crm", "http://127.0.0.1:9", login="client-7", password=Secret(SECRET))
    with pytest.raises(SourceError, match="^crm: token: ConnectionError$"):
        Rest(nowhere, ALL[0][0]).get("people")
