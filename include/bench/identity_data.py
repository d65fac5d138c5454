"""People whose truth is known: public files where they are, and invented contacts of any size."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from audience.identity.fuzzy import PEOPLE, Block, Rules
from bench.crowd import crowd
from bench.place import Place

FOLDER = "AUDIENCE_BENCH_IDENTITY"
"""Environment variable: the folder of febrl_dataset3.csv, fake_1000.csv and fake_20000.csv. They are not in the repository."""

FIVE = ("first_name", "last_name"), ("birth_date", "last_name"), ("birth_date", "first_name"), ("postal_code", "last_name"), ("email",)  # fmt: skip  # noqa: E501
"""The blocks of both ways for invented contacts."""


@dataclass(frozen=True)
class Dataset:
    """One file of people.

    Args:
        truth: as `--truth` takes it.
        tutorial: which of splink's settings are used for it.
        rules: ours.
    """

    name: str
    path: Path
    truth: str
    tutorial: str
    rules: Rules = field(default=PEOPLE)


def datasets(place: Place) -> list[Dataset]:
    """What there is; what is missing is said."""
    found = []
    folder = os.environ.get(FOLDER)
    if folder is None:
        sys.stderr.write(f"  {FOLDER} is not set: febrl3, fake_1000 and fake_20000 are skipped\n")
    else:
        files = [
            Dataset("febrl3", Path(folder, "febrl_dataset3.csv"), r"rec_id:rec-(\d+)-", "febrl3"),
            Dataset("fake_1000", Path(folder, "fake_1000.csv"), "cluster", "fake_1000"),
            Dataset("fake_20000", Path(folder, "fake_20000.csv"), "group", "fake_1000"),
        ]
        found += [one for one in files if one.path.is_file()]
        for one in files:
            if one not in found:
                sys.stderr.write(f"  {one.path}: no such file, skipped\n")
    records = max(place.people, 2_000)
    blocks = tuple(Block(on, most_records=10**9) for on in FIVE)
    five = Rules(blocks=blocks, comparisons=PEOPLE.comparisons)
    path = crowd(place, records)
    found.append(Dataset(f"invented {records:,}, 5 blocks", path, "person", "crowd", five))
    found.append(Dataset(f"invented {records:,}, all blocks", path, "person", "crowd"))
    return found
