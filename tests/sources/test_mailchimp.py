"""What the conformance kit does not show of Mailchimp: its data centre, its bare 403, what proves a consent."""

from collections.abc import Iterator
from typing import Any

import pytest
import tenacity.nap
from replay import Fault, Recording, Replay, replaying

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceUnavailable
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.sources.contract import Window, extract
from audience.sources.mailchimp import SOURCE, Member, tidy_member

RECORDING = Recording.of("mailchimp")
MEMBER: Member = {
    "list_id": "a1",
    "contact_id": "c1",
    "email_address": "ana.martin@mailbox.example",
    "status": "subscribed",
    "timestamp_signup": "2026-11-20T07:58:00+00:00",
    "timestamp_opt": "2026-11-20T08:00:00+00:00",
    "last_changed": "2026-11-20T08:00:00+00:00",
}


@pytest.fixture
def mailchimp() -> Iterator[Replay]:
    with replaying(
        RECORDING, "members", Window(RECORDING.day.plus(-1).window.start, RECORDING.day.window.end)
    ) as system:
        yield system


def consents(**changed: Any) -> list[str]:
    rows = tidy_member({**MEMBER, **changed})  # type: ignore[typeddict-item]
    return [row["status"] for entity, row in rows if entity == "consent"]


def test_the_address_follows_from_the_key() -> None:
    client = SOURCE.system.open(Connection("mailchimp", "", password=Secret("0123456789abcdef-us19")))
    assert client.connection.url == "https://us19.api.mailchimp.com/3.0"
    client.close()


def test_a_key_without_a_data_centre_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(SettingsError, match="^connection 'mailchimp': found no host"):
        SOURCE.system.open(Connection("mailchimp", "", password=Secret("")))


def test_a_bare_403_means_too_many_requests(lake: Lake, mailchimp: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _: None)
    mailchimp.fault = Fault(403, {"Content-Type": "text/html"})
    with pytest.raises(SourceUnavailable, match="^mailchimp: GET lists/a1b2c3d4e5/members: "):
        extract(SOURCE, mailchimp.connection(), lake, first=RECORDING.day, last=RECORDING.day)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ["granted"]),
        ({"timestamp_signup": ""}, []),  # imported, or added by a program: by ours, for instance
        ({"timestamp_opt": ""}, []),
        ({"status": "pending"}, []),
        ({"status": "transactional"}, []),
        ({"status": "archived"}, []),
        ({"status": "cleaned"}, []),
        ({"status": "unsubscribed"}, ["withdrawn"]),
        ({"status": "unsubscribed", "timestamp_signup": "", "timestamp_opt": ""}, ["withdrawn"]),
    ],
)
def test_only_who_signed_up_and_confirmed_has_consented(changed: dict[str, str], expected: list[str]) -> None:
    assert consents(**changed) == expected


def test_nothing_is_asked_for_that_holds_an_ip_address_or_a_checksum_of_the_address() -> None:
    for stream in SOURCE.streams:
        with replaying(RECORDING, stream.name) as system:
            client = SOURCE.system.open(system.connection())
            assert list(stream.fetch(client, system.window))
            client.close()
        assert not [q for q in system.asked if ".ip" in q or "members.id" in q or "email_id" in q]
