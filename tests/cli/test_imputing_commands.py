"""What can be guessed, and how well, is measured on the people of a day."""

from pathlib import Path

from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import FEATURES
from cli.conftest import Command
from rows import rows_of

DAY = Partition.parse("2026-11-20")
ZEROS = {c.name: 0 for c in FEATURES.columns if c.required} | {"is_customer": False}


def test_every_strategy_is_measured_and_one_is_proposed(audience: Command, stores: Path, duck: Backend) -> None:
    people = [ZEROS | {"person_id": f"p{n:03}", "kids": "02"[n % 2]} for n in range(60)]
    Lake.at(stores).write(duck, FEATURES, DAY, rows_of(FEATURES, people))
    ended = audience("impute", "compare")
    assert ended.code == 0, ended.err
    lines = [line.split() for line in ended.out.splitlines()[2:]]
    assert {line[1] for line in lines} == {"median", "mean", "most_frequent", "iterative", "knn"}
    assert [line[0] for line in lines if "proposed" in " ".join(line)] == ["kids"]


def test_a_group_that_is_no_column_is_refused_by_name(audience: Command, stores: Path, duck: Backend) -> None:
    Lake.at(stores).write(duck, FEATURES, DAY, rows_of(FEATURES, [ZEROS | {"person_id": "p"}]))
    ended = audience("impute", "compare", "--by", "genderr")
    assert (ended.code, "no column 'genderr'; did you mean 'gender'?" in ended.err) == (1, True)


def test_without_features_there_is_nothing_to_measure(audience: Command, stores: Path) -> None:
    ended = audience("impute", "compare")
    assert (ended.code, ended.err) == (1, "features: no partition is published, expected one: audience refresh\n")
