"""A table is declared once; what does not fit the declaration is named with what was meant."""

import ibis
import pytest
from ibis.backends.duckdb import Backend

from audience.core.errors import DeclarationError, NotOfTheTable
from audience.core.table import Column, Table
from audience.core.tables import DERIVED, ENTITIES, raw

PRICE = Table(
    name="price",
    grain="one product",
    key=("product",),
    columns=(Column("product", "text", "the product", required=True), Column("price_eur", "decimal", "price, EUR")),
)


def test_a_column_declared_twice_is_refused() -> None:
    with pytest.raises(DeclarationError, match="price: column declared twice: product"):
        Table(name="price", grain="x", key=("product",), columns=(*PRICE.columns, PRICE.columns[0]))


def test_a_key_that_may_be_missing_is_refused() -> None:
    with pytest.raises(DeclarationError, match="price.price_eur: is part of the key, expected required=True"):
        Table(name="price", grain="x", key=("price_eur",), columns=PRICE.columns)


def test_a_key_that_is_no_column_is_told_the_nearest_one() -> None:
    with pytest.raises(DeclarationError, match="price: no column 'produkt'; did you mean 'product'"):
        Table(name="price", grain="x", key=("produkt",), columns=PRICE.columns)


def test_rows_are_put_into_the_declared_order_and_types(duck: Backend) -> None:
    rows = PRICE.conform(ibis.memtable([{"price_eur": "2.5", "product": "cup"}]))
    assert rows.schema() == PRICE.schema
    assert [str(v) for v in duck.to_pyarrow(rows).to_pylist()[0].values()] == ["cup", "2.50"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(NotOfTheTable, match=r"price: column 'price_eur' is missing \(1 in all\)"):
        PRICE.conform(ibis.memtable([{"product": "cup"}]))


def test_an_undeclared_column_is_told_the_nearest_one() -> None:
    with pytest.raises(NotOfTheTable, match="price: no column 'price'; did you mean 'price_eur'"):
        PRICE.conform(ibis.memtable([{"product": "cup", "price": 1.0}]))


def test_a_raw_table_of_an_unknown_entity_is_told_the_nearest_one() -> None:
    with pytest.raises(DeclarationError, match="raw_shop__orders: no entity 'orders'; did you mean 'order'"):
        raw("shop", "orders")


def test_a_source_yields_the_address_where_the_table_has_its_hash() -> None:
    assert "email" in ENTITIES["order"].staged_names and "email" not in ENTITIES["order"].names
    assert "email_key" not in ENTITIES["order"].staged_names


@pytest.mark.parametrize("table", [*ENTITIES.values(), *DERIVED.values()], ids=lambda t: t.name)
def test_every_declared_column_says_what_it_means(table: Table) -> None:
    assert [c.name for c in table.columns if not c.doc] == [] and table.grain


@pytest.mark.parametrize("table", DERIVED.values(), ids=lambda t: t.name)
def test_no_computed_table_has_a_direct_identifier(table: Table) -> None:
    assert table.personal == ()


@pytest.mark.parametrize("name", [n for n in ENTITIES if n != "contact"])
def test_only_contacts_have_personal_columns_but_for_what_people_wrote_and_where_they_clicked(name: str) -> None:
    told = {"web_event": ("visitor_id",), "survey_answer": ("answer",)}
    assert ENTITIES[name].personal == (*told.get(name, ()), "extra")
