"""`python -m bench --people 100000 --only features,rules`: ratios against the plain query that does the same."""

import argparse
import importlib
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.grown import grow_once
from bench.inputs import make_inputs, make_people
from bench.measure import Step, run
from bench.place import Place
from bench.table import as_markdown, line_of

STEPS = (
    "fetch", "sql", "publish", "features", "impute", "rules", "identity", "diff", "load", "claims", "erasure", "push", "paced",
    "gate",
)  # fmt: skip

OF_THEIR_OWN = {"fetch", "sql", "publish", "diff", "claims", "erasure", "paced", "gate"}
"""Steps that make their data themselves: for the others a town is grown, which takes longer than they do."""

CHECKS = ("faults",)
"""What is no matter of time: `bench.faults`."""


def bench(place: Place, only: Sequence[str] = STEPS) -> list[Step]:
    """Measures the steps, in this order.

    Raises:
        AnswersDiffer: ours and the limit do not agree; nothing else is measured then.
    """
    for make in (grow_once, make_inputs, make_people) if set(only) - OF_THEIR_OWN else ():
        run(make, place)
    found = []
    for name in only:
        measure = getattr(importlib.import_module(f"bench.{name}"), f"measure_{name}")
        _say(f"{name} ...")
        steps = measure(place)
        for step in steps if isinstance(steps, list) else [steps]:
            _say("  " + " | ".join(line_of(step)))
            found.append(step)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    from audience.core.warehouse.embedded import embedded_postgres, stop_embedded_postgres

    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000, help="buyers; 15 %% prospects come on top")
    parser.add_argument("--events", type=int, help="orders and e-mail events (default: about 70 per buyer, as real)")
    parser.add_argument("--only", default=",".join((*STEPS, *CHECKS)), help=f"of {', '.join((*STEPS, *CHECKS))}")
    parser.add_argument("--folder", type=Path, default=Path(".run/bench"), help="where data are kept between runs")
    parser.add_argument("--seeds", type=int, default=1, help="by how many seeds each corruption of `faults` is made")
    chosen = parser.parse_args(arguments)
    only = chosen.only.split(",")
    if unknown := sorted(set(only) - {*STEPS, *CHECKS}):
        parser.error(f"--only: no step {unknown[0]!r}, expected some of {', '.join((*STEPS, *CHECKS))}")
    folder = chosen.folder.absolute()
    began = time.monotonic()
    url = embedded_postgres(folder / "postgres", database="bench")
    try:
        place = Place(folder, chosen.people, chosen.events, url)
        steps = [name for name in only if name in STEPS]
        found = bench(place, steps) if steps else []
        checked = _checked(place, chosen.seeds) if set(only) & set(CHECKS) else ""
    finally:
        stop_embedded_postgres(folder / "postgres")
    _say("")
    sys.stdout.write("\n\n".join(part for part in (as_markdown(found) if found else "", checked) if part) + "\n")
    load = os.getloadavg()[0]
    _say(
        f"\nPython {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}, {time.monotonic() - began:.0f} s"
    )
    return 0


def _checked(place: Place, seeds: int) -> str:
    from bench.faults import report_faults

    _say("faults ...")
    return report_faults(place, seeds)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
