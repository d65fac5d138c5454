"""Words that people read: names, cities, titles. Nothing is translated, folded or taken away that can be seen."""

import re
import unicodedata

import ibis
import ibis.expr.types as ir

from audience.core.normal.distinct import over_distinct

_SPACE = "\t\n\x0b\x0c\r\x85 \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

_UNSEEN = (
    "\x00-\x08\x0e-\x1f\x7f"  # control characters; those of ISO 8859 (80-9F) are damage, and wait for the repair
    "\xad\u200b\u200e\u200f\u2060\ufeff\u061c\u202a-\u202e\u2066-\u2069"  # soft hyphen, zero width, direction marks
)
"""The joiners U+200C and U+200D stay: Persian is spelled with the one, emoji are put together with the other."""

_CONTINUATION = "".join(
    sorted({bytes([b]).decode(c, "ignore") for b in range(0x80, 0xC0) for c in ("cp1252", "latin-1")})
)

_DAMAGE = f"[\xc2-\xf4][{_CONTINUATION}]|[\x80-\x84\x86-\x9f]"
"""UTF-8 that was read as Windows-1252 or ISO 8859-1: the first byte of a character as a letter, a later one behind it."""

_HYPHENED = "[\xc2-\xf4]\xad"
"""The same of an `í`, whose second byte reads as a soft hyphen: it is looked for before hyphens are taken away."""


@ibis.udf.scalar.builtin(name="nfc_normalize")
def _nfc(text: str) -> str: ...  # type: ignore[empty-body]


def words_of(text: str) -> str | None:
    """The definition, for one text: composed (NFC), in single spaces, mojibake repaired; None when nothing is left.

    A repair is only tried where the text has signs of damage, and only made where ftfy finds that it helps: `SÃO` and
    `Îles` stay. Right-to-left text and emoji stay as they are, without marks of direction, which change how the words
    around them are shown.
    """
    if re.search(_HYPHENED, text) and (whole := _repaired(text)) != text:
        return words_of(whole)
    clean = _clean(text)
    while re.search(_DAMAGE, clean):
        repaired = _spaced(_clean(re.sub(r"[\x80-\x9f]", "", _repaired(clean))))
        if repaired == clean:
            break
        clean = repaired
    return _spaced(clean) or None


def words(text: ir.StringValue) -> ir.StringValue:
    """The same of a column; only what shows signs of damage leaves the engine."""
    # Most texts are normal already, and one look says so.
    is_plain = text.re_search("^[!-~]+(?: [!-~]+)*$")
    clean = _nfc(text.re_replace(f"[{_UNSEEN}]", ""))
    spaced = clean.re_replace(f"[{_SPACE}]+", " ").strip().nullif("")
    return ibis.cases(
        (is_plain, text), (clean.re_search(_DAMAGE) | text.re_search(_HYPHENED), _words(text)), else_=spaced
    )


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", re.sub(f"[{_UNSEEN}]", "", text))


def _spaced(text: str) -> str:
    return re.sub(f"[{_SPACE}]+", " ", text).strip(" ")


def _repaired(text: str) -> str:
    import ftfy

    return ftfy.fix_encoding(text)


_words = over_distinct(words_of, name="words_of")
