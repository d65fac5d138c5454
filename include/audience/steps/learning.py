"""What is learned once a week: models, imputers, how similar records of one person are."""

from typing import TYPE_CHECKING

from audience.core.errors import NotPublished
from audience.core.partition import Partition
from audience.core.tables import FEATURES
from audience.steps.facts import Facts
from audience.steps.given import registry, trusted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audience.features.imputing.compare import Measured
    from audience.house import House


def train(house: "House", partition: str | None) -> Facts:
    """Fits, compares and promotes the models on what was known at the end of a partition.

    Days after it are scored by what was promoted; the day itself and earlier ones never are, so a rerun of a past day
    gives what it gave then.
    """
    from audience.core.history import orders
    from audience.features.compute import features_at
    from audience.features.imputing.stored import learn as learn_imputers
    from audience.models.training import train as train_models

    as_of = Partition.parse(partition)
    with house.engine() as session:
        imputers = learn_imputers(house.lake, session, as_of, features_at(house.lake, session, as_of, known=as_of))
        report = train_models(
            session,
            registry(house),
            as_of=as_of,
            features_at=lambda cutoff: features_at(house.lake, session, cutoff, known=as_of),
            orders=orders(house.lake, session, as_of),
        )
    house.lake.note("models", as_of, {o.model: o.champion for o in report.outcomes})
    return report.as_dict() | {"imputers": str(imputers), "match_model": match_model(house, as_of)}


def compare_imputing(house: "House", partition: str | None, by: "Iterable[str]" = ()) -> "list[Measured]":
    """The error of each way to impute each declared column, on values of a day that were masked."""
    from audience.features.imputing.compare import compare

    day = Partition.parse(partition) if partition else house.lake.newest(FEATURES.name)
    if day is None:
        raise NotPublished("features: no partition is published, expected one: audience refresh")
    with house.engine() as session:
        return compare(session, house.lake.read(session, FEATURES, day), by=tuple(by))


def match_model(house: "House", as_of: Partition) -> str | None:
    """Learns, for the days after a week, how similar records of one person are. Gives the version of the model.

    The first of those days learns it where nobody has.
    """
    from audience.identity.identify import Identity
    from audience.identity.matching import learned_on

    with house.engine() as session:
        learned = Identity(house.lake, session, house.settings.pseudonym_key, trusted()).matching.learn(
            learned_on(as_of.next)
        )
    return learned.version if learned else None
