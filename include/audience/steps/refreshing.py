"""The stages of a day, from people to segments."""

from typing import TYPE_CHECKING

from audience.core.partition import Partition
from audience.steps.facts import Facts
from audience.steps.given import registry, trusted

if TYPE_CHECKING:
    from audience.house import House


def identity(house: "House", day: str) -> Facts:
    """Decides who is one person, records consents and opt-outs that sources brought."""
    from audience.identity.resolve import resolve
    from audience.privacy.ledger import record_consents
    from audience.privacy.suppression import record_suppressions

    partition = Partition.parse(day)
    with house.engine() as session:
        key = house.key()
        found = resolve(house.lake, session, house.warehouse, partition, key, trusted=trusted())
        answers = record_consents(house.lake, session, house.warehouse, partition, key)
        opted_out = record_suppressions(house.lake, session, house.warehouse, partition, key)
    numbers = {"records": found.counts.taken, "people": found.counts.loaded, **found.changes, "given_up": found.given_up,
               "new_answers": answers, "new_opt_outs": opted_out}  # fmt: skip
    return numbers | {f"set_aside, {reason}": rows for reason, rows in found.set_aside.items()}


def features(house: "House", day: str) -> Facts:
    """Computes the features of a day."""
    from audience.features.compute import compute

    with house.engine() as session:
        written = compute(house.lake, session, Partition.parse(day))
    return {"people": written.rows, "changed": written.changed}


def review(house: "House", day: str) -> Facts:
    """Compares the people of a day with the declared population, and its orders with their profiles. It stops nothing."""
    from audience.quality.people import review as review_people

    with house.engine() as session, house.warehouse.begin() as connection:
        found = review_people(house.lake, session, connection, Partition.parse(day))
    return {"people": found.people, "checks": len(found.findings), "warnings": len(found.warnings)}


def scores(house: "House", day: str) -> Facts:
    """Guesses what is imputed, and scores everybody; no model yet means unknown scores, no imputers yet no guesses."""
    from audience.features.imputing.filling import fill
    from audience.models.scoring import score

    with house.engine() as session:
        filled = fill(house.lake, session, Partition.parse(day))
        written = score(house.lake, session, registry(house), Partition.parse(day))
    guessed = {f"{column}_imputed": people for column, people in filled.guessed.items()}
    return {"people": written.rows, "changed": written.changed, **guessed}


def segments(house: "House", day: str, fingerprint: str) -> Facts:
    """Evaluates every segment and loads the segment tables; notes what input the day was computed from."""
    from audience.activation import destinations
    from audience.segments.check import declared
    from audience.segments.evaluate import evaluate
    from audience.segments.membership import load

    partition = Partition.parse(day)
    known = declared(house.settings.segments, destinations.names())
    with house.engine() as session:
        evaluated = evaluate(house.lake, session, known, partition)
    moved = load(house.warehouse, partition, evaluated.members, known, evaluated.people)
    house.lake.note("refresh", partition, {"input": fingerprint})
    return {segment: vars(movement) for segment, movement in moved.items()}
