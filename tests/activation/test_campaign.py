"""The fault campaign in small: after whatever broke, the platform is as desired and nobody was told of without consent."""

from collections.abc import Iterator

import httpx
import pytest

from activation.campaign import Campaign, as_table
from activation.platform import PlatformDesk
from activation.stands import STANDS, Stand
from activation.town import Town
from audience.core.warehouse import Warehouse

TURNS = 6


@pytest.fixture(params=STANDS, ids=lambda stand: stand.name)
def campaign(request: pytest.FixtureRequest, warehouse: Warehouse, platform_url: str) -> Iterator[Campaign]:
    stand: Stand = request.param
    with httpx.Client(base_url=f"{platform_url}/_control", timeout=30) as client:
        desk = PlatformDesk(platform_url, client, stand.name, stand.segment_prefix)
        desk.reset()
        yield Campaign(Town(warehouse, platform_url, stand), desk, seed=11)


def test_no_fault_ends_in_a_wrong_state_or_in_one_call_without_consent(campaign: Campaign) -> None:
    campaign.run(TURNS)
    assert campaign.violations == []
    assert campaign.injections.total() == TURNS
    assert as_table([campaign]).endswith("| **violations** | 0 |")
