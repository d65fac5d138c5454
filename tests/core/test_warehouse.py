"""The warehouse migrates to exactly the declared schema and takes rows in bulk."""

import pyarrow as pa
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from audience.core.warehouse import Base, Warehouse
from audience.core.warehouse.load import stage_rows
from audience.core.warehouse.models import SCHEMAS
from audience.core.warehouse.views import VIEWS


def test_the_migrations_build_exactly_the_declared_tables(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name in SCHEMAS},
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_does_nothing(warehouse: Warehouse) -> None:
    warehouse.migrate()
    warehouse.migrate()


def test_staged_rows_keep_nulls_empty_texts_and_quotes(warehouse: Warehouse) -> None:
    rows = pa.table({"segment": ["a", "b", "c"], "title": ['say "hi", twice', "", "two\nlines"]})
    with warehouse.begin() as connection:
        assert stage_rows(connection, "incoming", rows, like="segments.definition") == 3
        titles = connection.execute(sa.text("SELECT title FROM incoming ORDER BY segment")).scalars().all()
    assert titles == ['say "hi", twice', "", "two\nlines"]
    with warehouse.begin() as connection:
        stage_rows(
            connection, "incoming", pa.table({"segment": pa.array([None], pa.string())}), like="segments.definition"
        )
        assert connection.execute(sa.text("SELECT segment FROM incoming")).scalar() is None


def test_the_views_are_exactly_those_that_are_documented(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        database = sa.inspect(connection)
        assert {f"ops.{name}" for name in database.get_view_names("ops")} == VIEWS.tables.keys()
        for view in VIEWS.sorted_tables:
            found = [(c["name"], str(c["type"]), c["comment"]) for c in database.get_columns(view.name, "ops")]
            declared = [(c.name, str(c.type.compile(connection.dialect)), c.comment) for c in view.columns]
            assert [(n, t.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"), d) for n, t, d in declared] == found
            assert database.get_table_comment(view.name, "ops")["text"] == view.comment
