"""What is raised when a source does not answer as it should, and that nothing is staged then."""

import secrets
import traceback
from types import SimpleNamespace

import pytest
import tenacity.nap
from staging import FRIDAY, staged

from audience.core.errors import SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.lake import Lake
from audience.sources.contract import Extraction, extract, source_named
from small_sandbox import SmallSandbox

ORDERS = "GET /shop/orders"
CONTACTS = "GET /crm/contacts"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


def friday_of(lake: Lake, sandbox: SmallSandbox, source: str, **how: str) -> Extraction:
    return extract(source_named(source), sandbox.connection(source, **how), lake, first=FRIDAY, last=FRIDAY)


def asked(sandbox: SmallSandbox, call: str) -> int:
    return int(sandbox.requests()["requests"].get(call, 0))


def test_wrong_credentials_end_the_extraction_at_once_and_name_the_connection_never_the_secret(
    lake: Lake, small_sandbox: SmallSandbox, waits: list[float]
) -> None:
    wrong = secrets.token_hex(16)
    for source, url in (("crm", "contacts"), ("shop", "customers"), ("newsletter", "signups")):
        with pytest.raises(SourceRefused) as refused:
            friday_of(lake, small_sandbox, source, password=wrong)
        assert str(refused.value) == f"{source}: GET {url}: found 401, expected 200; check connection '{source}'"
        assert wrong not in "".join(traceback.format_exception(refused.value))
    assert waits == []


def test_429_is_tried_again_after_the_seconds_it_names(
    lake: Lake, small_sandbox: SmallSandbox, waits: list[float]
) -> None:
    small_sandbox.fault(ORDERS, status=429, headers={"Retry-After": "47"}, times=2)
    extraction = friday_of(lake, small_sandbox, "shop")
    assert waits == [47, 47]
    assert len(staged(lake, extraction, "order")) == extraction.rows["order"] > 0


def test_a_wait_longer_than_five_minutes_is_left_to_a_later_run(
    lake: Lake, small_sandbox: SmallSandbox, waits: list[float]
) -> None:
    small_sandbox.fault(ORDERS, status=429, headers={"Retry-After": "3600"}, times=None)
    with pytest.raises(SourceUnavailable, match="shop: GET orders: found HTTP 429, to be tried again in 3600 s"):
        friday_of(lake, small_sandbox, "shop")
    assert waits == []


@pytest.mark.parametrize("body", ["<html>Bad Gateway</html>", {"error": "broken"}, None])
def test_a_server_error_is_unavailable_after_six_tries_with_growing_waits(
    lake: Lake, small_sandbox: SmallSandbox, waits: list[float], body: object
) -> None:
    small_sandbox.fault(CONTACTS, status=502, body=body, times=None)
    with pytest.raises(SourceUnavailable, match="^crm: GET contacts: found HTTP 502 after 6 tries$"):
        friday_of(lake, small_sandbox, "crm")
    assert waits == [1, 2, 4, 8, 16]
    assert lake.staged(f"crm/{FRIDAY}_{FRIDAY}") == []


def test_a_server_error_that_passes_loses_nothing(lake: Lake, small_sandbox: SmallSandbox, waits: list[float]) -> None:
    whole = staged(lake, friday_of(lake, small_sandbox, "shop"), "order")
    for fault in ("drop_before", "drop_after_accept", "truncate"):
        small_sandbox.fault(ORDERS, fault)
    small_sandbox.fault(ORDERS, status=500, times=2)
    assert staged(lake, friday_of(lake, small_sandbox, "shop"), "order") == whole
    assert len(waits) == 5


def test_a_connection_that_always_breaks_is_unavailable(
    lake: Lake, small_sandbox: SmallSandbox, waits: list[float]
) -> None:
    small_sandbox.fault(ORDERS, "truncate", times=None)
    with pytest.raises(SourceUnavailable, match=r"^shop: GET orders: \w+ after 6 tries$"):
        friday_of(lake, small_sandbox, "shop")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<html>Please sign in, ana@secret.example</html>", "the reply is not JSON"),
        ('{"orders": [{"id": "O-1", "email": "ana@secret.exam', "the reply is not JSON"),
        ("", "the reply is not JSON"),
        ("[" * 100_000, "the reply is not JSON"),
        ({"results": [], "pages": 0, "total": 0}, "the reply has no list 'orders'"),
        ({"orders": {"id": "ana@secret.example"}, "pages": 1, "total": 1}, "the reply has no list 'orders'"),
        ([], "the reply has no list 'orders'"),
        ({"orders": [{"email": "ana@secret.example"}]}, "does not say whether there are more 'orders'"),
        ({"orders": [], "pages": "many", "total": 0}, "does not say whether there are more 'orders'"),
    ],
)
def test_an_answer_that_is_no_page_of_records_is_invalid_and_stages_nothing(
    lake: Lake, small_sandbox: SmallSandbox, waits: list[float], body: object, problem: str
) -> None:
    small_sandbox.fault(ORDERS, status=200, body=body, times=None)
    with pytest.raises(SourceReplyInvalid, match=f"^shop: GET orders: .*{problem}") as invalid:
        friday_of(lake, small_sandbox, "shop")
    assert "secret" not in str(invalid.value)
    assert lake.staged(f"shop/{FRIDAY}_{FRIDAY}") == [] and waits == []


@pytest.mark.parametrize("body", [{"items": []}, {"items": [], "next_cursor": 7}])
def test_an_answer_without_a_cursor_is_not_taken_for_the_last_page(
    lake: Lake, small_sandbox: SmallSandbox, body: object
) -> None:
    small_sandbox.fault(CONTACTS, status=200, body=body)
    with pytest.raises(SourceReplyInvalid, match="crm: GET contacts: .* whether there are more 'items'"):
        friday_of(lake, small_sandbox, "crm")


def test_a_page_that_names_itself_as_the_next_one_does_not_turn_for_ever(
    lake: Lake, small_sandbox: SmallSandbox
) -> None:
    small_sandbox.fault(CONTACTS, status=200, body={"items": [], "next_cursor": "at-7"}, times=None)
    with pytest.raises(SourceReplyInvalid, match="whether there are more"):
        friday_of(lake, small_sandbox, "crm")


def test_records_that_move_to_another_page_while_they_are_read_are_not_missed_silently(
    lake: Lake, small_sandbox: SmallSandbox
) -> None:
    small_sandbox.fault(ORDERS, status=200, body={"orders": [{"id": "O-1"}], "pages": 2, "total": 3}, times=1)
    small_sandbox.fault(ORDERS, status=200, body={"orders": [{"id": "O-3"}], "pages": 2, "total": 2}, times=1)
    with pytest.raises(SourceUnavailable, match="shop: GET orders: the records changed while they were read"):
        friday_of(lake, small_sandbox, "shop")


def test_a_moved_address_is_invalid_and_not_followed_with_the_key(lake: Lake, small_sandbox: SmallSandbox) -> None:
    elsewhere = {"Location": f"{small_sandbox.url}/_control/requests"}
    small_sandbox.fault(ORDERS, status=302, headers=elsewhere, times=None)
    with pytest.raises(SourceReplyInvalid, match="shop: GET orders: found HTTP 302, expected 200"):
        friday_of(lake, small_sandbox, "shop")


def test_one_failed_stream_stages_nothing_of_the_others(lake: Lake, small_sandbox: SmallSandbox) -> None:
    small_sandbox.fault(ORDERS, status=400, times=None)
    with pytest.raises(SourceReplyInvalid):
        friday_of(lake, small_sandbox, "shop")
    assert lake.staged(f"shop/{FRIDAY}_{FRIDAY}") == []


def test_a_system_that_is_not_there_is_unavailable(lake: Lake, waits: list[float]) -> None:
    from audience.core.connection import Connection

    nowhere = Connection("crm", url="http://127.0.0.1:9")
    with pytest.raises(SourceUnavailable, match="^crm: GET contacts: ConnectionError after 6 tries$"):
        extract(source_named("crm"), nowhere, lake, first=FRIDAY, last=FRIDAY)
