"""Mailboxes that are called as their owner: of who somebody is they say what the name beside them says, and no more."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audience.identity.fuzzy.encoding import Truths
from audience.identity.fuzzy.levels.alike import shared_letters
from audience.identity.fuzzy.levels.names import compact

LIKE_A_NAME = 0.8
"""Share of letters that are the same: a letter or two of a long name are typing errors, a word more is none."""


def mailbox_name(addresses: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """What is before the @, without what follows a plus sign, and without what separates words."""
    return pc.replace_substring_regex(addresses, "[@+].*$|[._-]", "")


def called_as_owner(values: pa.Table) -> Truths:
    """By record, whether the mailbox is made of the names beside it and of nothing else.

    `anna.martin@`, `martinanna@`, `a.martin@`, `anna@` and `am@` are called as Anna Martin, also where she or they are
    mistyped; `anna.martin84@` and `doctor.who@` are not.

    Takes  prepared `email`, and `first_name` and `last_name` where records have them.
    """
    found = np.zeros(len(values), dtype=np.bool_)
    names = mailbox_name(values["email"].combine_chunks())
    lettered = np.flatnonzero(_true(pc.match_substring_regex(names, "^[^0-9]+$")))
    mailboxes = names.take(pa.array(lettered))
    for way in _ways(values.take(pa.array(lettered))):
        some = np.flatnonzero(~found[lettered] & _true(_as_long(mailboxes, way)))
        found[lettered[some]] = shared_letters(_texts(mailboxes, some), _texts(way, some)) >= LIKE_A_NAME
    return found


def _ways(values: pa.Table) -> Iterator[pa.Array]:
    """What a mailbox may be called: each name, and both in any order, each as it is or its initial."""
    names = [compact(values[n].combine_chunks()) for n in ("first_name", "last_name") if n in values.column_names]
    yield from names
    if len(names) == 2:
        for first, last in product(*((name, pc.utf8_slice_codeunits(name, 0, 1)) for name in names)):
            yield pc.binary_join_element_wise(first, last, "")
            yield pc.binary_join_element_wise(last, first, "")


def _as_long(one: pa.Array, other: pa.Array) -> pa.Array:
    """Whether the lengths allow so many letters to be the same: most names are told apart by that."""
    lengths = [pc.utf8_length(texts) for texts in (one, other)]
    least = pc.multiply(pc.max_element_wise(*lengths, skip_nulls=False), LIKE_A_NAME)
    return pc.greater_equal(pc.min_element_wise(*lengths, skip_nulls=False), least)


def _true(answers: pa.Array) -> Truths:
    found: Truths = pc.fill_null(answers, False).to_numpy(zero_copy_only=False)
    return found


def _texts(column: pa.Array, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.object_]:
    found: npt.NDArray[np.object_] = column.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    return found
