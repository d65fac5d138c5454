"""A platform that remembers everything it was told, and a small shop with people, segments and consent."""

from collections.abc import Iterator

import httpx
import pytest

from activation.platform import PlatformDesk
from activation.town import Town
from audience.activation.wire import trusted
from audience.core.warehouse import Warehouse
from sandbox_process import start_sandbox


@pytest.fixture(scope="session")
def platform_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One sandbox server for all tests, with few people."""
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"), people=50)
    yield running.url
    running.stop()


@pytest.fixture
def desk(platform_url: str) -> Iterator[PlatformDesk]:
    """The platform in its first state, without rate limits, faults or delays."""
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=10, verify=trusted()) as client:
        desk = PlatformDesk(platform_url, client)
        desk.reset()
        yield desk


@pytest.fixture
def town(warehouse: Warehouse, desk: PlatformDesk) -> Town:
    return Town(warehouse, desk.url)
