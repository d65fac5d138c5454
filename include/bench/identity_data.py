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

SIZES = "AUDIENCE_BENCH_CONTACTS"
"""Environment variable: how many invented contacts, such as `100000,1000000`; as many as buyers where it is not set."""

SPLINK_UP_TO = 1_000_000
"""More contacts than 4 GB hold for splink on one machine."""

FIVE = ("first_name", "last_name"), ("birth_date", "last_name"), ("birth_date", "first_name"), ("postal_code", "last_name"), ("email",)  # fmt: skip  # noqa: E501
"""The blocks of both ways for invented contacts."""


@dataclass(frozen=True)
class Dataset:
    """One file of people.

    Args:
        truth: as `--truth` takes it.
        tutorial: which of splink's settings are used for it.
        rules: ours.
        beside_splink: whether splink is measured, too.
    """

    name: str
    path: Path
    truth: str
    tutorial: str
    rules: Rules = field(default=PEOPLE)
    beside_splink: bool = True


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
    grown = place.data / "grown" / "contacts.parquet"
    found.append(Dataset("sandbox", grown, "person", "sandbox"))
    blocks = tuple(Block(on, most_records=10**9) for on in FIVE)
    five = Rules(blocks=blocks, comparisons=PEOPLE.comparisons)
    for records in map(int, os.environ.get(SIZES, f"{max(place.people, 2_000)}").split(",")):
        path, few = crowd(place, records), records <= SPLINK_UP_TO
        found.append(Dataset(f"invented {records:,}, 5 blocks", path, "person", "crowd", five, few))
        found.append(Dataset(f"invented {records:,}, all blocks", path, "person", "crowd", beside_splink=few))
    return found
