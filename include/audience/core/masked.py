"""Values that must not be shown: secrets and personal data travel wrapped and are opened at the last moment."""

from typing import Never


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
    """The key of pseudonyms, with what is keyed of an address: both decide who is who, and change together or not at all.

    Args:
        by_mailbox: the mailbox that an address is delivered to; otherwise the address.
    """

    __slots__ = ("by_mailbox",)

    def __init__(self, text: str, *, by_mailbox: bool = False) -> None:
        super().__init__(text)
        self.by_mailbox = by_mailbox


class Personal(Masked):
    """A direct identifier of a person: address, telephone, name."""

    __slots__ = ()
