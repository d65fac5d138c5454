"""`python -m sandbox --port 8181 --state DIR`: a demo shop, CRM and e-mail platform on 127.0.0.1."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from datetime import date
from pathlib import Path

from sandbox.world.build import world_folder
from sandbox.world.options import WorldOptions, yesterday

HOST = "127.0.0.1"


def main() -> int:
    """0 after SIGTERM or Ctrl-C; 2 when the port is taken or an option makes no sense."""
    chosen = _options()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, chosen.port))
    except OSError as problem:
        print(
            f"sandbox: cannot listen on {HOST}:{chosen.port}: {problem.strerror}; choose another --port",
            file=sys.stderr,
        )
        return 2
    options = WorldOptions(chosen.until, chosen.seed, chosen.people)
    world = world_folder(options, chosen.state)

    import uvicorn

    from sandbox.server.app import sandbox_app

    app = sandbox_app(world=world, state=chosen.state, cast=options.cast)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)  # uvicorn stops on them, then raises them again for us
    listener.listen()  # whoever reads the line may connect at once
    print(f"sandbox: http://{HOST}:{listener.getsockname()[1]} serves {options.key} from {chosen.state}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8181, help="on 127.0.0.1; 0 lets the system choose")
    parser.add_argument(
        "--state", type=Path, required=True, help="folder of the built worlds and of the platform's memory"
    )
    parser.add_argument(
        "--until", type=date.fromisoformat, default=yesterday(), help="last day of data (default: yesterday, UTC)"
    )
    parser.add_argument("--seed", type=int, default=7, help="of everything that is invented")
    parser.add_argument("--people", type=int, help="buyers; default: one per real household")
    chosen = parser.parse_args()
    if chosen.people is not None and chosen.people < 1:
        parser.error(f"--people: expected at least 1, found {chosen.people}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
