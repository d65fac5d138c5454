"""Countries: ISO 3166-1 alpha-2 codes, from codes of two or three letters or digits, and from names in seven languages."""

import unicodedata
from functools import cache

from audience.core.normal.distinct import over_distinct

LANGUAGES = ("en", "fr", "de", "es", "it", "nl", "pt")
"""Whose names of countries are known (Unicode CLDR, as Babel ships it)."""

_NOT_OF_ISO = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Territories of CLDR that ISO 3166-1 has no code of its own for. XK (Kosovo) is not of ISO either, and in use everywhere."""

_ALSO = {"england": "GB", "scotland": "GB", "wales": "GB", "northernireland": "GB", "greatbritain": "GB", "usa": "US",
         "unitedstatesofamerica": "US", "holland": "NL", "czechrepublic": "CZ", "ivorycoast": "CI", "el": "GR",
         "republicofireland": "IE", "russianfederation": "RU"}  # fmt: skip
"""Names in use that CLDR does not list first. EL is what the European Union calls Greece."""


def country_of(text: str) -> str | None:
    """The definition, for one text: `fr`, `FRA`, `250`, `France` and `Frankreich` are FR; None for no country of today.

    Codes that were taken back are those of the one country that followed (DD is DE, UK is GB); where several did, none.
    """
    return _codes().get(_folded(text))


country = over_distinct(country_of, name="country_of")
"""The same of a column."""


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())


@cache
def _codes() -> dict[str, str]:
    """Codes by what is left of a spelling when case, accents and punctuation are gone."""
    from babel import Locale
    from babel.core import get_global

    codes = {c for c in map(str, Locale("en").territories) if len(c) == 2} - _NOT_OF_ISO
    followed = {
        old: new[0] for old, new in get_global("territory_aliases").items() if len(new) == 1 and new[0] in codes
    }
    names = {name: c for tag in LANGUAGES for c, name in Locale(tag).territories.items() if c in codes}
    return {_folded(spelled): c for spelled, c in [*names.items(), *followed.items(), *((c, c) for c in codes)]} | _ALSO
