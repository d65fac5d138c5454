"""The compared values: one spelling for what is written in many ways, and nothing where nothing was told."""

import re
import unicodedata
from collections.abc import Callable, Collection

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from audience.core.engine import keep
from audience.core.normal import canonical_email
from audience.core.normal.distinct import over_distinct
from audience.identity.fuzzy.declaration import COLUMNS

TOLD_AS = {"phone": ("phone", "phone_e164"), "reference": ("reference", "customer_ref")}
"""Names of columns that records may have instead: the last one that is there counts."""

PLACEHOLDERS = (
    "abc", "abcd", "admin", "anonyme", "anonymous", "asdf", "azerty", "blank", "client", "customer", "deleted", "donotreply",
    "empty", "essai", "exemple", "example", "first name", "firstname", "inconnu", "inconnue", "last name", "lastname",
    "madame", "mademoiselle", "miss", "missing", "monsieur", "mr", "mrs", "ms", "mme", "mlle", "n a", "na", "nan", "neant", "nil",
    "no", "no name", "no reply", "nobody", "nom", "non", "non renseigne", "none", "noreply", "not available", "not provided",
    "null", "personne", "prenom", "qwerty", "rien", "sans", "surname", "tba", "tbd", "test", "test test", "teste", "tester",
    "testing", "tests", "toto", "undefined", "unknown", "user", "utilisateur", "void", "xyz",
)  # fmt: skip
"""What forms and people write where they do not know: it says nothing about who somebody is."""

DATES_OF_NOBODY = ("00010101", "19000101", "19010101", "19700101", "99991231")
"""What systems write for a date that they do not have: the least, the epochs of Excel and Unix, the greatest."""

LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u043a\u043c\u0442\u0432\u043d"
    "\u03b1\u03bf\u03bd\u03c1\u03c4\u03b9\u03ba\u03b5\u0131",
    "aeopcxyijshdqwkmtbh" "aovptikei",
)  # fmt: skip
"""Letters of Cyrillic and Greek, in lower case, that look like one of Latin; a dotless i."""

_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})

STREETS = {
    "allee": "al", "all": "al", "avenue": "av", "ave": "av", "bld": "bd", "blvd": "bd", "boulevard": "bd", "boul": "bd",
    "chemin": "ch", "che": "ch", "chem": "ch", "close": "cl", "court": "ct", "crescent": "cr", "cres": "cr", "drive": "dr",
    "faubourg": "fg", "fbg": "fg", "impasse": "imp", "lane": "ln", "place": "pl", "quai": "qu", "road": "rd", "route": "rte",
    "rue": "r", "saint": "st", "sainte": "ste", "square": "sq", "street": "st", "terrace": "tce", "bis": "b",
}  # fmt: skip
"""Words of addresses and cities, and what they are shortened to."""


def folded_of(text: str) -> str | None:
    """A text as it is heard: `Thérèse`, `THERESE` and ` therese ` are the same, and so are letters that look alike.

    Words are in single spaces; apostrophes join, everything else that is no letter or digit separates.
    """
    plain = (
        unicodedata.normalize("NFKD", text.replace("\u2019", "'")).lower().translate(LOOK_ALIKES).translate(_LETTERS)
    )
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", re.sub("['`\u02bc\xb4]", "", bare)).split()) or None


def folded(text: ir.StringValue) -> ir.StringValue:
    """The same of a column; only texts with letters beyond ASCII leave the engine."""
    joined = text.lower().re_replace("['`]", "")
    plain = joined.re_replace("[^a-z0-9]+", " ").strip().nullif("")
    return text.re_search(r"^[\x00-\x7f]*$").ifelse(plain, _folded(text))


def told(folded_text: ir.StringValue) -> ir.StringValue:
    """The text, or null where it is a placeholder, one letter, or one letter again and again."""
    is_nothing = folded_text.isin(PLACEHOLDERS) | (folded_text.length() < 2) | folded_text.re_search(_ONE_LETTER)
    return is_nothing.ifelse(ibis.null("string"), folded_text)


_ONE_LETTER = "^(?:" + "|".join(f"{c}+(?: {c}+)*" for c in "abcdefghijklmnopqrstuvwxyz0123456789") + ")$"

_folded = over_distinct(folded_of, name="folded_of")


def birth_date_of(text: str) -> str | None:
    """Eight digits, year first, of a day written year first or, as in France, day first. No day is checked: a wrong
    digit is what comparing is for."""
    if found := re.fullmatch(r"\s*(\d{4})[-/. ]?(\d{2})[-/. ]?(\d{2})(?:[T ].*)?\s*", text):
        return found[1] + found[2] + found[3]
    if found := re.fullmatch(r"\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})\s*", text):
        return found[3] + found[2].zfill(2) + found[1].zfill(2)
    return None


_birth_dates = over_distinct(birth_date_of, name="birth_date_of")


def _birth_date(day: ir.Value) -> ir.StringValue:
    written = _birth_dates(day) if day.type().is_string() else day.strftime("%Y%m%d")
    return written.isin(DATES_OF_NOBODY).ifelse(ibis.null("string"), written)


def _street(address: ir.StringValue) -> ir.StringValue:
    """Words are shortened to what they are shortened to; spaces are kept."""
    padded = ibis.literal(" ") + folded(address) + " "
    for long, short in STREETS.items():
        padded = padded.replace(f" {long} ", f" {short} ")
    return told(padded.strip())


def _code(text: ir.StringValue) -> ir.StringValue:
    bare = text.upper().re_replace("[^A-Z0-9]", "")
    return told(bare.lower()).upper()


def _phone(text: ir.StringValue) -> ir.StringValue:
    """The last nine digits: what is left of a number whether it is written with its country or not."""
    digits = text.re_replace("[^0-9]", "")
    return (digits.length() >= 6).ifelse(told(digits).right(9), ibis.null("string"))


def _email(text: ir.StringValue) -> ir.StringValue:
    address = canonical_email(text)
    return mailbox(address).isnull().ifelse(ibis.null("string"), address)


def mailbox(address: ir.StringValue) -> ir.StringValue:
    """The name before the @, without what follows a plus sign; null for a placeholder."""
    return told(address.split("@")[0].split("+")[0])


FORMS: dict[str, Callable[[ir.Value], ir.StringValue]] = {
    "first_name": lambda name: told(folded(name)),
    "last_name": lambda name: told(folded(name)),
    "birth_date": _birth_date,
    "address": _street,
    "postal_code": _code,
    "city": _street,
    "email": _email,
    "phone": _phone,
    "reference": _code,
}


def prepared(session: Backend, records: ir.Table, keys: Collection[str]) -> ir.Table:
    """The records in the order of their keys, with the compared values.

    Takes  `record_key` (unique), and any of COLUMNS (or their names in TOLD_AS).
    Gives  `id` (from 0, in the order of `record_key`), `record_key`, those of COLUMNS that the records have, and
           `in_<key>` for each of `keys`: a number that the same value has again in this session only, 0 for none.
    """
    names = {c: next(n for n in reversed(TOLD_AS.get(c, (c,))) if n in records.columns) for c in columns_of(records)}
    in_order = ibis.window(order_by=records.record_key)
    values = records.select(
        "record_key",
        id=ibis.row_number().over(in_order).cast("int32"),
        **{c: FORMS[c](_text(records[n])) for c, n in names.items()},
    )
    numbers = {f"in_{key}": _number(blocked(values, key)) for key in keys}
    return keep(session, values.mutate(**numbers))


@ibis.udf.scalar.builtin(name="hash", signature=(("string",), "uint64"))
def _hash(text: str) -> int: ...  # type: ignore[empty-body]


def _number(text: ir.StringValue) -> ir.IntegerValue:
    return text.notnull().ifelse(_hash(text), 0).cast("uint64")


def columns_of(records: ir.Table) -> tuple[str, ...]:
    """Those of COLUMNS that records can be compared by."""
    return tuple(c for c in COLUMNS if any(n in records.columns for n in TOLD_AS.get(c, (c,))))


def _text(column: ir.Value) -> ir.Value:
    kind = column.type()
    return column if kind.is_string() or kind.is_temporal() else column.cast(dt.string)


def sound(name: ir.StringValue) -> ir.StringValue:
    """What is left of a name when it is misheard: its first letter and its consonants, without doubles.

    `Lefèvre` and `Lefebvre` differ in it, `Philippe` and `Filip`, `Meyer` and `Maier` do not.
    """
    heard = name.replace(" ", "").replace("ph", "f").replace("ck", "k").translate("zqcyvw", "skkiff")
    for letter in "bdfgklmnprst":
        heard = heard.replace(letter * 2, letter)
    return heard[0] + heard[1:].re_replace("[aeiouh]", "")


def blocked(values: ir.Table, key: str) -> ir.StringValue:
    """The value that a block is made of: a column, or one of KEYS. Null where a part of it is not known."""
    made: dict[str, Callable[[ir.Table], ir.StringValue]] = {
        # In alphabetical order, so that a first and a last name that were swapped meet.
        "names": lambda t: (
            ibis.least(t.first_name, t.last_name).replace(" ", "") + "|"
            + ibis.greatest(t.first_name, t.last_name).replace(" ", "")
        ),
        "last_sound": lambda t: sound(t.last_name),
        "first_sound": lambda t: sound(t.first_name),
        "first_letter": lambda t: t.first_name[0],
        "last_letter": lambda t: t.last_name[0],
        "birth_year": lambda t: t.birth_date[0:4],
        "mailbox": lambda t: mailbox(t.email).replace(" ", ""),
        "street": lambda t: t.address.replace(" ", ""),
    }  # fmt: skip
    return made[key](values) if key in made else values[key]


def set_aside(session: Backend, records: ir.Table, values: ir.Table) -> dict[str, int]:
    """By column, how many values were told and say nothing: placeholders, single letters, what is no date."""
    names = {c: next(n for n in reversed(TOLD_AS.get(c, (c,))) if n in records.columns) for c in columns_of(records)}
    before = session.to_pyarrow(records.aggregate(**{c: records[n].count() for c, n in names.items()})).to_pylist()[0]
    after = session.to_pyarrow(values.aggregate(**{c: values[c].count() for c in names})).to_pylist()[0]
    return {c: before[c] - after[c] for c in names if before[c] > after[c]}
