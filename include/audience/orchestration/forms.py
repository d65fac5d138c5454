"""Forms of DAGs that people trigger."""

from collections.abc import Iterable
from typing import Any

from airflow.sdk import Param

from audience.sources.contract import Source

_DAY: dict[str, Any] = {"type": ["null", "string"], "format": "date"}


def quarantined_rows(sources: Iterable[Source]) -> dict[str, Param]:
    """Which rows of the quarantine are meant: those of a source, fewer with each field that is filled in."""
    fewer: dict[str, Any] = {
        "first": Param(None, **_DAY, description="first UTC day; empty: all"),
        "last": Param(None, **_DAY, description="last UTC day, included; empty: all"),
        "reason": Param(None, type=["null", "string"], description="only reasons that contain this text; empty: all"),
    }
    return {"source": Param(type="string", enum=[s.name for s in sources], description="name of the source")} | fewer
