"""Who is one person, from the command line: asked, decided, remembered, and no value shown unless it is asked for."""

import csv
from pathlib import Path

import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.warehouse import Warehouse
from audience.identity.resolve import resolve
from cli.conftest import Command
from identity.test_resolve import a_contact
from key import KEY
from rows import FRIDAY, land

ANA, TWIN = "ana.canary@example.org", "canary.twin@example.org"


@pytest.fixture
def computed(stores: Path, duck: Backend, warehouse: Warehouse) -> None:
    """Two records of one person, of whom a reviewer will say that they are two."""
    lake = Lake.at(stores)
    land(lake, duck, "contact", a_contact("C-1", ANA), a_contact("C-2", ANA, customer_ref="7"), source="crm")
    land(lake, duck, "contact", a_contact("S-1", TWIN, first_name="Canary", customer_ref="7"), source="shop")
    resolve(lake, duck, warehouse, FRIDAY, KEY)


def reveals(warehouse: Warehouse) -> list[str]:
    with warehouse.begin() as connection:
        return list(connection.execute(sa.text("SELECT what FROM ops.identity_reveal ORDER BY id")).scalars())


@pytest.mark.usefixtures("computed")
def test_a_decision_is_read_back_and_what_it_parts_is_asked_no_more(
    audience: Command, warehouse: Warehouse, tmp_path: Path
) -> None:
    nothing = audience("identity", "review", "export", "--out", str(tmp_path / "queue.csv"))
    assert (nothing.code, nothing.out) == (0, f"{tmp_path}/queue.csv: pairs 0\n")
    answers = tmp_path / "answers.csv"
    with answers.open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(["as_of", "left_key", "right_key", "decision", "why"])
        written.writerow(["2026-11-20", "crm:C-1", "shop:S-1", "different", "twins"])
    told = audience("identity", "review", "import", str(answers))
    assert told.out.splitlines()[0] == "answers.csv: answers 1, new decisions 1"
    apart = audience("identity", "explain", "crm:C-1", "shop:S-1")
    assert "one person no" in apart.out and "decided" in apart.out
    assert "canary" not in apart.out
    assert reveals(warehouse) == ["review export"]


@pytest.mark.usefixtures("computed")
def test_values_are_shown_to_who_asks_and_that_is_recorded(audience: Command, warehouse: Warehouse) -> None:
    found = audience("identity", "explain", "crm:C-1", "shop:S-1", "--reveal")
    assert "one person yes" in found.out and ANA in found.out and TWIN in found.out
    assert [line.split() for line in found.out.splitlines()[3:5]] == [
        ["crm:C-1", "crm:C-2", "email_key", "-"],
        ["crm:C-2", "shop:S-1", "customer_ref", "-"],
    ]
    assert reveals(warehouse) == ["explain"]


@pytest.mark.usefixtures("computed")
def test_a_file_that_contradicts_itself_is_refused_whole(
    audience: Command, warehouse: Warehouse, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.csv"
    rows = ["2026-11-20,crm:C-1,crm:C-2,same", "2026-11-20,crm:C-2,crm:C-1,different"]
    answers.write_text("\n".join(["as_of,left_key,right_key,decision", *rows]))
    refused = audience("identity", "review", "import", str(answers))
    assert refused.code == 1
    assert refused.err.strip() == "answers.csv line 3: crm:C-1 and crm:C-2 are 'different' here and 'same' in line 2"
    with warehouse.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM ops.identity_decision")).scalar_one() == 0
