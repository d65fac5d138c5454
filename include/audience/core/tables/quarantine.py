"""Rows that were refused, as they came, with their reason: nothing is lost."""

from audience.core.table import Column, Table

KINDS = ("record", "row", "unreadable")

ROWS_PER_RECORD = 1 << 20
"""Places that a replay keeps for the rows of each record: row `n` of record `r` stands at `r * ROWS_PER_RECORD + n`."""

QUARANTINE = Table(
    name="quarantine",
    grain="one refused row",
    key=("entity", "stream", "position"),
    keeps_generations=True,
    columns=(
        Column("entity", "text", "the canonical entity the row was meant for", required=True),
        Column("stream", "text", "the stream of the source that gave the row", required=True),
        Column("position", "integer", "place of the row in the stream's extraction, from 0", required=True),
        Column(
            "reason", "text", "column, what was found (its kind, never its value), what was expected", required=True
        ),
        Column(
            "kind",
            "text",
            "`record`: as the system gave it, it could not be tidied; `row`: tidied, and refused by admission;"
            " `unreadable`: not even a record, only another extraction can bring it",
            required=True,
            one_of=KINDS,
        ),
        Column("row", "text", "the row as it came, JSON", required=True, personal=True),
    ),
)
"""Stored per source as `quarantine_<source>`, in the partition the row was extracted for."""


def quarantine(source: str) -> Table:
    """The quarantine of one source: `quarantine_shop`."""
    return QUARANTINE.named(f"quarantine_{source}", keeps_generations=True)
