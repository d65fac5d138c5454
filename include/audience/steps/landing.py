"""From a source system to published tables, and what quarantine keeps back."""

from functools import partial
from typing import TYPE_CHECKING

from audience.core.partition import Partition
from audience.steps.facts import Facts

if TYPE_CHECKING:
    from audience.house import House


def extract(house: "House", source: str, partition: str | None, since: str | None = None) -> Facts:
    """Fetches the partition's window (from `since` on for a first load) of one source into staging."""
    from audience.sources.contract import extract as extract_source
    from audience.sources.contract import source_named

    last = Partition.parse(partition)
    first = Partition.parse(since) if since else last
    declared = source_named(source)
    extraction = extract_source(declared, house.connection(source), house.lake, first=first, last=last)
    return {"source": source, "folder": extraction.folder, "last": last.key, "rows": extraction.rows,
            "outside": extraction.outside, "added": extraction.added}  # fmt: skip


def publish(house: "House", extraction: Facts) -> Facts:
    """Audits what was extracted and publishes it; raises AuditFailed, and publishes nothing, when a gate says no."""
    from audience.quality.drift import record_new_fields
    from audience.quality.publication import publish as publish_staged
    from audience.quality.validation import keep_result

    with house.engine() as session:
        published = publish_staged(
            house.lake,
            session,
            house.warehouse,
            key=house.key(),
            source=extraction["source"],
            folder=extraction["folder"],
            staged=extraction["rows"],
            last=Partition.parse(extraction["last"]),
            keep_result=partial(keep_result, house.lake),
        )
    record_new_fields(house.warehouse, extraction["source"], Partition.parse(extraction["last"]), extraction["added"])
    return {one.entity: one.counts.as_dict() | {"changed_days": len(one.changed)} for one in published}
