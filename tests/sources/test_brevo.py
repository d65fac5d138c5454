"""What the conformance kit does not show of Brevo: long histories, its own header, the recipients of one message."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import tenacity.nap
from replay import Fault, Recording, replaying

from audience.sources.brevo import SOURCE, fetch_campaigns, fetch_contacts, fetch_events, tidy_event
from audience.sources.contract import Unusable, Window

YEARS = Window(datetime(2023, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


class Asked:
    """An API without records that keeps what it was asked."""

    def __init__(self) -> None:
        self.params: list[dict[str, str]] = []

    def by_offset(self, _path: str, _items: str, params: dict[str, str], *, limit: int) -> list[Any]:
        self.params.append(params)
        return []


@pytest.mark.parametrize(
    ("fetch", "form", "end_is", "longest"),
    [
        (fetch_events, "%Y-%m-%d", timedelta(days=1), timedelta(days=90)),  # the last day, which is asked for too
        (fetch_campaigns, "%Y-%m-%dT%H:%M:%S.000Z", timedelta(0), timedelta(days=730)),
    ],
    ids=["events", "campaigns"],
)
def test_a_long_history_is_asked_for_in_pieces_that_brevo_allows_and_that_leave_no_gap(
    fetch: Any, form: str, end_is: timedelta, longest: timedelta
) -> None:
    def moment(text: str) -> datetime:
        return datetime.strptime(text, form).replace(tzinfo=UTC)

    api = Asked()
    assert list(fetch(api, YEARS)) == []
    asked = [(moment(p["startDate"]), moment(p["endDate"]) + end_is) for p in api.params]
    assert asked[0][0] <= YEARS.start and asked[-1][1] >= YEARS.end
    assert all(end - start <= longest for start, end in asked)
    assert all(after[0] <= before[1] for before, after in pairwise(asked))


def test_brevo_says_in_its_own_header_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap.time, "sleep", waited.append)
    recording = Recording.of("brevo")
    with replaying(recording, "contacts", fault=Fault(429, {"x-sib-ratelimit-reset": "31"}, times=1)) as system:
        client = SOURCE.system.open(system.connection())
        assert len(list(fetch_contacts(client, system.window))) == 3
        client.close()
    assert 31 in waited


def test_two_recipients_of_one_message_are_two_events_whose_ids_hold_no_address() -> None:
    record = {"event": "delivered", "date": "2026-11-20T08:00:00.000Z", "messageId": "<1@relay.example>"}
    ids = [
        row["event_id"]
        for email in ("ana.martin@mailbox.example", "bo.li@mailbox.example")
        for _, row in tidy_event({**record, "email": email})  # type: ignore[typeddict-item]
    ]
    assert len(set(ids)) == 2
    assert not [i for i in ids if "mailbox" in i]


def test_an_event_of_an_unknown_kind_goes_to_quarantine() -> None:
    with pytest.raises(Unusable, match="^event is of a kind that is not known$"):
        list(tidy_event({"event": "printed", "date": "", "messageId": "", "email": "a@mailbox.example"}))
