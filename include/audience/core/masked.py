"""Values that must not be shown: secrets and personal data travel wrapped and are opened at the last moment."""

import hmac
from typing import Never, Self


class Masked:
    """A text that prints as `***` wherever it is shown, formatted, logged or raised.

    Opened with `reveal()` only, so every place that shows the text can be found by that name.
    It refuses to be pickled: neither XCom nor a cache can keep it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Masked) and self._text == other._text

    def __hash__(self) -> int:
        return hash(("masked", self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> Never:
        raise TypeError("a masked value is not stored: reveal() it where it is used")


class Secret(Masked):
    """A password, token or key."""

    __slots__ = ()


class PseudonymKey(Secret):
    """The first key of pseudonyms, with what is keyed of an address: both decide who is who, and never change.

    Args:
        by_mailbox: the mailbox that an address is delivered to; otherwise the address.
        later: keys that contact keys are hashed again by, in this order.
    """

    __slots__ = ("by_mailbox", "later")

    def __init__(self, text: str, *, by_mailbox: bool = False, later: tuple[Secret, ...] = ()) -> None:
        super().__init__(text)
        self.by_mailbox, self.later = by_mailbox, later

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PseudonymKey) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[str, bool, tuple[Secret, ...]]:
        return self._text, self.by_mailbox, self.later

    @property
    def ids(self) -> tuple[str, ...]:
        """What each key is called: eight hexadecimal digits, from which nothing about it follows."""
        return tuple(_id(one) for one in (self, *self.later))

    def first(self, keys: int) -> Self:
        """The same with the first keys only; the first one always is."""
        return type(self)(self.reveal(), by_mailbox=self.by_mailbox, later=self.later[: keys - 1])


class Personal(Masked):
    """A direct identifier of a person: address, telephone, name."""

    __slots__ = ()


def _id(key: Secret) -> str:
    return hmac.digest(key.reveal().encode(), b"the id of a pseudonym key", "sha256").hex()[:8]
