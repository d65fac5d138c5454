"""docs/tables.md: every table of the lake and of the warehouse."""

from collections.abc import Iterator

import sqlalchemy as sa

from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, codes, table
from audience.core.table import Column, Table
from audience.core.tables import DERIVED, ENTITIES, QUARANTINE
from audience.core.warehouse.models import Base
from audience.core.warehouse.views import VIEWS
from audience.sources.contract import all_sources

_TYPES = {
    "text": "text",
    "integer": "integer (64 bit)",
    "decimal": "decimal (18, 2)",
    "real": "real (64 bit)",
    "boolean": "boolean",
    "instant": "instant (UTC)",
    "day": "day",
}

_UNITS = {
    "_eur": "EUR",
    "_days": "days",
    "_hours": "hours",
    "_years": "years",
    "_at": "UTC",
    "_score": "quintile, 1..5",
    "share_90d": "0..1",
    "p_buy_30d": "0..1",
}


def page() -> str:
    return markdown.page(
        "Tables",
        "Every table is declared once, in `include/audience/core/`, and every reader and writer is checked against the"
        " declaration. A name is an address; a column's name carries its unit.",
        "## Lake: canonical entities",
        "What sources tidy their records into. `email_key` is a keyed hash: only contacts keep an address in clear.",
        *(_lake_table(t) for t in ENTITIES.values()),
        "## Lake: raw tables",
        "An entity of a source, in the partition of the day its records belong to. Writing a partition again adds a"
        " generation and erases nothing; state as of a day is the newest version of each key up to that day.",
        table(("Table", "Source", "Columns of"), _raw()),
        "## Lake: quarantine",
        _lake_table(QUARANTINE),
        "Stored per source as `quarantine_<source>`: " + codes(f"quarantine_{s.name}" for s in all_sources()) + ".",
        "## Lake: derived tables",
        "Each partition holds the whole state as of its end, and writing it again replaces it.",
        *(_lake_table(t) for t in DERIVED.values()),
        "## Warehouse",
        "PostgreSQL, one schema per concern so that roles can be granted by schema. Only `vault` holds personal data;"
        " everything else carries keyed hashes and pseudonyms.",
        *(_warehouse_table(t, _words(t)) for t in sorted(Base.metadata.tables.values(), key=lambda t: str(t.key))),
        "## Warehouse: views for BI tools",
        "The quality of what came in, in numbers. No view holds a value of a row, so a role that may read schema `ops` and"
        " nothing else can be given to a dashboard. Their meaning is in the database too, as comments.",
        *(_warehouse_table(view, view.comment or "") for view in VIEWS.sorted_tables),
    )


def _raw() -> Iterator[tuple[str, str, str]]:
    for source in all_sources():
        for entity in source.entities:
            yield code(f"raw_{source.name}__{entity}"), source.title, f"[{entity}](#{entity})"


def _lake_table(declared: Table) -> str:
    versions = "" if declared.version_of == declared.key else f" Versioned by {codes(declared.version_of)}."
    columns = table(
        ("Column", "Type", "Unit", "Meaning", "Values", "Required", "Personal"),
        (
            (code(c.name), _TYPES[c.type], _unit(c), c.doc, _values(c), _yes(c.required), _yes(c.personal))
            for c in declared.columns
        ),
    )
    return f"### {declared.name}\n\nGrain: {declared.grain}. Key: {codes(declared.key)}.{versions}\n\n{columns}"


def _unit(column: Column) -> str:
    """The unit that the column's name carries."""
    named = next((unit for suffix, unit in _UNITS.items() if column.name.endswith(suffix)), "")
    return named or ("points" if "points" in column.doc else "")


def _values(column: Column) -> str:
    if column.one_of:
        return codes(column.one_of)
    if column.matches:
        return code(column.matches)
    low, high = column.at_least, column.at_most
    if low is not None and high is not None:
        return f"{low:,g} to {high:,g}"
    if low is not None:
        return f"at least {low:,g}"
    return "" if high is None else f"at most {high:,g}"


def _words(declared: sa.Table) -> str:
    model = next(m.class_ for m in Base.registry.mappers if m.local_table is declared)
    return " ".join((model.__doc__ or "").split())


def _warehouse_table(declared: sa.Table, words: str) -> str:
    columns = table(
        ("Column", "Type", "Meaning", "Key", "Required"),
        (
            (code(c.name), str(c.type).lower(), c.comment or "", _yes(c.primary_key), _yes(not c.nullable))
            for c in declared.columns
        ),
    )
    return f"### {declared.key}\n\n{words}\n\n{columns}"


def _yes(holds: bool) -> str:
    return "yes" if holds else ""
