"""What DAGs announce to one another. Each event carries the key of a partition, a UTC day."""

import os

from airflow.sdk import Asset

from audience.sources.contract import Source, sources_in_use


def raw_asset(source: Source) -> Asset:
    """A source's partition was audited and published."""
    return Asset(name=f"raw_{source.name}", uri=f"audience://raw/{source.name}", group="audience")


def required() -> list[Asset]:
    """What a day's refresh waits for, sorted by name."""
    return [raw_asset(source) for source in sources_in_use(os.environ) if source.required]


SEGMENTS = Asset(name="segments", uri="audience://segments", group="audience")
"""A partition's segment tables were loaded."""
