"""What counts as evidence that two records are one person, and what proves that they are not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shared:
    """Records with an equal value are one person.

    Args:
        column: of the records: a keyed hash, or an identifier that systems share.
        most_records: a value on more of them says little about who someone is (a company's telephone) and is set aside.
        beside: a second column that has to be known and equal, too.
    """

    column: str
    most_records: int
    beside: str | None = None


SHARED = (
    Shared("email_key", most_records=50),
    Shared("customer_ref", most_records=20),
    # A telephone is a household's: two records with the same one are one person when they are called the same, too.
    Shared("phone_key", most_records=6, beside="called"),
)
"""The strongest evidence first: where records contradict each other, the weakest is given up."""

ONE_OF = ("verified_birth_date",)
"""Columns of which a person has one value: records with different ones are not one person."""

REVIEWED, LIKELY = "reviewed", "likely"
"""The other kinds of evidence: somebody looked at both records; a trained model finds them similar."""

STRENGTH = {kind: place for place, kind in enumerate((REVIEWED, *(rule.column for rule in SHARED), LIKELY))}
"""Which kind counts more, 0 most."""

MOST_BY_LIKELIHOOD = 60
"""Records of one person that similarity alone may bring together; a chain of similar records has no other end."""
