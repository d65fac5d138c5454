"""What the conformance kit does not show of Salesforce: Bulk jobs, used-up quotas, tokens of sandboxes."""

import json
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import tenacity.nap
from answering import Answer, Asked
from requests import Request, Session
from scripted import Script, Scripted, private_key, scripted
from staging import FRIDAY

from audience.core.connection import Connection
from audience.core.errors import SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.masked import Secret
from audience.core.partition import Window
from audience.sources.contract import Rest, jwt_bearer
from audience.sources.salesforce import SOURCE, fetch_contacts, in_bulk, login_server

DATA = "/services/data/v67.0"
JOBS = f"POST {DATA}/jobs/query"
JOB = f"GET {DATA}/jobs/query/750x"
RESULTS = f"{JOB}/results"
TOKEN = {"POST /services/oauth2/token": [Answer({"access_token": "token-1"})]}
WEEK = Window(FRIDAY.plus(-6).window.start, FRIDAY.window.end)
KEY = private_key()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited between tries; no time passes."""
    waited: list[float] = []
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=waited.append))
    return waited


def org(system: Scripted, **extra: object) -> Rest:
    said = {"username": "integration@shop.example"} | extra
    connection = Connection("salesforce", system.url, login="app", password=Secret(KEY), extra=said)
    return SOURCE.system.open(connection)  # type: ignore[no-any-return]


def page(text: str, *, records: int, then: str = "null") -> Answer:
    return Answer(text, headers={"Sforce-NumberOfRecords": str(records), "Sforce-Locator": then})


def job(*states: str, pages: list[Any]) -> Script:
    return {
        **TOKEN,
        JOBS: [Answer({"id": "750x", "state": "UploadComplete"})],
        JOB: [Answer({"id": "750x", "state": state}) for state in states],
        RESULTS: pages,
    }


def test_a_window_of_several_days_is_one_bulk_job_whose_pages_are_read_as_rest_would_give_them() -> None:
    header = '"Id","Email","MobilePhone","Phone","FirstName","LastName","Birthdate","MailingCity","MailingPostalCode",'
    header += '"MailingCountryCode","HasOptedOutOfEmail","CreatedDate","SystemModstamp","IsDeleted"\n'
    ana = '"003A","ana@mailbox.example","","","Ana ""A""","Martin","","Lyon\nCedex","","FR","true","c","m","false"\n'
    bo = '"003B","","","","Bo","Li","","","","","false","c","m","true"\n'
    pages = [page(header + ana, records=1, then="MTAwMDA"), page(header + bo, records=1)]
    with scripted(job("JobComplete", pages=pages)) as system:
        records = list(fetch_contacts(org(system), WEEK))
        (created,) = system.asked_at(JOBS)
        targets = [asked.target for asked in system.asked_at(RESULTS)]
    asked = json.loads(created.body)
    assert asked["operation"] == "queryAll"
    assert asked["query"].endswith(
        "FROM Contact WHERE SystemModstamp >= 2026-11-14T00:00:00Z AND SystemModstamp < 2026-11-21T00:00:00Z"
    )
    assert targets == [f"{DATA}/jobs/query/750x/results?maxRecords=10000",
                       f"{DATA}/jobs/query/750x/results?maxRecords=10000&locator=MTAwMDA"]  # fmt: skip
    assert [SOURCE.streams[0].schema.problem(record) for record in records] == [None, None]
    assert records[0] | {"CreatedDate": "", "SystemModstamp": ""} == {
        "Id": "003A", "Email": "ana@mailbox.example", "MobilePhone": None, "Phone": None, "FirstName": 'Ana "A"',
        "LastName": "Martin", "Birthdate": None, "MailingCity": "Lyon\nCedex", "MailingPostalCode": None,
        "MailingCountryCode": "FR", "HasOptedOutOfEmail": True, "CreatedDate": "", "SystemModstamp": "", "IsDeleted": False,
    }  # fmt: skip
    assert (records[1]["Email"], records[1]["IsDeleted"]) == (None, True)


def test_a_job_is_waited_for_and_an_empty_one_has_no_records() -> None:
    slept: list[float] = []
    with scripted(job("UploadComplete", "InProgress", "JobComplete", pages=[page('"Id"\n', records=0)])) as system:
        assert list(in_bulk(org(system), "SELECT Id FROM Lead", sleep=slept.append)) == []
    assert slept == [2, 4]


@pytest.mark.parametrize("state", ["Failed", "Aborted", None])
def test_a_job_that_ends_otherwise_is_unavailable(state: Any) -> None:
    with (
        scripted(job(state, pages=[])) as system,
        pytest.raises(
            SourceUnavailable, match=f"^salesforce: POST .*: the job ended as {state}, expected JobComplete$"
        ),
    ):
        list(in_bulk(org(system), "SELECT Id FROM Lead"))


def test_a_job_that_never_ends_is_left_after_two_hours() -> None:
    slept: list[float] = []
    with (
        scripted(job("InProgress", pages=[])) as system,
        pytest.raises(SourceUnavailable, match="the job is not done after 7230 s"),
    ):
        list(in_bulk(org(system), "SELECT Id FROM Lead", sleep=slept.append))
    assert sum(slept) == 7230


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (page('"Id"\n"a"\n', records=2), "found 1 whole records on a page"),
        (page('"Id","Email"\n"a"\n', records=1), "found 1 whole records on a page"),
        (Answer('"Id"\n"a"\n'), "found 1 whole records on a page"),
        (page('"Id"\n"a"\n', records=1, then=""), "does not say whether there are more records"),
        (page('"Id"\n"a"\n', records=1, then="MTAwMDA"), "does not say whether there are more records"),
    ],
)
def test_a_bulk_page_that_is_not_whole_is_invalid(answer: Answer, problem: str) -> None:
    with (
        scripted(job("JobComplete", pages=[answer])) as system,
        pytest.raises(SourceReplyInvalid, match=f"^salesforce: .*{problem}"),
    ):
        list(in_bulk(org(system), "SELECT Id FROM Lead"))


def test_a_used_up_quota_is_waited_for_and_told_from_a_right_that_is_missing(waits: list[float]) -> None:
    quota = Answer([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)
    missing = Answer([{"message": "no access", "errorCode": "INSUFFICIENT_ACCESS"}], 403)
    with scripted({**TOKEN, f"GET {DATA}/queryAll": [quota]}) as system:
        with pytest.raises(SourceUnavailable, match="found HTTP 429 after 6 tries"):
            list(fetch_contacts(org(system), FRIDAY.window))
        assert len(waits) == 5
    with scripted({**TOKEN, f"GET {DATA}/queryAll": [missing]}) as system:
        with pytest.raises(SourceRefused, match="found 403, expected 200; check connection 'salesforce'"):
            list(fetch_contacts(org(system), FRIDAY.window))
        assert len(waits) == 5


def test_a_token_that_expires_during_a_job_is_renewed() -> None:
    def only_with(token: str, answer: Answer) -> Any:
        return lambda asked: answer if asked.headers["Authorization"] == f"Bearer {token}" else Answer({}, 401)

    script = job("JobComplete", pages=[only_with("token-2", page('"Id"\n"a"\n', records=1))])
    tokens = [Answer({"access_token": "token-1"}), Answer({"access_token": "token-2"})]
    with scripted(script | {"POST /services/oauth2/token": tokens}) as system:
        assert list(in_bulk(org(system), "SELECT Id FROM Lead")) == [{"Id": "a"}]


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("https://shop.my.salesforce.com", "https://login.salesforce.com"),
        ("https://shop--test.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://shop-1234.scratch.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_a_sandbox_asks_the_login_server_of_sandboxes(host: str, server: str) -> None:
    def token_of(asked: Asked) -> Answer:
        assertion = dict(part.split("=") for part in asked.body.decode().split("&"))["assertion"]
        seen.append(jwt.decode(assertion, options={"verify_signature": False})["aud"])
        return Answer({"access_token": "token-1"})

    seen: list[str] = []
    with scripted({"POST /token": [token_of]}) as system, Session() as session:
        connection = Connection("salesforce", host, login="app", password=Secret(KEY))
        sign = jwt_bearer(lambda _: f"{system.url}/token", audience=login_server)(connection, session)
        assert sign is not None
        sign(Request("GET", host).prepare())
    assert seen == [server]


def test_an_org_without_country_picklists_is_not_asked_for_codes() -> None:
    with scripted({**TOKEN, f"GET {DATA}/queryAll": [Answer({"totalSize": 0, "done": True, "records": []})]}) as system:
        assert list(fetch_contacts(org(system, country_codes="no"), FRIDAY.window)) == []
        (asked,) = system.asked_at(f"GET {DATA}/queryAll")
    assert "MailingPostalCode" in asked.target and "CountryCode" not in asked.target
