"""What a step gives back."""

from typing import Any

Facts = dict[str, Any]
"""Plain values: references and numbers, never rows, never personal data."""
