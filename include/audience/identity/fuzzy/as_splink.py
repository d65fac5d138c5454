"""The same declaration and the same learned weights as settings of splink, which compares pairs on DuckDB or Spark.

Records are prepared and put into blocks here, as for our own scorer; splink is given their values, the blocks as columns, each
level as a condition in SQL, and what each level and each common value is worth. So both judge the same pairs by the same
numbers. They differ where a similarity is computed otherwise (docs/matching.md), never in what a level is worth.

splink is no requirement: `pip install 'splink>=5'`.
"""

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis.backends.duckdb import Backend

from audience.core.errors import DeclarationError
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.declaration import Comparison, Rules
from audience.identity.fuzzy.model import Learned, TrainedModel, hashed
from audience.identity.fuzzy.splink_levels import Dialect, compared, conditions

KEY = "record_key"


DUCKDB = Dialect("duckdb", "jaro_winkler_similarity", "damerau_levenshtein", "list_intersect", "len")
SPARK = Dialect("spark", "jaro_winkler", "damerau_levenshtein", "array_intersect", "size")
"""The first two functions of Spark come with splink (`splink.backends.spark.similarity_jar_location`)."""


def people(candidates: Candidates) -> pa.Table:
    """The records as splink is given them: `record_key`, what levels compare, and `block_<n>` (null: in none)."""
    values = candidates.session.to_pyarrow(candidates.values.order_by("id"))
    columns = {KEY: values[KEY]} | compared(values)
    for i, numbers in enumerate(candidates.blocks.numbers):
        # As signed numbers: Spark has no others.
        columns[f"block_{i}"] = pa.array(numbers.view(np.int64), mask=numbers == 0)
    return pa.table(columns)


def settings(model: TrainedModel, dialect: Dialect = DUCKDB) -> dict[str, Any]:
    """The settings of a splink Linker over `people`."""
    blocks = range(len(model.rules.blocks))
    asked = zip(model.rules.comparisons, model.learned, strict=True)
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": KEY,
        "probability_two_random_records_match": model.prior,
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": f"l.block_{i} = r.block_{i}", "sql_dialect": dialect.name} for i in blocks
        ],
        "comparisons": [_comparison(comparison, learned, dialect) for comparison, learned in asked],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
    }


def shares(model: TrainedModel, rows: pa.Table) -> dict[str, pa.Table]:
    """By column, how often each of its values is told: `<column>`, `tf_<column>`."""
    found = {}
    for comparison, learned in zip(model.rules.comparisons, model.learned, strict=True):
        for told in learned.shares[-1:]:
            column = comparison.column
            texts = pc.drop_null(pc.unique(rows[column]))
            of_each = [told.common.get(hashed(text), told.rare) for text in texts.to_pylist()]
            found[column] = pa.table({column: texts, f"tf_{column}": pa.array(of_each, pa.float64())})
    return found


def _comparison(comparison: Comparison, learned: Learned, dialect: Dialect) -> dict[str, Any]:
    nothing, alike = conditions(comparison, dialect)
    valued = {told.level for told in learned.shares}
    levels: list[dict[str, Any]] = [{"sql_condition": nothing, "label_for_charts": "not known", "is_null_level": True}]
    for number in reversed(range(len(comparison.levels))):
        name = comparison.levels[number]
        level = {"sql_condition": alike.get(name, "ELSE"), "label_for_charts": name,
                 "m_probability": learned.m[number], "u_probability": learned.u[number]}  # fmt: skip
        if number in valued:
            level |= {"tf_adjustment_column": comparison.column, "disable_tf_exact_match_detection": True}
        levels.append(level)
    # splink takes the first condition that holds; our numbers of levels are in the order of likeness.
    return {"output_column_name": comparison.column, "comparison_levels": levels}


def splink_pairs(candidates: Candidates, model: TrainedModel) -> ir.Table:
    """What `scoring.judged` gives, compared by splink on a DuckDB of its own.

    Raises:
        DeclarationError: splink is not installed.
    """
    try:
        import duckdb
        from splink import Linker
        from splink.backends.duckdb import DuckDBAPI
    except ImportError as error:
        raise DeclarationError("engine splink", f"it is not installed ({error}): pip install 'splink>=5'") from error
    rows = people(candidates)
    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = false")
    api = DuckDBAPI(connection)
    linker = Linker(api.register(rows), settings(model), log_level=50)
    for column, table in shares(model, rows).items():
        linker.table_management.register_term_frequency_lookup(api.register(table), column)
    told = linker.inference.predict(threshold_match_probability=model.rules.review)
    pairs: pa.Table = told.as_duckdbpyrelation().to_arrow_table()
    return as_judged(candidates.session, pairs, model)


def as_judged(session: Backend, pairs: pa.Table, model: TrainedModel) -> ir.Table:
    """splink's predictions with the names of our pairs."""
    name = ibis.util.gen_name("splink")
    session.con.register(name, pairs)
    told = session.table(name)
    columns: dict[str, ir.Value] = {}
    for column in (c.column for c in model.rules.comparisons):
        by_value = told[f"mw_tf_adj_{column}"] if f"mw_tf_adj_{column}" in told.columns else ibis.literal(0.0)
        columns[f"level_{column}"] = told[f"gamma_{column}"].cast("int8")
        columns[f"weight_{column}"] = told[f"mw_{column}"] + by_value
    one, other = told[f"{KEY}_l"], told[f"{KEY}_r"]
    return told.select(
        "match_weight",
        "match_probability",
        left_key=ibis.least(one, other),
        right_key=ibis.greatest(one, other),
        may_be_relative=_may_be_relative(model.rules, columns),
        **columns,
    )


def _may_be_relative(rules: Rules, columns: Mapping[str, ir.Value]) -> ir.BooleanValue:
    found: ir.BooleanValue = ibis.literal(False)
    for comparison in rules.comparisons:
        if comparison.how == "first_name":
            found |= columns[f"level_{comparison.column}"] == 0
    for comparison in rules.comparisons:
        if comparison.no_relative_from is not None:
            found &= columns[f"level_{comparison.column}"] < comparison.levels.index(comparison.no_relative_from)
    return found
