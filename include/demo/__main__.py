"""`python -m demo [--exit]`: see the package's docstring. `--exit` ends everything and says by its code if it agreed."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import httpx
from rich.console import Console

from demo.airflow_api import ANSWER_SECONDS
from demo.place import DemoProblem, Place
from demo.progress import Progress
from demo.result import read_result, show, show_times
from demo.running import Running, running

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description="From source systems to the e-mail platform, once.")
    parser.add_argument("--exit", action="store_true", help="stop everything at the end; 0 only if the lists agree")
    leave = parser.parse_args().exit
    console = Console()
    # A plain kill ends the programs the demo started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(console, leave=leave)
    except DemoProblem as problem:
        console.print(f"[red]The demo stopped.[/red] {problem}", highlight=False, soft_wrap=True)
        return 2
    except httpx.TransportError as error:
        console.print(f"[red]The demo stopped.[/red] No answer within {ANSWER_SECONDS} s: {error!r}", highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("stopped")
        return 130


def run(console: Console, *, leave: bool) -> int:
    """Starts everything, tells the story, shows the result. Returns 0 when platform and segment tables agree."""
    place = Place.at(REPOSITORY / ".run" / "demo", REPOSITORY, dict(os.environ))
    progress = Progress(console)
    with running(place, progress) as up:
        with progress.shown():
            up.story.tell(up.earliest.date())
            progress.chapter("comparing the platform's lists with the segment tables")
            result = read_result(up.house, place)
        show(console, result, place)
        show_times(console, progress.took())
        if not leave:
            stay(console, place, up)
        return 0 if result.agrees else 1


def stay(console: Console, place: Place, up: Running) -> None:
    """Leaves everything running until Ctrl-C."""
    console.print(
        f"\nAirflow: [bold]{place.airflow_url}[/bold]  user [bold]admin[/bold]"
        f"  password [bold]{place.kept['password']}[/bold]  (Ctrl-C stops everything)",
        highlight=False,
    )
    try:
        while True:
            up.processes.check()
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("stopping")


if __name__ == "__main__":
    sys.exit(main())
