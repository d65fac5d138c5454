"""Matching a file that somebody brings."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

import pytest
from ibis.backends.duckdb import Backend
from typer.testing import CliRunner

from audience.cli import application
from audience.core.engine import engine
from audience.core.errors import DeclarationError
from audience.identity.match_file import match_file

FIRST = ("Anne", "Bruno", "Chloé", "Driss", "Émile", "Farah", "Gaston", "Hélène", "Ivan", "Jeanne", "Karim", "Louise")
LAST = ("Aubert", "Bonnet", "Carlier", "Delmas", "Étienne", "Fabre", "Garnier", "Hamel", "Imbert", "Jourdan", "Klein")


@pytest.fixture
def session() -> Iterator[Backend]:
    with engine() as opened:
        yield opened


def town(people: int = 300) -> list[dict[str, str]]:
    """Invented people; every tenth is there twice, the second time with a typing error."""
    draw = Random(1)
    rows = [
        {
            "id": f"{i}",
            "prenom": draw.choice(FIRST),
            "nom": draw.choice(LAST) + draw.choice(LAST).lower(),
            "date_de_naissance": f"{draw.randint(1, 28):02}/{draw.randint(1, 12):02}/{draw.randint(1940, 2000)}",
            "ville": f"Ville{draw.randint(10, 60)}",
            "who": f"{i}",
        }
        for i in range(people)
    ]
    return rows + [row | {"id": f"{row['id']}-again", "nom": f"{row['nom']}e"} for row in rows[::10]]


def written(path: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    listed = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def test_a_file_is_matched_and_measured_by_its_truth(tmp_path: Path) -> None:
    people = written(tmp_path / "people.csv", town())
    out = tmp_path / "clusters.csv"

    told = CliRunner().invoke(
        application(), ["identity", "match", str(people), "--truth", "who", "--out", str(out)], catch_exceptions=False
    )

    assert "birth_date: date_de_naissance" in told.stdout
    assert "whole clusters" in told.stdout and "1.0000" in told.stdout
    with out.open(newline="") as file:
        clusters = {row["record_key"]: row["cluster"] for row in csv.DictReader(file)}
    assert len(clusters) == 330
    assert clusters["20"] == clusters["20-again"] == "20"
    assert "Aubert" not in told.stdout + out.read_text()


def test_columns_with_other_names_are_named(session: Backend, tmp_path: Path) -> None:
    rows = [{"c1" if k == "prenom" else k: v for k, v in row.items()} for row in town()]
    people = written(tmp_path / "people.csv", rows)

    found = match_file(session, people, tmp_path / "out.csv", mapped={"c1": "first_name"}, truth="who")

    assert found.columns["first_name"] == ("c1",)
    assert found.scores["pairs in clusters"].f1 == 1.0


def test_a_part_of_a_column_can_be_the_truth(session: Backend, tmp_path: Path) -> None:
    people = written(tmp_path / "people.csv", town())

    found = match_file(session, people, tmp_path / "out.csv", truth=r"id:^(\d+)")

    assert found.scores["pairs in clusters"].expected == 30


def test_what_says_nothing_is_counted(session: Backend, tmp_path: Path) -> None:
    rows = [*town(), *(town(1)[0] | {"id": f"x{i}", "prenom": "N/A", "nom": "test"} for i in range(4))]

    found = match_file(session, written(tmp_path / "people.csv", rows), tmp_path / "out.csv")

    assert found.nothing_told == {"first_name": 4, "last_name": 4}


def test_what_everybody_shares_joins_nobody_and_is_set_aside(session: Backend, tmp_path: Path) -> None:
    shared = {"email": "info@firm.example", "tel": "0102030405", "rue": "1 rue du Bac"}

    found = match_file(
        session, written(tmp_path / "people.csv", [row | shared for row in town()]), tmp_path / "out.csv", truth="who"
    )

    assert found.scores["pairs in clusters"].f1 == 1.0
    aside = {block.block: block.records_set_aside for block in found.blocks}
    assert aside["email"] == aside["phone"] == 330


@pytest.mark.parametrize(
    ("mapped", "truth", "message"),
    [
        ({"prenon": "first_name"}, None, "no column 'prenon'; did you mean 'prenom'?"),
        ({"prenom": "firstname"}, None, "no role 'firstname'; did you mean 'first_name'?"),
        ({"who": "record_key", "id": "city"}, None, "found 300 different keys in 330 rows"),
        ({}, "truth", "--truth truth: no column 'truth'"),
        ({}, "who:[0-9", "found no regular expression"),
        ({}, "who:[0-9]", "found no group in the pattern"),
    ],
    ids=["column", "role", "keys", "truth", "pattern", "group"],
)
def test_what_is_wrong_is_told_with_its_place(
    session: Backend, tmp_path: Path, mapped: dict[str, str], truth: str | None, message: str
) -> None:
    people = written(tmp_path / "people.csv", town())

    with pytest.raises(DeclarationError) as told:
        match_file(session, people, tmp_path / "out.csv", mapped=mapped, truth=truth)

    assert message in str(told.value)
    assert "people.csv" in str(told.value)


def test_files_that_cannot_be_matched_say_why(session: Backend, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("first_name,last_name\n")
    (tmp_path / "other.csv").write_text("colour,size\nred,3\n")

    with pytest.raises(DeclarationError, match=r"none\.csv: no such file"):
        match_file(session, tmp_path / "none.csv", tmp_path / "out.csv")
    with pytest.raises(DeclarationError, match=r"empty\.csv: found no rows"):
        match_file(session, tmp_path / "empty.csv", tmp_path / "out.csv")
    with pytest.raises(DeclarationError, match=r"other\.csv: columns: recognised none of colour, size"):
        match_file(session, tmp_path / "other.csv", tmp_path / "out.csv")
