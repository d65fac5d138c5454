"""Addresses of mail: the name before the @ says who somebody is, unless it only repeats the owner's."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audience.identity.fuzzy.encoding import Coded, Codes, LevelOf, Levels, by_value_pair, coded
from audience.identity.fuzzy.levels.alike import edits, jaro_winkler
from audience.identity.fuzzy.levels.called import called_as_owner, mailbox_name

CLOSE = 0.92
"""Jaro-Winkler."""

OTHER, AS_OWNERS, ONE_PROVIDER, ALIKE, SAME_NAME, SAME = range(6)
"""Levels of addresses."""


def email_level(values: pa.Table) -> tuple[LevelOf, Coded]:
    """The levels, and the addresses.

    Where both mailboxes are called as their owners, they are as alike as the owners' names are, which are compared already:
    a namesake's is called the same. What is left to say is whether one provider has both.
    """
    addresses, called = coded(values["email"]), called_as_owner(values)
    of_mailbox, of_provider = _mailbox_level(addresses), _provider_level(addresses)

    def levels(left: Codes, right: Codes) -> Levels:
        as_owners = called[left] & called[right] & (addresses.codes[left] != addresses.codes[right])
        found: Levels = np.empty(len(left), dtype=np.int8)
        found[as_owners] = of_provider(left[as_owners], right[as_owners])
        found[~as_owners] = of_mailbox(left[~as_owners], right[~as_owners])
        return found

    return levels, addresses


def provider(addresses: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    return pc.replace_substring_regex(addresses, "^.*@", "")


def _provider_level(addresses: Coded) -> LevelOf:
    """One letter may be wrong."""
    providers = addresses.mapped(provider)

    def different(left: Codes, right: Codes) -> Levels:
        close = edits(providers.values, left, right, most=1) <= 1
        return np.where(close, ONE_PROVIDER, AS_OWNERS).astype(np.int8)

    return lambda left, right: by_value_pair(providers.codes[left], providers.codes[right], ONE_PROVIDER, different)


def _mailbox_level(addresses: Coded) -> LevelOf:
    """Mailboxes of one name are told apart by the digits behind it: with others it is another mailbox."""
    mailboxes = coded(mailbox_name(addresses.texts))
    names, texts = mailboxes.codes, mailboxes.values
    digits = coded(pc.replace_substring_regex(mailboxes.texts, "[^0-9]", "")).codes

    def different(left: Codes, right: Codes) -> Levels:
        one, other = names[left], names[right]
        found: Levels = np.full(len(left), OTHER, dtype=np.int8)
        some = np.flatnonzero(digits[one] == digits[other])
        close = (jaro_winkler(texts, one[some], other[some]) >= CLOSE) | (
            edits(texts, one[some], other[some], most=1) <= 1
        )
        found[some[close]] = ALIKE
        found[one == other] = SAME_NAME
        return found

    return lambda left, right: by_value_pair(addresses.codes[left], addresses.codes[right], SAME, different)
