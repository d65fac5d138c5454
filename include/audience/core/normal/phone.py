"""Telephone numbers: E.164, the form in which a number is the same everywhere (`+33639980123`)."""

import phonenumbers

from audience.core.normal.distinct import over_distinct_pairs


def e164_of(text: str, country: str) -> str | None:
    """The definition, for one number; None for what cannot be one (ITU-T E.164: by length, whether assigned or not).

    Args:
        country: the alpha-2 code of the country that a number without a country code is of; empty: it has none.
    """
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


e164 = over_distinct_pairs(e164_of, name="e164_of")
"""The same of two columns: numbers, and the countries they were written in."""
