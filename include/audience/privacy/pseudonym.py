"""Pseudonyms: keyed hashes (HMAC-SHA-256) that stand for people and their addresses.

A plain hash of an address can be undone by hashing every address; a keyed one cannot without the key. It is still
personal data (EDPB 01/2025), and the key stays outside lake and warehouse.
"""

import hmac

import ibis
import ibis.expr.datatypes as dt

from audience.core.masked import PseudonymKey, Secret
from audience.core.normal import canonical_email, mailbox

_BLOCK = 64  # bytes, RFC 2104 with SHA-256


@ibis.udf.scalar.builtin(name="sha256")
def _sha256(data: dt.binary) -> dt.string: ...  # type: ignore[empty-body, valid-type]


@ibis.udf.scalar.builtin(name="unhex")
def _unhex(digits: dt.string) -> dt.binary: ...  # type: ignore[empty-body, valid-type]


@ibis.udf.scalar.builtin(name="encode")
def _encode(text: dt.string) -> dt.binary: ...  # type: ignore[empty-body, valid-type]


@ibis.udf.scalar.builtin(name="concat")
def _concat(first: dt.binary, second: dt.binary) -> dt.binary: ...  # type: ignore[empty-body, valid-type]


def keyed_form(address: ibis.expr.types.StringValue, key: Secret) -> ibis.expr.types.StringValue:
    """What is keyed of an address: its canonical form, or its mailbox where the key says so. Null where it is no address."""
    by_mailbox = isinstance(key, PseudonymKey) and key.by_mailbox
    return mailbox(address) if by_mailbox else canonical_email(address)


def pseudonym(text: str, key: Secret) -> str:
    """The pseudonym of one text: 32 hexadecimal digits (128 bits) of its HMAC."""
    return hmac.digest(key.reveal().encode(), text.encode(), "sha256").hex()[:32]


def contact_key_of(
    email_keys: ibis.expr.types.StringValue, key: Secret, *, since: int = 1
) -> ibis.expr.types.StringValue:
    """The contact keys of the warehouse for keyed hashes of the lake: hashed again by each later key.

    Args:
        since: how many keys went into what is given: 1 for a hash of the lake.
    """
    for later in key.later[since - 1 :] if isinstance(key, PseudonymKey) else ():
        email_keys = pseudonyms(email_keys, later)
    return email_keys


def pseudonyms(texts: ibis.expr.types.StringValue, key: Secret) -> ibis.expr.types.StringValue:
    """The same as `pseudonym` for a whole column, computed by the engine; null stays null."""
    secret = key.reveal().encode()
    if len(secret) > _BLOCK:
        raise ValueError("a pseudonym key has at most 64 bytes")
    inner = ibis.literal(bytes(b ^ 0x36 for b in secret.ljust(_BLOCK, b"\0")), type="binary")
    outer = ibis.literal(bytes(b ^ 0x5C for b in secret.ljust(_BLOCK, b"\0")), type="binary")
    digest = _sha256(_concat(outer, _unhex(_sha256(_concat(inner, _encode(texts))))))
    return texts.isnull().ifelse(ibis.null("string"), digest.substr(0, 32))
