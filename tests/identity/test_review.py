"""The review queue: what is asked, a file that is safe to open, answers that are remembered or refused with their line."""

import csv
import stat
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend

from audience.core.errors import DeclarationError
from audience.core.lake import Lake
from audience.core.tables import MATCH_PAIR
from audience.core.trust import Trust
from audience.core.warehouse import Warehouse
from audience.identity.clusters import Decisions
from audience.identity.decisions import Decision, decisions_of, remember
from audience.identity.identify import Identified, Identity
from audience.identity.review import check_consistent, check_known, export, queue, read_decisions
from identity.test_resolve import KEY, House, a_contact
from rows import FRIDAY

TRUSTED = {"crm": Trust(verifies=("birth_date",))}
IN_84, IN_91 = date(1984, 2, 29), date(1991, 7, 1)


@pytest.fixture
def house(lake: Lake, duck: Backend, warehouse: Warehouse) -> House:
    """Two records with one address and two birth dates, and one that resembles the first."""
    house = House(lake, duck, warehouse)
    house.land(
        "contact",
        a_contact("C-1", "ana@example.org", birth_date=IN_84, first_name='=HYPERLINK("x")', phone="+33639980123"),
        a_contact("C-2", "ana@example.org", birth_date=IN_91, first_name="Anaïs, la 2e"),
        a_contact("C-3", first_name="-Ana"),
    )
    return house


def found(house: House) -> Identified:
    return Identity(house.lake, house.duck, KEY, TRUSTED).of(FRIDAY, Decisions())


def similar(*pairs: tuple[str, str, float]) -> ibis.Table:
    rows = [
        {
            "left_key": a,
            "right_key": b,
            "match_weight": 1.0,
            "match_probability": p,
            "may_be_relative": False,
            "said": "{}",
        }
        for a, b, p in pairs
    ]
    return ibis.memtable(pa.Table.from_pylist(rows, schema=MATCH_PAIR.schema.to_pyarrow()))


def asked(house: House, decisions: Decisions = Decisions(), most: int = 10) -> list[tuple[Any, ...]]:  # noqa: B008 - frozen
    pairs = similar(("crm:C-1", "crm:C-3", 0.7), ("crm:C-2", "crm:C-3", 0.2))
    rows = queue(found(house), pairs, decisions, review=0.5, most=most)
    return [tuple(row.values()) for row in house.duck.to_pyarrow(rows).to_pylist()]


GIVEN_UP = ("crm:C-1", "crm:C-2", "email_key, but verified_birth_date", None)
RESEMBLES = ("crm:C-1", "crm:C-3", "similar", 0.7)


def test_what_was_given_up_and_what_resembles_is_asked(house: House) -> None:
    assert asked(house) == [GIVEN_UP, RESEMBLES]
    assert asked(house, most=1) == [GIVEN_UP]


def test_two_people_are_asked_about_once_by_their_likeliest_pair(house: House) -> None:
    house.land("contact", a_contact("S-1", "bo@example.org"), a_contact("S-2", "bo@example.org"), source="shop")
    pairs = similar(("crm:C-3", "shop:S-1", 0.6), ("crm:C-3", "shop:S-2", 0.8))
    rows = house.duck.to_pyarrow(queue(found(house), pairs, Decisions(), review=0.5, most=10)).to_pylist()
    assert [tuple(row.values()) for row in rows] == [GIVEN_UP, ("crm:C-3", "shop:S-2", "similar", 0.8)]


def test_what_was_decided_is_not_asked_again(house: House) -> None:
    assert asked(house, Decisions(different=(("crm:C-1", "crm:C-3"),))) == [GIVEN_UP]


def test_the_file_is_the_owners_and_runs_nothing(house: House, tmp_path: Path) -> None:
    out = tmp_path / "review.csv"
    of_day = found(house)
    pairs = queue(of_day, similar(("crm:C-1", "crm:C-3", 0.7)), Decisions(), review=0.5, most=10)
    assert export(house.duck, of_day, pairs, FRIDAY, out) == 2
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.glob("*review*")] == ["review.csv"]
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first, second = rows
    assert first["left_first_name"] == '\'=HYPERLINK("x")' and first["right_first_name"] == "Anaïs, la 2e"
    assert (first["left_phone_e164"], second["right_first_name"]) == ("'+33639980123", "'-Ana")
    assert (first["left_birth_date"], first["as_of"], first["decision"]) == ("1984-02-29", "2026-11-20", "")
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


# -- answers -----------------------------------------------------------------------------------------------------------


def a_file(folder: Path, *lines: str, header: str = "as_of,left_key,right_key,decision,why") -> Path:
    file = folder / "decisions.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8-sig")
    return file


def test_answers_are_read_and_rows_without_one_are_left_out(tmp_path: Path) -> None:
    file = a_file(tmp_path, "2026-11-20,crm:C-2,crm:C-1, Different ,twins", "2026-11-20,crm:C-1,crm:C-3,,")
    assert read_decisions(file) == [(2, Decision("crm:C-2", "crm:C-1", "different", FRIDAY.day, "twins"))]
    assert read_decisions(file, since=date(2026, 11, 1))[0][1].since == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("2026-11-20,crm:C-1,crm:C-2,maybe,", "line 2: decision: found 'maybe', expected same, different, undecided"),
        ("2026-11-20,crm:C-1,crm:C-1,same,", "line 2: found the records 'crm:C-1' and 'crm:C-1', expected two"),
        ("20.11.2026,crm:C-1,crm:C-2,same,", "found '20.11.2026', expected a UTC day"),
    ],
    ids=["answer", "one record", "day"],
)
def test_an_answer_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(Exception, match=problem):
        read_decisions(a_file(tmp_path, line))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="no column 'decision'; did you mean 'decisions'"):
        read_decisions(a_file(tmp_path, header="as_of,left_key,right_key,decisions"))


def test_a_record_that_the_day_does_not_know_is_refused(house: House, tmp_path: Path) -> None:
    house.people()
    with pytest.raises(DeclarationError, match="decisions.csv line 3: no record or address 'crm:C-9' on 2026-11-20"):
        lines = ["2026-11-20,crm:C-1,crm:C-3,same,", "2026-11-20,crm:C-1,crm:C-9,same,"]
        check_known(house.lake, house.duck, "decisions.csv", read_decisions(a_file(tmp_path, *lines)))


def decided(*answers: tuple[str, str, str]) -> list[tuple[int, Decision]]:
    return [(n, Decision(one, other, said, FRIDAY.day)) for n, (one, other, said) in enumerate(answers, start=2)]


def test_labels_that_contradict_each_other_over_others_are_refused_with_their_lines(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        remember(connection, [Decision("a", "b", "same", FRIDAY.day)], by="rita")
        with pytest.raises(
            DeclarationError, match=r"a and c are different by line 3, and the same by a decision of .*, line 2"
        ):
            check_consistent(connection, "d.csv", decided(("b", "c", "same"), ("c", "a", "different")))
        check_consistent(
            connection, "d.csv", decided(("b", "c", "same"), ("a", "b", "different"), ("a", "c", "different"))
        )


def test_two_answers_about_one_pair_are_refused(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        with pytest.raises(DeclarationError, match=r"line 3: a and b are 'different' here and 'same' in line 2"):
            check_consistent(connection, "d.csv", decided(("a", "b", "same"), ("b", "a", "different")))


def test_decisions_are_remembered_once_and_count_from_their_day_on(warehouse: Warehouse) -> None:
    different = Decision("b", "a", "different", FRIDAY.day, "twins")
    with warehouse.begin() as connection:
        assert remember(connection, [different], by="rita") == 1
        assert remember(connection, [different], by="sam") == 0
        assert decisions_of(connection, FRIDAY.previous) == Decisions()
        assert decisions_of(connection, FRIDAY) == Decisions(different=(("a", "b"),))
        assert remember(connection, [Decision("a", "b", "undecided", FRIDAY.next.day)], by="sam") == 1
        assert decisions_of(connection, FRIDAY) == Decisions(different=(("a", "b"),))
        assert decisions_of(connection, FRIDAY.next) == Decisions()
