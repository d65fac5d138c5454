"""A push in a process of its own, that dies or freezes by signal at its n-th call: `python -m activation.victim`."""

import json
import os
import signal
import subprocess
import sys
from itertools import count

from activation.stands import STANDS, Stand
from activation.town import Town
from audience.core.errors import LeaseLost
from audience.core.warehouse import Warehouse

STOPPED_BY_LEASE = 3


def start(town: Town, platform_url: str, how: signal.Signals, step: int) -> "subprocess.Popen[bytes]":
    """Starts a push of the town under the name `victim` that sends itself a signal at its n-th call."""
    url = town.warehouse.engine.url.render_as_string(hide_password=False)
    told = {"warehouse": url, "platform": platform_url, "stand": town.stand.name, "signal": int(how), "step": step}
    environment = os.environ | {"VICTIM": json.dumps(told), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-m", "activation.victim"], env=environment)


def main() -> int:
    told = json.loads(os.environ["VICTIM"])
    stand: Stand = next(s for s in STANDS if s.name == told["stand"])
    steps = count()

    def at_call(call: str) -> None:
        if not call.startswith("before GET") and next(steps) == told["step"]:
            os.kill(os.getpid(), told["signal"])

    warehouse = Warehouse(told["warehouse"])
    try:
        Town(warehouse, told["platform"], stand).push(holder="victim", at_call=at_call, approved=True)
    except LeaseLost:
        return STOPPED_BY_LEASE
    finally:
        warehouse.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
