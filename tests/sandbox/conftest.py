"""One started sandbox for a whole test session, and clients that hold its keys."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sandbox_process import Sandbox, start_sandbox

PLATFORMS = ("brevo", "mailchimp", "hubspot", "marketing_cloud")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """The control desk; afterwards the sandbox is as it was: no faults, default limits, initial platform."""
    with sandbox.client("/_control") as client:
        client.post("/limits", json={"shop": None, **dict.fromkeys(PLATFORMS), "process_delay_seconds": 0})
        yield client
        client.delete("/faults")
        client.post("/limits", json={"shop": {}, **{name: {} for name in PLATFORMS}, "process_delay_seconds": 0.5})
        client.post("/reset", json=dict.fromkeys(PLATFORMS, True))


@pytest.fixture
def crm(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with sandbox.client("/crm", Authorization="Bearer sandbox-crm-token") as client:
        yield client


@pytest.fixture
def shop(sandbox: Sandbox, control: httpx.Client) -> Iterator[httpx.Client]:
    """The shop without its rate limit."""
    with sandbox.client("/shop", **{"X-Api-Key": "sandbox-shop-key"}) as client:
        yield client


@pytest.fixture
def inbox(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with sandbox.client("/brevo/inbox", Authorization="Bearer sandbox-inbox-token") as client:
        yield client


@pytest.fixture
def brevo(sandbox: Sandbox, control: httpx.Client) -> Iterator[httpx.Client]:
    """The e-mail platform without its rate limits, its imports done at once."""
    with sandbox.client("/brevo/v3", **{"api-key": "sandbox-brevo-key"}) as client:
        yield client


@pytest.fixture
def mailchimp(sandbox: Sandbox, control: httpx.Client) -> Iterator[httpx.Client]:
    """The one audience of the Mailchimp account, its batches done at once."""
    with sandbox.client("/mailchimp/3.0", Authorization="Bearer sandbox-mailchimp-key-us0") as client:
        yield client


@pytest.fixture
def hubspot(sandbox: Sandbox, control: httpx.Client) -> Iterator[httpx.Client]:
    """The HubSpot account without its rate limits."""
    with sandbox.client("/hubspot", Authorization="Bearer sandbox-hubspot-token") as client:
        yield client
