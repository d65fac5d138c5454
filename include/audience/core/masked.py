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


class Personal(Masked):
    """A direct identifier of a person: address, telephone, name."""

    __slots__ = ()
