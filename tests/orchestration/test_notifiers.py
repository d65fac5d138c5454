"""An alert reaches people by mail and webhook, on real servers; a channel that fails says so and tells no secret."""

import json
from collections.abc import Iterator
from email import message_from_string
from typing import Any

import pytest
from alert_servers import mail_server, web_server

from audience.core.errors import AlertNotSent
from audience.core.settings import Settings
from audience.orchestration.notifiers import channels
from audience.quality.alerts import Message
from key import KEY

LATE = Message("source shop", False, "newest day 2026-11-18, the next one was due at 2026-11-20 12:00 UTC")


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mail_server() as server:
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.server_address[1],
                      "extra": {"disable_tls": True, "disable_ssl": True, "timeout": 5, "retry_limit": 1}}  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield server


@pytest.fixture
def posts() -> Iterator[Any]:
    with web_server() as server:
        yield server


def configured(**settings: str) -> dict[str, Any]:
    named = {f"AUDIENCE_ALERTS_{name.upper()}": value for name, value in settings.items()}
    return dict(channels(Settings.read({"AUDIENCE_PSEUDONYM_KEY": KEY.reveal()} | named)))


def url(server: Any, path: str = "") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/{path}"


def test_without_settings_an_alert_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    found = configured()
    assert list(found) == ["log"]
    found["log"](LATE)
    assert caplog.messages == [f"source shop: not as declared: {LATE.words}"]


def test_an_alert_is_a_mail(mails: Any) -> None:
    configured(email="ana@shop.example, zoe@shop.example", sender="audience@shop.example")["email"](LATE)
    (mail,) = (message_from_string(text) for text in mails.kept)
    assert (mail["From"], mail["To"]) == ("audience@shop.example", "ana@shop.example, zoe@shop.example")
    assert mail["Subject"] == "[audience] source shop: not as declared"
    (body,) = mail.get_payload()
    assert LATE.words in body.get_payload(decode=True).decode()


def test_a_mail_server_that_refuses_is_said_without_addresses(mails: Any) -> None:
    mails.refuses = True
    with pytest.raises(AlertNotSent, match="^email: SMTPRecipientsRefused$"):
        configured(email="ana@shop.example", sender="audience@shop.example")["email"](LATE)


def test_an_alert_is_posted(posts: Any) -> None:
    configured(webhook=url(posts))["webhook"](LATE)
    assert posts.kept == [
        {"text": f"source shop: not as declared\n{LATE.words}", "subject": "source shop", "state": "late"}
    ]
    configured(webhook=url(posts))["webhook"](Message("source shop", True, LATE.words))
    assert (posts.kept[1]["state"], posts.kept[1]["text"].splitlines()[0]) == (
        "recovered", "source shop: as declared again",
    )  # fmt: skip


def test_a_webhook_that_fails_is_said_without_its_address(posts: Any) -> None:
    posts.refuses = True
    with pytest.raises(AlertNotSent, match="^webhook: found HTTP 500, expected 2xx$"):
        configured(webhook=url(posts, "secret-of-the-hook"))["webhook"](LATE)
    with pytest.raises(AlertNotSent, match="^webhook: ConnectError$"):
        configured(webhook="http://127.0.0.1:1/secret-of-the-hook")["webhook"](LATE)
