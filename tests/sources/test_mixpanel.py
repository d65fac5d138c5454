"""Mixpanel exports whole days, of UTC or of the project's time zone, with copies, and sometimes not to the end."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import tenacity.nap
from answering import Answer, Asked, answering
from staging import FRIDAY, staged

from audience.core.connection import Connection
from audience.core.errors import SettingsError, SourceReplyInvalid, SourceUnavailable
from audience.core.lake import Lake
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.sources.contract import Extraction, extract
from audience.sources.mixpanel import SOURCE, tidy_event

PARIS = ZoneInfo("Europe/Paris")
SPRING, AUTUMN = Partition.parse("2026-03-29"), Partition.parse("2026-10-25")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


def project(moments: list[datetime], zone: ZoneInfo | None) -> Callable[[Asked], Answer]:
    """A simulated project with one event at each moment. With a zone: one made before 2023."""

    def wall(moment: datetime) -> datetime:
        return moment.astimezone(zone or UTC).replace(tzinfo=UTC)

    def answer(asked: Asked) -> Answer:
        days = asked.query["from_date"], asked.query["to_date"]
        events = [
            {"event": "Page", "properties": {"time": int(wall(moment).timestamp()), "distinct_id": "d",
                                             "$insert_id": moment.isoformat()}}
            for moment in moments
            if days[0] <= f"{wall(moment):%Y-%m-%d}" <= days[1]
        ]  # fmt: skip
        return Answer(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    return answer


def connection(url: str, **extra: str) -> Connection:
    return Connection("mixpanel", url, login="service", password=Secret("nobody"), extra={"project_id": "1", **extra})


def read(lake: Lake, url: str, day: Partition = FRIDAY, reread_days: int = 0, **extra: str) -> Extraction:
    source = replace(SOURCE, streams=(replace(SOURCE.streams[0], reread_days=reread_days),))
    return extract(source, connection(url, **extra), lake, first=day, last=day)


def every_quarter_of_an_hour(around: Partition) -> list[datetime]:
    """From two days before to two days after, and the second before each."""
    start, steps = around.plus(-2).window.start, 5 * 96
    quarters = [start + timedelta(minutes=15 * n) for n in range(steps)]
    return sorted([*quarters, *(q - timedelta(seconds=1) for q in quarters)])


# -- days ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [SPRING, AUTUMN], ids=str)
@pytest.mark.parametrize("zone", [None, PARIS, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland")], ids=str)
def test_days_when_clocks_are_changed_lose_no_event_and_take_none_twice(
    lake: Lake, day: Partition, zone: ZoneInfo | None
) -> None:
    moments = every_quarter_of_an_hour(day)
    extra = {"time_zone": zone.key} if zone else {}
    taken: Counter[str] = Counter()
    days = (day.previous, day, day.next)
    with answering(project(moments, zone)) as url:
        for each in days:
            extraction = read(lake, url, each, **extra)
            events = staged(lake, extraction, "web_event")
            assert {e["_day"] for e in events} == {each.key}
            assert all(datetime.fromisoformat(e["occurred_at"]) in each.window for e in events)
            taken.update(e["event_id"] for e in events)
    assert len(taken) == taken.total() == sum(days[0].window.start <= m < days[-1].window.end for m in moments)


def test_the_wall_clock_of_an_old_project_is_turned_into_utc(lake: Lake) -> None:
    summer, winter = datetime(2026, 7, 1, 23, 30, tzinfo=UTC), datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with answering(project([summer, winter], PARIS)) as url:
        for moment in (summer, winter):
            extraction = read(lake, url, Partition(moment.date()), time_zone="Europe/Paris")
            assert [e["occurred_at"] for e in staged(lake, extraction, "web_event")] == [moment.isoformat()]


def test_both_passes_of_the_repeated_hour_are_taken_for_the_first(lake: Lake) -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert f"{first.astimezone(PARIS):%H:%M}" == f"{second.astimezone(PARIS):%H:%M}" == "02:30"
    with answering(project([first, second], PARIS)) as url:
        events = staged(lake, read(lake, url, AUTUMN, time_zone="Europe/Paris"), "web_event")
    assert [e["occurred_at"] for e in events] == [first.isoformat()] * 2
    assert len({e["event_id"] for e in events}) == 2


@pytest.mark.parametrize(
    ("extra", "asked"),
    [
        ({}, ("2026-11-15", "2026-11-20")),
        ({"time_zone": "Europe/Paris"}, ("2026-11-15", "2026-11-21")),
        ({"time_zone": "America/New_York"}, ("2026-11-14", "2026-11-20")),
    ],
)
def test_one_export_asks_for_every_day_of_the_project_that_the_window_and_the_five_days_before_touch(
    lake: Lake, extra: dict[str, str], asked: tuple[str, str]
) -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(b"")

    with answering(answer) as url:
        read(lake, url, reread_days=SOURCE.streams[0].reread_days, **extra)
    (only,) = seen
    assert (only.query["from_date"], only.query["to_date"], only.query["project_id"]) == (*asked, "1")
    assert only.headers["Authorization"].startswith("Basic ")


def test_a_time_that_is_none_is_quarantined_in_every_time_zone(lake: Lake) -> None:
    line = {"event": "Page", "properties": {"time": 10**15, "distinct_id": "d", "$insert_id": "i"}}
    with answering(lambda _: Answer(json.dumps(line).encode())) as url:
        extraction = read(lake, url, time_zone="Europe/Paris")
    assert [r["reason"] for r in staged(lake, extraction, "_broken")] == ["events: properties.time is no time"]


# -- an export that is not whole ---------------------------------------------------------------------------------------


def lines(*ids: str) -> bytes:
    noon = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())
    events = [{"event": "Page", "properties": {"time": noon, "distinct_id": "d", "$insert_id": i}} for i in ids]
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


WHOLE = lines("a", "b")


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        pytest.param(Answer(WHOLE, cut=10), SourceUnavailable, "^mixpanel: GET export: ", id="cut within a line"),
        pytest.param(
            Answer(WHOLE, cut=len(WHOLE) // 2), SourceUnavailable, "^mixpanel: GET export: ", id="cut at a line's end"
        ),
        pytest.param(Answer(WHOLE[:-9]), SourceReplyInvalid, "a line is not JSON", id="half a line at the end"),
        pytest.param(Answer(WHOLE + b"terminated early\n"), SourceUnavailable, "ended the export early", id="says so"),
        pytest.param(Answer(WHOLE + b'"?"\n'), SourceReplyInvalid, "a line is no event", id="another kind of line"),
    ],
)
def test_an_export_that_does_not_come_to_its_end_is_not_taken_for_whole(
    lake: Lake, told: Answer, error: type[Exception], message: str
) -> None:
    with answering(lambda _: told) as url, pytest.raises(error, match=message):
        read(lake, url)
    assert lake.staged(f"mixpanel/{FRIDAY}_{FRIDAY}") == []


def test_a_last_line_without_an_end_and_empty_lines_are_no_fault(lake: Lake) -> None:
    with answering(lambda _: Answer(lines("a") + b"\n" + lines("b").rstrip())) as url:
        assert len(staged(lake, read(lake, url), "web_event")) == 2


# -- the connection ------------------------------------------------------------------------------------------------------


def test_a_connection_is_tried_with_an_export_of_one_event() -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(lines("a"))

    with answering(answer) as url:
        client = SOURCE.system.open(connection(url))
        assert client.check() == "mixpanel: answered"
        client.close()
    assert [a.query["limit"] for a in seen] == ["1"]


def test_a_connection_without_a_project_is_refused(lake: Lake) -> None:
    with pytest.raises(SettingsError, match="connection 'mixpanel': no 'project_id' in its extra"):
        extract(SOURCE, replace(connection("http://127.0.0.1:9"), extra={}), lake, first=FRIDAY, last=FRIDAY)


# -- one event -----------------------------------------------------------------------------------------------------------


def row(name: str = "Page", type: str = "other", **properties: Any) -> dict[str, Any]:
    told = {"time": 1795161600, "distinct_id": "d-1", "$insert_id": "i"} | {
        k.replace("S_", "$"): v for k, v in properties.items()
    }
    ((_, found),) = tidy_event({"event": name, "properties": told, "type": type})  # type: ignore[typeddict-item]
    return found


def test_copies_of_an_event_have_one_identifier_even_after_identities_were_merged() -> None:
    assert row()["event_id"] == row(mp_processing_time_ms=1)["event_id"] == row(distinct_id="C-1")["event_id"]


@pytest.mark.parametrize("other", [{"name": "Click"}, {"time": 1795161601}, {"S_insert_id": "j"}])
def test_events_that_differ_in_name_time_or_insert_id_are_two(other: dict[str, Any]) -> None:
    assert row(**other)["event_id"] != row()["event_id"]


def test_an_address_is_hashed_and_never_a_visitor_a_record_or_an_identifier() -> None:
    found = row(distinct_id="ana@mailbox.example", S_user_id="ana@mailbox.example", S_insert_id="ana@mailbox.example")
    assert found.pop("email") == "ana@mailbox.example"
    assert not [value for value in found.values() if "ana" in str(value)]


def test_the_value_is_told_or_price_times_pieces_and_only_with_its_currency() -> None:
    assert row(value=12.5, currency="EUR")["value_eur"] == "12.5"
    assert row(price=0.1, quantity=3, currency="EUR")["value_eur"] == "0.3"
    assert row(price=0.1, currency="EUR")["value_eur"] == "0.1"
    assert row(value=12.5, currency="USD")["currency"] == "USD"
    assert "value_eur" not in row(value=12.5)


def test_a_time_zone_that_does_not_exist_is_refused_before_anything_is_asked(lake: Lake) -> None:
    with pytest.raises(
        SettingsError, match="connection 'mixpanel': found time_zone 'Europe/Pari', expected a name such as"
    ):
        read(lake, "http://127.0.0.1:9", time_zone="Europe/Pari")
