"""A column put into a normal form by the engine, and the texts that properties are shown with."""

from collections.abc import Callable, Sequence
from typing import Any

import ibis
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=24)
"""What a text column can hold: PostgreSQL has no NUL, UTF-8 no half of a surrogate pair."""


def by_engine(duck: Backend, form: Callable[..., Any], *columns: Sequence[str | None]) -> list[str | None]:
    """The column that the engine makes of these, in their order."""
    names = [f"c{n}" for n in range(len(columns))]
    rows = [
        dict(zip(["place", *names], [n, *texts], strict=True)) for n, texts in enumerate(zip(*columns, strict=True))
    ]
    table = ibis.memtable(rows, schema={"place": "int64", **dict.fromkeys(names, "string")})
    made = table.select("place", normal=form(*(table[n] for n in names))).order_by("place")
    found: list[str | None] = duck.to_pyarrow(made)["normal"].to_pylist()
    return found
