"""A source and a destination of one platform call one account: together they keep its rate."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

from activation.platform import PlatformDesk
from activation.town import FRIDAY, Town
from audience.core.turns import SharedTurns
from audience.sources.brevo import SOURCE, fetch_contacts

PER_SECOND = 10

PUSHER = """
import os
from dataclasses import replace
from activation.town import Town
from audience.core.turns import SharedTurns
from audience.core.warehouse import Warehouse
import time

town = Town(Warehouse(os.environ["WAREHOUSE"]), os.environ["PLATFORM"])
extra = {"requests_per_second": int(os.environ["PER_SECOND"])}
town.connection = replace(town.connection, extra=extra, turns=SharedTurns(town.warehouse.engine, "brevo"))
print(flush=True)
town.push(sleep=time.sleep)
"""


def test_a_source_and_its_destination_in_two_processes_keep_the_rate_of_their_account(
    town: Town, desk: PlatformDesk
) -> None:
    town.people("ana", "bob", "cam")
    for segment in ("vip", "new", "old"):
        town.segment(segment, ["ana", "bob", "cam"])
    desk.limits(brevo={"contacts_per_second": PER_SECOND, "others_per_hour": 100_000})
    turns = SharedTurns(town.warehouse.engine, "brevo")
    connection = replace(
        town.connection, url=f"{desk.url}/brevo/v3", extra={"requests_per_second": PER_SECOND}, turns=turns
    )
    api = SOURCE.system.open(connection)
    pushing = _pushes(town, desk)
    read = 0
    while pushing() or read == 0:
        list(fetch_contacts(api, FRIDAY.window))
        read += 1

    found = desk.journal()["apps"]["brevo"]
    pushed = found["requests"] - read
    assert read > 10 and pushed > 10, found["calls"]
    assert found["largest_per_second"] <= PER_SECOND and found["refused_over_limit"] == 0
    assert desk.lists()["vip"] == {"ana", "bob", "cam"}


def _pushes(town: Town, desk: PlatformDesk) -> Callable[[], bool]:
    """Starts a push in another process. Returns whether it is still at it."""
    url = town.warehouse.engine.url.render_as_string(hide_password=False)
    told = {
        "WAREHOUSE": url,
        "PLATFORM": desk.url,
        "PER_SECOND": str(PER_SECOND),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    process = subprocess.Popen([sys.executable, "-c", PUSHER], env=os.environ | told, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()

    def is_at_it() -> bool:
        if (ended := process.poll()) is not None:
            assert ended == 0
        return ended is None

    return is_at_it
