"""The page *Erasure*: an address goes in, a number comes out, and the address is nowhere."""

import logging
import re
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa

from audience.core.masked import Personal, PseudonymKey
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import ContactPoint, ErasureRequest
from audience.privacy.contact_keys import contact_keys
from key import KEY
from plugins.test_pages import get, post, words

ZOE = "zoe@mailbox.example"

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow and its libraries, when they are first imported


class Officer:
    def get_name(self) -> str:
        return "dpo"


class Pages:
    """The application for somebody, and what it started."""

    def __init__(self, module: ModuleType, *, refused: bool = False, is_down: bool = False) -> None:
        from airflow.api_fastapi.core_api.security import get_user
        from fastapi import HTTPException

        def may_erase() -> None:
            if refused:
                raise HTTPException(403)

        def start(number: str, by: str) -> None:
            if is_down:
                raise RuntimeError("no DAG")
            self.started.append((number, by))

        self.started: list[tuple[str, str]] = []
        self.app = module.application(may_erase=may_erase, start=start)
        self.app.dependency_overrides[get_user] = Officer

    def post(self, place: str, **form: str) -> httpx.Response:
        return post(self.app, f"/erasure/{place}", urlencode(form))

    def look(self, address: str) -> tuple[str, str]:
        """What is found, in words, and the mark of it."""
        answer = self.post("found", address=address)
        mark = re.search(r'name="mark" value="([0-9a-f]+)"', answer.text)
        return words(answer.text), mark[1] if mark else ""


@pytest.fixture(scope="module")
def module() -> ModuleType:
    from audience.orchestration import pages

    return pages


@pytest.fixture(autouse=True)
def stores(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Zoe has two addresses."""
    key = PseudonymKey(KEY.reveal())
    for name, value in {
        "AUDIENCE_WAREHOUSE_URL": warehouse.engine.url.render_as_string(hide_password=False),
        "AUDIENCE_PSEUDONYM_KEY": KEY.reveal(),
        "AUDIENCE_LAKE_URL": str(tmp_path / "lake"),
    }.items():
        monkeypatch.setenv(name, value)
    with warehouse.vault.begin() as connection:
        for address in (ZOE, "zoe.too@mailbox.example"):
            (contact_key,) = contact_keys([Personal(address)], key)
            point = {"contact_key": contact_key, "person_id": "p-zoe", "email": address, "is_primary": address == ZOE,
                     "as_of": "2026-11-20"}  # fmt: skip
            connection.execute(sa.insert(ContactPoint).values(point))
    return warehouse


def noted(warehouse: Warehouse) -> list[tuple[str, str, int]]:
    with warehouse.begin() as connection:
        rows = connection.execute(
            sa.select(ErasureRequest.request_id, ErasureRequest.requested_by, ErasureRequest.addresses)
        )
        return [(r.request_id, r.requested_by, r.addresses) for r in rows]


def test_an_address_is_looked_up_confirmed_noted_and_erased_by_the_dag(module: ModuleType, stores: Warehouse) -> None:
    pages = Pages(module)
    found, mark = pages.look(ZOE)
    assert "leads to 1 person. Addresses: 2 ; records of sources: 0 ; orders: 0" in found and noted(stores) == []

    answer = pages.post("requests", address=ZOE, mark=mark)
    ((number, by, addresses),) = noted(stores)
    assert (by, addresses, pages.started) == ("dpo", 2, [(number, "dpo")])
    assert (answer.status_code, answer.headers["location"]) == (303, f"/audience/erasure#{number}")
    assert f"{number} they asked dpo" in words(get(pages.app, "/erasure").text)


def test_the_address_is_in_no_answer_and_in_no_log(
    module: ModuleType, stores: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pages = Pages(module, is_down=True)
    answers = [pages.post("found", address=ZOE), pages.post("found", address="zoe at mailbox")]
    answers.append(pages.post("requests", address=ZOE, mark=pages.look(ZOE)[1]))
    answers.append(get(pages.app, "/erasure"))
    told = caplog.text + "".join(f"{a.headers}{a.text}" for a in answers)
    assert "found a text that is no e-mail address" in told
    assert [word for word in ("zoe@", "zoe at", "p-zoe") if word in told.lower()] == []


def test_what_was_not_shown_is_not_confirmed(module: ModuleType, stores: Warehouse) -> None:
    """Somebody else's site can send a form, but nobody knows the mark; and an address typed wrong is somebody else."""
    pages = Pages(module)
    _, mark = pages.look(ZOE)
    for form in (
        {"address": ZOE},
        {"address": ZOE, "mark": "é" * 32},
        {"address": "bob@mailbox.example", "mark": mark},
    ):
        assert "nothing was noted" in pages.post("requests", **form).text
    assert "expected one" in pages.post("requests", address=ZOE, mark=mark, more="x" * 5000).text
    assert noted(stores) == [] and pages.started == []


def test_a_request_holds_although_the_dag_cannot_be_started(module: ModuleType, stores: Warehouse) -> None:
    pages = Pages(module, is_down=True)
    assert pages.post("requests", address=ZOE, mark=pages.look(ZOE)[1]).status_code == 303
    assert len(noted(stores)) == 1 and "not yet" in words(get(pages.app, "/erasure").text)


def test_who_may_not_start_the_dag_neither_looks_nor_notes(module: ModuleType) -> None:
    pages = Pages(module, refused=True)
    answers = [get(pages.app, "/erasure"), pages.post("found", address=ZOE), pages.post("requests", address=ZOE)]
    assert [answer.status_code for answer in answers] == [403] * 3
