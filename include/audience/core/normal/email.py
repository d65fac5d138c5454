"""The canonical form of an e-mail address, decided once: it is what pseudonyms, consent and suppression are keyed by."""

import re
import unicodedata
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from audience.core.normal.distinct import over_distinct

_FORM = r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s.,;<>]+$"

_CANONICAL = r"^[!-+\--:=?\[-~]+@[!-+\--:=?\[-~]+\.[!-+\-/-:=?\[-~]+$"
"""An address that is its own canonical form, as most are: `_FORM` in signs of ASCII that are no capitals."""

_UNSEEN = "[\xad\u200b-\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]"


@dataclass(frozen=True)
class Provider:
    """What a mail provider says of its addresses.

    Args:
        domains: the names it delivers to, the one that stands for all of them first.
        ignores_dots: `a.na@` is the mailbox of `ana@`.
        tag: what begins a part of the local name that is not of the mailbox's name.
    """

    domains: tuple[str, ...]
    ignores_dots: bool = False
    tag: str = "+"


PROVIDERS = (
    Provider(("gmail.com", "googlemail.com"), ignores_dots=True),  # support.google.com/mail/answer/7436150
    Provider(("outlook.com",)),  # support.microsoft.com: add or remove an email alias, plus addressing
    Provider(("hotmail.com",)),
    Provider(("icloud.com", "me.com", "mac.com")),  # support.apple.com/102540
    Provider(("fastmail.com",)),
    Provider(("proton.me", "protonmail.com", "pm.me")),  # proton.me/support/addresses-and-aliases
)
"""Rules that providers publish."""


def email_of(text: str) -> str | None:
    """The definition, for one address: trimmed, in lower case; None when it is not `something@domain.tld`.

    RFC 5321 allows a case-sensitive local part; no provider uses it, and treating `Ana@` and `ana@` as two people
    would let one of them escape the other's opt-out. A domain in another script is its name in the DNS (RFC 5891), and
    letters are composed (RFC 6532, 3.1).
    """
    bare = text.strip(" \t\n\r\x0b\x0c")
    if not bare.isascii():
        bare = unicodedata.normalize("NFC", re.sub(_UNSEEN, "", bare)).strip()
    bare = unicodedata.normalize("NFC", bare.lower())
    local, _, domain = bare.rpartition("@")
    if not domain.isascii():
        bare = f"{local}@{_in_dns(domain)}"
    return bare if re.search(_FORM, bare) else None


def canonical_email(address: ir.StringValue) -> ir.StringValue:
    """The same of a column; only an address with letters beyond ASCII leaves the engine."""
    trimmed = address.strip().lower()
    plain = trimmed.re_search(_FORM).ifelse(trimmed, ibis.null("string"))
    is_foreign = _bytes(address) != address.length()
    return ibis.cases((address.re_search(_CANONICAL), address), (is_foreign, _emails(address)), else_=plain)


@ibis.udf.scalar.builtin(name="strlen")
def _bytes(text: str) -> int: ...  # type: ignore[empty-body]


def mailbox_of(text: str, providers: tuple[Provider, ...] = PROVIDERS) -> str | None:
    """The mailbox that an address is delivered to, by the rules of its provider: `A.na+shop@googlemail.com` is
    `ana@gmail.com`. It says who reads it, and is nothing to write to: what people told is. Consents are kept by it where
    the setting AUDIENCE_EMAIL_MAILBOXES says so.
    """
    address = email_of(text)
    if address is None:
        return None
    local, _, domain = address.rpartition("@")
    for provider in providers:
        if domain in provider.domains:
            name = local.split(provider.tag, 1)[0] or local
            name = name.replace(".", "") or name if provider.ignores_dots else name
            return f"{name}@{provider.domains[0]}"
    return address


def mailbox(address: ir.StringValue) -> ir.StringValue:
    """The same of a column; only an address of a provider with rules, or with letters beyond ASCII, leaves the engine."""
    canonical = canonical_email(address)
    return canonical.re_search(_OF_A_PROVIDER).ifelse(_mailboxes(canonical), canonical)


def _in_dns(domain: str) -> str:
    """A name in A-labels; as it is where it has none."""
    import idna

    try:
        return idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return domain


_OF_A_PROVIDER = "@(" + "|".join(re.escape(name) for one in PROVIDERS for name in one.domains) + ")$"

_emails = over_distinct(email_of, name="email_of")
_mailboxes = over_distinct(mailbox_of, name="mailbox_of")
