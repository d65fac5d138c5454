"""What happens to rows that were refused: shown, landed after all, or closed."""

from typing import TYPE_CHECKING

from audience.steps.days import stale_days
from audience.steps.facts import Facts

if TYPE_CHECKING:
    from audience.house import House
    from audience.quality.quarantine import Chosen
    from audience.quality.replay import Replayed
    from audience.sources.contract import Source


def replay(house: "House", source: str, *, by: str, first: str | None = None, last: str | None = None,
           reason: str | None = None) -> Facts:  # fmt: skip
    """Lands quarantined rows that pass now, after their source file or declaration was mended; the others stay.

    `changed` are the partitions that have more rows, `stale` the computed days that saw less.

    Raises DeclarationError when there is no such source file.
    """
    from audience.quality.quarantine import choose
    from audience.sources.contract import source_named

    became = replay_of(house, source_named(source), choose(source, first, last, reason), by=by)
    changed = [day.key for day in became.changed]
    stale = [day for day in stale_days(house) if day >= changed[0]] if changed else []
    return vars(became) | {"changed": changed, "stale": stale}


def replay_of(house: "House", source: "Source", chosen: "Chosen", *, by: str) -> "Replayed":
    """The same for a source that need not be one of the folder."""
    from audience.quality.decisions import lock
    from audience.quality.quarantine import open_rows, raw_records, with_rows
    from audience.quality.replay import land
    from audience.sources.contract.replay import Waiting, tidy_again

    folder = f"{source.name}/replay"
    with house.engine() as session, house.warehouse.begin() as connection:
        lock(connection, source.name)
        opened = open_rows(house.lake, session, connection, chosen)
        house.lake.unstage(folder)
        records = raw_records(house.lake, session, chosen, opened)
        tidy_again(source, house.lake, folder, (Waiting(*record) for record in records))
        became = land(
            house.lake,
            session,
            connection,
            opened,
            with_rows(house.lake, session, chosen, opened),
            key=house.key(),
            source=source.name,
            folder=folder,
            by=by,
        )
    house.lake.unstage(folder)
    return became


def show_quarantined(house: "House", source: str, *, most: int, first: str | None = None, last: str | None = None,
                     reason: str | None = None) -> Facts:  # fmt: skip
    """Quarantined rows that wait.

    Returns:
        `open`: their number by `partition`, `entity` and `reason`; `shapes`: the first ones, each value by its shape.
    """
    from audience.quality.quarantine import choose, listed, shown

    chosen = choose(source, first, last, reason)
    with house.engine() as session, house.warehouse.begin() as connection:
        return {
            "open": listed(house.lake, session, connection, chosen),
            "shapes": shown(house.lake, session, connection, chosen, most=most),
        }


def discard(house: "House", source: str, *, by: str, why: str, first: str | None = None, last: str | None = None,
            reason: str | None = None) -> int:  # fmt: skip
    """Closes quarantined rows that nobody wants; they stay in the lake. Gives their number."""
    from audience.quality.quarantine import choose
    from audience.quality.quarantine import discard as discard_rows

    with house.engine() as session, house.warehouse.begin() as connection:
        return discard_rows(house.lake, session, connection, choose(source, first, last, reason), by=by, why=why)
