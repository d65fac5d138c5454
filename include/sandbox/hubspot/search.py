"""A search's filter groups as a condition on the table of contacts: groups are or-ed, the filters of one are and-ed."""

from __future__ import annotations

from sandbox.hubspot.errors import invalid

MOST_GROUPS, MOST_FILTERS = 5, 6

OPERATORS = {"EQ": "= ?", "GT": "> ?", "GTE": ">= ?", "LT": "< ?", "LTE": "<= ?", "HAS_PROPERTY": "is not null"}


def where(groups: object) -> tuple[str, list[object]]:
    """The condition and its values. Times and ids are compared as numbers. Raises Refusal."""
    if not isinstance(groups, list) or len(groups) > MOST_GROUPS:
        raise invalid(f"filterGroups should be an array of at most {MOST_GROUPS}")
    conditions, values = list[str](), list[object]()
    for group in groups:
        filters = group.get("filters") if isinstance(group, dict) else None
        if not isinstance(filters, list) or not 0 < len(filters) <= MOST_FILTERS:
            raise invalid(f"filters should be an array of at most {MOST_FILTERS}")
        parts = []
        for one in filters:
            name, operator = str(one.get("propertyName")), str(one.get("operator"))
            if operator not in OPERATORS:
                raise invalid(f"operator should be one of {', '.join(OPERATORS)}, found {operator}")
            column = {"hs_object_id": "id", "lastmodifieddate": "changed_at", "email": "email"}.get(name)
            if column is None:
                column = "json_extract(properties, ?)"
                values.append(f'$."{name}"')
            parts.append(f"{column} {OPERATORS[operator]}")
            if "?" in OPERATORS[operator]:
                value = str(one.get("value"))
                values.append(int(value) if column in ("id", "changed_at") else value)
        conditions.append(f"({' and '.join(parts)})")
    return " or ".join(conditions) or "true", values
