"""The shape of a value: how it is written, without what it says."""

from typing import Any

_LONGEST = 60
"""Signs of a shape: enough to see a form."""


def shape_of(text: str) -> str:
    """Letters are `x`, digits are `9`, and signs stay: `xxx@xxxxxxx.xx`, `99/99/9999`."""
    return "".join("9" if c.isdecimal() else "x" if c.isalnum() else c for c in text[:_LONGEST])


def shapes(value: Any) -> Any:
    """A value of JSON with shapes in the place of its texts and numbers; the names of fields stay when they are names."""
    if isinstance(value, dict):
        return {k if k.isidentifier() else shape_of(k): shapes(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shapes(one) for one in value]
    return value if value is None or isinstance(value, bool) else shape_of(str(value))
