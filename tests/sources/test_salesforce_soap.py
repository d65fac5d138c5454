"""What the conformance kit does not show of SOAP: faults that come as HTTP 500, sessions that end, hostile XML."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap
from answering import Answer, Asked
from scripted import Script, Scripted, private_key, scripted
from staging import FRIDAY

from audience.core.connection import Connection
from audience.core.errors import SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.masked import Secret
from audience.core.partition import Window
from audience.sources.salesforce_soap import SOURCE, Fault, Soap, fetch_contacts, fetch_deleted

CALL = "POST /services/Soap/u/67.0"
KEY = private_key()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


def org(system: Scripted) -> Soap:
    return SOURCE.system.open(Connection("salesforce_soap", system.url, login="app", password=Secret(KEY)))  # type: ignore[no-any-return]


def script(*answers: Any, tokens: tuple[str, ...] = ("session-1",)) -> Script:
    return {CALL: list(answers), "POST /services/oauth2/token": [Answer({"access_token": token}) for token in tokens]}


def envelope(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
        ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
        f' xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    )


def result(call: str, inner: str) -> Answer:
    return Answer(envelope(f"<{call}Response><result>{inner}</result></{call}Response>"))


def contacts(call: str, *ids: str, size: int, then: str = "") -> Answer:
    records = "".join(f"<records><Id>{id}</Id></records>" for id in ids)
    more = f"<done>false</done><queryLocator>{then}</queryLocator>" if then else "<done>true</done>"
    return result(call, f"{more}{records}<size>{size}</size>")


def fault(code: str, text: str = "of ana@secret.example") -> Answer:
    said = f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {text}</faultstring></soapenv:Fault>"
    return Answer(envelope(said), 500)


def session(asked: Asked) -> str:
    found = re.search(r"<urn:sessionId>(.*)</urn:sessionId>", asked.body.decode())
    assert found is not None
    return found[1]


def read(system: Scripted) -> list[str]:
    return [record["Id"] for record in fetch_contacts(org(system), FRIDAY.window)]


# -- faults --------------------------------------------------------------------------------------------------------------


def test_a_session_that_ends_between_two_pages_is_renewed_once_and_the_pages_go_on(waits: list[float]) -> None:
    answers = (
        contacts("query", "a", size=2, then="01g-1"),
        fault("INVALID_SESSION_ID"),
        contacts("queryMore", "b", size=2),
    )
    with scripted(script(*answers, tokens=("session-1", "session-2"))) as system:
        assert read(system) == ["a", "b"]
        assert [session(asked) for asked in system.asked_at(CALL)] == ["session-1", "session-1", "session-2"]
        assert not any("Authorization" in asked.headers for asked in system.asked_at(CALL))
    assert waits == []


@pytest.mark.parametrize(
    ("code", "status"), [("INVALID_SESSION_ID", 401), ("INSUFFICIENT_ACCESS", 403), ("API_DISABLED_FOR_ORG", 403)]
)
def test_a_fault_that_refuses_the_user_is_not_tried_again_as_a_server_error(
    waits: list[float], code: str, status: int
) -> None:
    with (
        scripted(script(fault(code))) as system,
        pytest.raises(SourceRefused, match=f"found {status}, expected 200; check connection 'salesforce_soap'$"),
    ):
        read(system)
    assert waits == []


def test_a_used_up_quota_is_unavailable(waits: list[float]) -> None:
    with (
        scripted(script(fault("REQUEST_LIMIT_EXCEEDED"))) as system,
        pytest.raises(
            SourceUnavailable, match=r"^salesforce_soap: POST services/Soap/u/67.0: found HTTP 429 after 6 tries$"
        ),
    ):
        read(system)
    assert waits == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("answer", [Answer("Internal Server Error", 500), fault("SERVER_UNAVAILABLE"), Answer("", 503)])
def test_a_server_error_that_passes_is_tried_again(waits: list[float], answer: Answer) -> None:
    with scripted(script(answer, contacts("query", "a", size=1))) as system:
        assert read(system) == ["a"]
    assert waits == [1]


def test_another_fault_ends_it_at_once_with_its_code_and_without_its_text(waits: list[float]) -> None:
    with scripted(script(fault("MALFORMED_QUERY"))) as system, pytest.raises(Fault) as malformed:
        read(system)
    assert str(malformed.value) == (
        "salesforce_soap: POST services/Soap/u/67.0: found the fault MALFORMED_QUERY, expected a result"
    )
    assert waits == []


# -- replies -------------------------------------------------------------------------------------------------------------


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x>&l9;</x>'


def a_file(path: Path) -> str:
    path.write_text("a-secret-of-this-machine")
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "{path.as_uri()}">]><x>&f;</x>'


def test_xml_that_grows_or_reads_files_is_refused(tmp_path: Path) -> None:
    for hostile in (laughs(), a_file(tmp_path / "secret"), '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x/>'):
        with (
            scripted(script(Answer(hostile))) as system,
            pytest.raises(SourceReplyInvalid, match="the reply to query is no SOAP envelope with a result$"),
        ):
            read(system)


def test_a_fault_with_a_document_type_is_only_a_server_error(waits: list[float]) -> None:
    hostile = fault("INVALID_SESSION_ID").content.replace("?>", "?><!DOCTYPE x>")
    with scripted(script(Answer(hostile, 500))) as system, pytest.raises(SourceUnavailable, match="found HTTP 500"):
        read(system)
    assert len(waits) == 5


@pytest.mark.parametrize(
    "text",
    ["", "<html>ana@secret.example</html>", "<a>" * 100_000, envelope("<x/>"), "\x00"],
    ids=["empty", "HTML", "deep", "without a result", "binary"],
)
def test_a_reply_that_is_no_result_is_invalid(text: str) -> None:
    with scripted(script(Answer(text))) as system, pytest.raises(SourceReplyInvalid) as invalid:
        read(system)
    assert "secret" not in str(invalid.value)


@pytest.mark.parametrize(
    "inner",
    ["<size>0</size>", "<done>maybe</done>", "<done>false</done>", "<done>false</done><queryLocator/>"],
)
def test_a_page_that_does_not_say_whether_there_are_more_is_not_the_last(inner: str) -> None:
    with (
        scripted(script(result("query", inner))) as system,
        pytest.raises(SourceReplyInvalid, match="does not say whether there are more contacts"),
    ):
        read(system)


def test_a_page_that_leads_to_itself_does_not_turn_for_ever() -> None:
    again = contacts("queryMore", "b", size=9, then="01g-1")
    with (
        scripted(script(contacts("query", "a", size=9, then="01g-1"), again)) as system,
        pytest.raises(SourceReplyInvalid, match="whether there are more"),
    ):
        read(system)


def test_fewer_contacts_than_announced_are_not_taken_for_all() -> None:
    with (
        scripted(script(contacts("query", "a", size=2))) as system,
        pytest.raises(SourceUnavailable, match="found 1 contacts, expected 2"),
    ):
        read(system)


def test_a_session_with_xml_in_it_stays_text() -> None:
    with scripted(script(contacts("query", size=0), tokens=(r"a<b&\1",))) as system:
        assert read(system) == []
        (asked,) = system.asked_at(CALL)
    assert session(asked) == r"a&lt;b&amp;\1"
    assert asked.headers["Content-Length"] == str(len(asked.body))


def test_the_connection_is_tested_by_asking_who_one_is() -> None:
    with scripted(script(result("getUserInfo", "<userId>005</userId>"))) as system:
        assert org(system).check() == "salesforce_soap: answered"


# -- deletions -----------------------------------------------------------------------------------------------------------


def deletions(*ids: str, covered: str) -> Answer:
    records = "".join(f"<deletedRecords><id>{id}</id><deletedDate>d</deletedDate></deletedRecords>" for id in ids)
    return result("getDeleted", f"{records}<latestDateCovered>{covered}</latestDateCovered>")


def test_deletions_are_whole_when_the_end_of_the_window_is_covered() -> None:
    with scripted(script(deletions("a", "b", covered="2026-11-21T00:00:00.000Z"))) as system:
        assert [record["id"] for record in fetch_deleted(org(system), FRIDAY.window)] == ["a", "b"]


def test_deletions_that_are_not_yet_all_known_are_asked_for_later() -> None:
    with (
        scripted(script(deletions("a", covered="2026-11-20T23:59:00.000Z"))) as system,
        pytest.raises(
            SourceUnavailable, match="deletions are known until 2026-11-20T23:59:00.000Z, expected 2026-11-21"
        ),
    ):
        list(fetch_deleted(org(system), FRIDAY.window))


def test_of_a_long_window_only_the_deletions_that_are_still_told_are_asked_for() -> None:
    month = Window(FRIDAY.plus(-29).window.start, FRIDAY.window.end)
    with scripted(script(deletions(covered="2026-11-21T00:00:00.000Z"))) as system:
        assert list(fetch_deleted(org(system), month)) == []
        (asked,) = system.asked_at(CALL)
    assert b"<urn:startDate>2026-11-07T00:00:00Z</urn:startDate>" in asked.body


def test_a_window_whose_deletions_are_forgotten_has_none_and_other_faults_are_not_swallowed() -> None:
    with scripted(script(fault("INVALID_REPLICATION_DATE"), fault("EXCEEDED_ID_LIMIT"))) as system:
        assert list(fetch_deleted(org(system), FRIDAY.window)) == []
        with pytest.raises(Fault, match="found the fault EXCEEDED_ID_LIMIT"):
            list(fetch_deleted(org(system), FRIDAY.window))
