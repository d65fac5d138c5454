"""Normal forms: one spelling for what is written in many ways. Pure, and computed by the engine.

Each file is one kind of thing and holds its rule twice where it needs to: as a function of one text, which is the
definition, and as an expression over a column. `normal(normal(x)) == normal(x)`, no text raises, and a text that has no
normal form gives null. A `Column` says which form it takes (`form=`); admission applies it.
"""

from audience.core.normal.category import category
from audience.core.normal.country import country
from audience.core.normal.currency import currency, in_eur
from audience.core.normal.email import canonical_email, mailbox
from audience.core.normal.instant import instant
from audience.core.normal.phone import e164
from audience.core.normal.quantity import percent, seconds
from audience.core.normal.words import words

__all__ = [
    "canonical_email",
    "category",
    "country",
    "currency",
    "e164",
    "in_eur",
    "instant",
    "mailbox",
    "percent",
    "seconds",
    "words",
]
