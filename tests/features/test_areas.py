"""Figures of where people live: of their postal code in their country, of one vintage, unknown rather than wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from ibis.backends.duckdb import Backend
from known import AS_OF, PERSON, a_table

from audience.core import history
from audience.core.lake import Lake
from audience.core.table import Column
from audience.core.tables import CONTACT, CUSTOMERS, PERSON_KEY, PLACE, POSTAL_PLACE
from audience.features.areas import areas
from audience.features.compute import features_at
from rows import FRIDAY, NOON, land, rows_of

LIVES = a_table(PERSON, CONTACT.column("postal_code"), Column("country", "text", "country"))

Figures = tuple[float | None, float | None]


def commune(code: str, income: float | None, poverty: float | None = None, people: float | None = 1000, vintage: int = 2023,
            level: str = "commune") -> Mapping[str, Any]:  # fmt: skip
    return {"level": level, "code": code, "vintage": vintage, "commune": code[:5], "people": people,
            "median_income_eur": income, "poverty_percent": poverty, "is_suppressed": income is None}  # fmt: skip


LYON_2, BRON, TINY = commune("69382", 31000, 14), commune("69029", 21000, 24, 3000), commune("01001", None, None, None)
SERVED = (("69002", "69382"), ("69500", "69029"), ("01400", "01001"))


def around(
    duck: Backend, *places: Mapping[str, Any], lives: str = "69002", country: str | None = "FR",
    served: tuple[tuple[str, str], ...] = SERVED, as_of: datetime = AS_OF,
) -> Figures | None:  # fmt: skip
    """Median income and poverty around one person; None: nothing is known of the postal code."""
    rows = areas(
        rows_of(LIVES, [{"person_id": "ana", "postal_code": lives, "country": country}]),
        rows_of(PLACE, places),
        rows_of(POSTAL_PLACE, [{"postal_code": code, "commune": c} for code, c in served]),
        as_of=as_of,
    )
    found = [(r["area_median_income_eur"], r["area_poverty_percent"]) for r in duck.to_pyarrow(rows).to_pylist()]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_postal_code_has_the_figures_of_its_commune(duck: Backend) -> None:
    assert around(duck, LYON_2, BRON) == (31000, 14)


def test_several_communes_of_a_code_count_by_their_people(duck: Backend) -> None:
    both = (("69002", "69382"), ("69002", "69029"))
    assert around(duck, LYON_2, BRON, served=both) == ((31000 * 1 + 21000 * 3) / 4, (14 * 1 + 24 * 3) / 4)


def test_a_suppressed_commune_with_few_of_the_people_does_not_count(duck: Backend) -> None:
    both = (("69002", "69382"), ("69002", "01001"))
    assert around(duck, LYON_2, TINY, served=both) == (31000, 14)


def test_a_code_of_which_most_people_live_where_the_figure_is_suppressed_is_unknown(duck: Backend) -> None:
    both = (("69002", "69382"), ("69002", "69029"))
    assert around(duck, LYON_2, commune("69029", 21000, None, 3000), served=both) == (23500, None)


def test_a_suppressed_figure_is_unknown_and_not_zero(duck: Backend) -> None:
    assert around(duck, TINY, lives="01400") == (None, None)


@pytest.mark.parametrize("country", ["DE", "MC", None])
def test_the_same_digits_of_another_country_or_of_none_are_another_place(duck: Backend, country: str | None) -> None:
    assert around(duck, LYON_2, country=country) is None


def test_an_overseas_department_is_a_country_of_its_own_with_french_codes(duck: Backend) -> None:
    served = (("97400", "97411"),)
    assert around(duck, commune("97411", 17000), lives="97400", country="RE", served=served) == (17000, None)


@pytest.mark.parametrize("written", ["69002", "69 002", " 69002 "])
def test_a_code_is_found_as_people_write_it(duck: Backend, written: str) -> None:
    assert around(duck, LYON_2, lives=written) == (31000, 14)


def test_a_spreadsheet_took_the_zero_off(duck: Backend) -> None:
    assert around(duck, commune("01001", 24000), lives="1400") == (24000, None)


def test_the_newest_vintage_counts_also_where_an_older_one_knows_more(duck: Backend) -> None:
    vintages = (commune("69382", 29000, vintage=2021), LYON_2, commune("69029", 20000, vintage=2021))
    assert around(duck, *vintages) == (31000, 14)
    assert around(duck, *vintages, lives="69500") is None


def test_a_vintage_is_not_known_in_its_own_year(duck: Backend) -> None:
    vintages = (commune("69382", 29000, vintage=2021), LYON_2)
    assert around(duck, *vintages, as_of=datetime(2023, 12, 31, tzinfo=UTC)) == (29000, None)


def test_a_quarter_is_no_commune(duck: Backend) -> None:
    assert around(duck, commune("693820101", 40000, level="iris")) is None


def a_customer(lake: Lake, duck: Backend, *records: Mapping[str, Any]) -> None:
    """One person with these records of the shop."""
    land(lake, duck, "contact", *({"record_id": f"C-{n}"} | dict(r) for n, r in enumerate(records)))
    keys = [{"kind": "record", "key": f"shop:C-{n}", "person_id": "ana"} for n, _ in enumerate(records)]
    lake.write(duck, PERSON_KEY, FRIDAY, rows_of(PERSON_KEY, keys))
    person = {"person_id": "ana", "records": 1, "first_seen_at": NOON, "country": "FR"}
    lake.write(duck, CUSTOMERS, FRIDAY, rows_of(CUSTOMERS, [person]))


def lives(lake: Lake, duck: Backend) -> list[tuple[str, str]]:
    rows = duck.to_pyarrow(history.addresses(lake, duck, FRIDAY)).to_pylist()
    return [(r["postal_code"], r["country"]) for r in rows]


def test_a_person_lives_where_the_newest_record_with_a_postal_code_says(lake: Lake, duck: Backend) -> None:
    a_customer(
        lake,
        duck,
        {"postal_code": "69002", "country": "FR", "updated_at": NOON},
        {"postal_code": "10115", "country": "DE", "updated_at": NOON.replace(hour=13)},
        {"country": "FR", "updated_at": NOON.replace(hour=14)},
        {"postal_code": "01400", "country": "FR", "updated_at": NOON.replace(hour=15), "is_deleted": True},
    )
    assert lives(lake, duck) == [("10115", "DE")]


def test_an_address_without_a_country_is_of_the_persons_own(lake: Lake, duck: Backend) -> None:
    a_customer(lake, duck, {"postal_code": "69002"})
    assert lives(lake, duck) == [("69002", "FR")]


def test_features_have_the_figures_once_both_sources_have_published(lake: Lake, duck: Backend) -> None:
    def income() -> list[object]:
        rows = duck.to_pyarrow(features_at(lake, duck, FRIDAY, known=FRIDAY)).to_pylist()
        return [row["area_median_income_eur"] for row in rows]

    a_customer(lake, duck, {"postal_code": "69002", "country": "FR"})
    land(lake, duck, "postal_place", {"postal_code": "69002", "commune": "69382"}, source="laposte")
    assert income() == [None]
    land(lake, duck, "place", LYON_2, source="insee")
    assert income() == [31000]
