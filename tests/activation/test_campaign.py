"""The fault campaign in small: after whatever broke, the platform is as desired and nobody was told of without consent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.campaign import Campaign, as_table
from activation.stands import STANDS, Stand
from activation.town import Town
from audience.core.warehouse import Warehouse

TURNS = 6
TURNS_OF_FOLDERS = 3
"""A turn there is many files that are written, fetched and compared."""


@pytest.fixture(params=STANDS, ids=lambda stand: stand.name)
def campaign(
    request: pytest.FixtureRequest, warehouse: Warehouse, platform_url: str, tmp_path: Path
) -> Iterator[Campaign]:
    stand: Stand = request.param
    with stand.desk(platform_url, tmp_path) as desk:
        yield Campaign(Town(warehouse, desk.url, stand), desk, seed=11)


def test_no_fault_ends_in_a_wrong_state_or_in_one_call_without_consent(campaign: Campaign) -> None:
    turns = TURNS_OF_FOLDERS if campaign.town.stand.opened else TURNS
    campaign.run(turns)
    assert campaign.violations == []
    assert campaign.injections.total() == turns
    assert as_table([campaign]).endswith("| **violations** | 0 |")
