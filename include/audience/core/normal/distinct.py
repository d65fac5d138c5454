"""A function of texts as an expression: called for each distinct value of a part of a column, never for each row."""

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa


def over_distinct(normal: Callable[[str], str | None], *, name: str) -> Callable[[ir.StringValue], ir.StringValue]:
    """The expression that `normal` defines; null stays null.

    Args:
        normal: never gives an empty text.
        name: what the engine calls it.
    """

    def of_part(texts: pa.ChunkedArray) -> pa.Array:
        coded = texts.combine_chunks().dictionary_encode()
        found = pa.array([normal(text) or "" for text in coded.dictionary.to_pylist()], pa.string())
        return found.take(coded.indices)

    made: Any = ibis.udf.scalar.pyarrow(of_part, name=name, signature=(("string",), "string"))
    # DuckDB takes a null that a function gives for an error.
    return lambda text: made(text).nullif("")


def over_distinct_pairs(
    normal: Callable[[str, str], str | None], *, name: str
) -> Callable[[ir.StringValue, ir.StringValue], ir.StringValue]:
    """The same of two columns; a null in the second is an empty text."""

    def of_part(texts: pa.ChunkedArray, beside: pa.ChunkedArray) -> pa.Array:
        pairs = list(zip(texts.to_pylist(), beside.to_pylist(), strict=True))
        found = {pair: normal(*pair) or "" for pair in set(pairs)}
        return pa.array([found[pair] for pair in pairs], pa.string())

    made: Any = ibis.udf.scalar.pyarrow(of_part, name=name, signature=(("string", "string"), "string"))
    return lambda text, beside: made(text, beside.fill_null("")).nullif("")
