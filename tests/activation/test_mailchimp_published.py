"""Our calls to Mailchimp, and the simulator's answers, against Mailchimp's published description of its API.

The description (specification 3.0.90, mailchimp/mailchimp-client-lib-codegen) is not part of this repository: it lies in a
package under the MIT licence that `requirements-no-deps.txt` names. It is Swagger 2.0 with OpenAPI 3 bodies, which
`openapi-core` does not read; its schemas are JSON schemas.
"""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from activation.platform import PlatformDesk
from activation.stands import MAILCHIMP
from activation.town import FRIDAY, Town
from audience.activation.destination import Calls, Platform
from audience.activation.destinations.mailchimp import Mailchimp, _Audience
from audience.activation.push import activate
from audience.activation.wire import Wire, trusted
from audience.core.turns import OwnTurns
from audience.core.warehouse import Warehouse
from key import KEY

PACKAGE = "arcade_mailchimp_marketing_api"

Exchange = tuple[str, str, Any, httpx.Response]
"""Method, path below /3.0, body, answer."""


class Watched(Mailchimp):
    """Mailchimp through a transport that keeps what was asked and answered."""

    def __init__(self, town: Town) -> None:
        super().__init__(town.connection)
        self.seen: list[Exchange] = []

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        with httpx.Client() as through, httpx.Client(
            base_url=self._connection.url, auth=("audience", self._connection.password.reveal()),
            transport=httpx.MockTransport(lambda request: self._passed_on(through, request)),
        ) as client:  # fmt: skip
            wire = Wire(self.name, client, calls, per_second=self.per_second, turns=OwnTurns())
            yield _Audience(wire, wire, "/lists/b4baa94655")

    def _passed_on(self, through: httpx.Client, request: httpx.Request) -> httpx.Response:
        passed_on = through.build_request(request.method, request.url, headers=request.headers, content=request.content)
        answer = through.send(passed_on)
        body = json.loads(request.content) if request.content else None
        if "/3.0/" in request.url.path:
            self.seen.append((request.method, request.url.path.partition("/3.0")[2], body, answer))
        kept = {"content-type": answer.headers["content-type"]} if answer.content else {}
        return httpx.Response(answer.status_code, headers=kept, content=answer.content)


@pytest.fixture(scope="module")
def spec() -> Mapping[str, Any]:
    """Of the package one file is read; it is never imported."""
    package = importlib.util.find_spec(PACKAGE)
    assert package is not None and package.origin is not None, f"{PACKAGE} is not installed: make setup"
    file = Path(package.origin).parent / "moar" / "openapi.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def seen(warehouse: Warehouse, platform_url: str) -> Iterator[list[Exchange]]:
    """Everything that two pushes ask and are answered: a first one, and one with a change, a leaver and an opt-out."""
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client, "mailchimp", "audience/")
        desk.reset()
        town = Town(warehouse, desk.url, MAILCHIMP)
        town.people("ana", "bob", "cam")
        town.segment("vip", ["ana", "bob", "cam"])
        watched = Watched(town)
        for _ in range(2):
            activate(watched, warehouse=warehouse, key=KEY, as_of=FRIDAY, holder="run-1", sleep=lambda _: None)
            desk.block("bob")
            town.segment("vip", ["ana", "bob"])
            town.rename("ana", "Anaïs")
        yield watched.seen


def operation_of(spec: Mapping[str, Any], method: str, path: str) -> Mapping[str, Any]:
    """The operation that the description has for a call."""
    for template, operations in spec["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) and method.lower() in operations:
            found: Mapping[str, Any] = operations[method.lower()]
            return found
    raise AssertionError(f"{method} {path}: not in Mailchimp's description")


def problems(spec: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> list[str]:
    shared = {name: spec.get(name, {}) for name in ("definitions", "components")}
    checker = jsonschema.Draft4Validator({**schema, **shared})
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in checker.iter_errors(value)]


def body_schema(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = next(iter(operation["requestBody"]["content"].values()))["schema"]
    return schema


def test_every_body_that_we_send_is_as_described(spec: Mapping[str, Any], seen: list[Exchange]) -> None:
    sent = [(method, path, body) for method, path, body, _ in seen if body is not None]
    sent += [
        (one["method"], one["path"], json.loads(one["body"]))
        for _, path, body, _ in seen if path == "/batches" and body for one in body["operations"]
    ]  # fmt: skip
    assert {method for method, _, _ in sent} == {"POST", "PUT"}
    for method, path, body in sent:
        assert problems(spec, body_schema(operation_of(spec, method, path)), body) == [], f"{method} {path}"


def test_every_answer_of_the_simulator_is_as_described(spec: Mapping[str, Any], seen: list[Exchange]) -> None:
    assert len({path for _, path, _, _ in seen}) >= 8
    for method, path, _, answer in seen:
        described = operation_of(spec, method, path)["responses"][str(answer.status_code)]
        assert problems(spec, described["schema"], answer.json()) == [], f"{method} {path}"
