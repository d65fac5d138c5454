"""The compared values: one spelling for what is written in many ways, and nothing where nothing was told."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis import _
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

_STREETS = (
    "allee|all|al|avenue|ave|av|boulevard|boul|blvd|bld|bd|chemin|chem|che|ch|close|cl|court|ct|crescent|cres|cr|drive|dr|"
    "faubourg|fbg|fg|impasse|imp|lane|ln|place|pl|quai|road|rd|route|rte|rue|r|square|sq|street|str|st|saint|sainte|ste|"
    "terrace|tce|bis|de|du|des|la|le|les"
)
"""Words of addresses and cities that people shorten or leave out."""


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
    """The text, or null where it is a placeholder, one letter, or one letter again and again.

    One pattern, which asks for the text once: the engine would compute it anew for each condition on it.
    """
    return folded_text.re_replace(_NOTHING, "").nullif("")


_ONE_LETTER = "|".join(f"{c}+(?: {c}+)*" for c in "abcdefghijklmnopqrstuvwxyz0123456789")
_NOTHING = f"^(?s:.?|{'|'.join(PLACEHOLDERS)}|{_ONE_LETTER})$"

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


def _day(day: ir.Value) -> ir.StringValue:
    if not day.type().is_string():
        return day.strftime("%Y%m%d")
    return day.re_search("^[0-9]{4}-[0-9]{2}-[0-9]{2}$").ifelse(day.replace("-", ""), _birth_dates(day))


def _known_day(day: ir.StringValue) -> ir.StringValue:
    return day.isin(DATES_OF_NOBODY).ifelse(ibis.null("string"), day)


def _place(address: ir.StringValue) -> ir.StringValue:
    return told(address.re_replace(rf"\b(?:{_STREETS})\b *", "").strip())


def _postal_code(code: ir.StringValue) -> ir.StringValue:
    # 2222 is a town in New South Wales.
    return (told(code).isnull() & ~code.re_search("^[1-8]{3,}$")).ifelse(ibis.null("string"), code)


def _address_of_mail(text: ir.StringValue) -> ir.StringValue:
    """The canonical form; of what cannot be an address, as it was typed: a lost dot or @ is an error to look through."""
    typed = text.lower().re_replace("[ \t]", "")
    return ibis.coalesce(canonical_email(text), (typed.length() >= 6).ifelse(typed, ibis.null("string")))


def _phone(digits: ir.StringValue) -> ir.StringValue:
    """The last nine digits: what is left of a number whether it is written with its country or not."""
    return (digits.length() >= 6).ifelse(told(digits).right(9), ibis.null("string"))


def _email(address: ir.StringValue) -> ir.StringValue:
    return told(_mailbox(address)).isnull().ifelse(ibis.null("string"), address)


def _mailbox(address: ir.StringValue) -> ir.StringValue:
    """The name before the @, without what follows a plus sign."""
    return address.re_extract("^[^@+]+", 0)


def _spelled_code(text: ir.StringValue) -> ir.StringValue:
    return text.lower().re_replace("[^a-z0-9]", "")


Form = tuple[Callable[[ir.Value], ir.StringValue], Callable[[ir.StringValue], ir.StringValue]]
"""One spelling; what is left of it when it says nothing."""

FORMS: dict[str, Form] = {
    "first_name": (folded, told),
    "last_name": (folded, told),
    "birth_date": (_day, _known_day),
    "address": (folded, _place),
    "postal_code": (_spelled_code, _postal_code),
    "city": (folded, _place),
    "email": (_address_of_mail, _email),
    "phone": (lambda text: text.re_replace("[^0-9]", ""), _phone),
    "reference": (_spelled_code, told),
}


SOUNDS = {"first_sound": "first_name", "last_sound": "last_name"}

OFTEN_THE_SAME = frozenset({"first_name", "last_name", "city"})
"""Columns with fewer words than rows: each word is looked at once."""


def prepared(session: Backend, records: ir.Table, wanted: Collection[str] = (*COLUMNS, *SOUNDS)) -> ir.Table:
    """The records in the order of their keys, with the compared values.

    Takes  `record_key` (unique), and any of COLUMNS (or their names in TOLD_AS); `wanted`: of COLUMNS and SOUNDS.
    Gives  `id` (from 0, in the order of `record_key`), `record_key`, and what is wanted of the columns that the records have.
    """
    values = _values(session, records, wanted)
    in_order = ibis.window(order_by=values.record_key)
    return keep(session, values.mutate(id=ibis.row_number().over(in_order).cast("int32")))


def _values(session: Backend, records: ir.Table, wanted: Collection[str]) -> ir.Table:
    names = {c: n for c, n in _columns_told(records).items() if c in wanted}
    # Computed in steps: in one, the engine would compute a spelling each time that it is looked at.
    each = {c: FORMS[c][0](_text(records[n])) for c, n in names.items() if c not in OFTEN_THE_SAME}
    spelled = keep(
        session, records.select("record_key", **each, **{c: records[names[c]] for c in OFTEN_THE_SAME & names.keys()})
    )
    values = spelled.mutate(**{c: FORMS[c][1](spelled[c]) for c in each})
    of_words = {
        column: {column: "place" if column == "city" else "name"}
        | {sound: "sound" for sound, name in SOUNDS.items() if name == column and sound in wanted}
        for column in sorted(OFTEN_THE_SAME & names.keys())
    }
    words = _words(session, spelled, of_words)
    for column, of_word in of_words.items():
        word = words.select(word=words.text, **{f"its_{new}": words[old] for new, old in of_word.items()})
        values = values.left_join(word, values[column] == word.word).drop("word", column)
        values = values.rename({new: f"its_{new}" for new in of_word})
    return values


def _words(session: Backend, rows: ir.Table, of_words: Mapping[str, Mapping[str, str]]) -> ir.Table:
    """Each text of these columns once, as it is written: `text`, and what is wanted of it: as a `name`, its `sound`, as a
    `place`."""
    if not of_words:
        return ibis.memtable([], schema={"text": "string"})
    wanted = {form for of_word in of_words.values() for form in of_word.values()}
    texts = [rows.select(text=rows[c]) for c in of_words]
    each = (ibis.union(*texts, distinct=True) if len(texts) > 1 else texts[0].distinct()).filter(_.text.notnull())
    spelled = keep(session, each.mutate(folded=folded(each.text)))
    forms = {"name": told, "place": _place}
    named = keep(
        session, spelled.select("text", **{n: form(spelled.folded) for n, form in forms.items() if n in wanted})
    )
    return keep(session, named.mutate(sound=sound(named.name))) if "sound" in wanted else named


@ibis.udf.scalar.builtin(name="hash", signature=(("string",), "uint64"))
def _hash(text: str) -> int: ...  # type: ignore[empty-body]


def told_by(records: ir.Table) -> ir.Table:
    """`record_key`, and `told`: one number for all that a record is compared by, as it is written."""
    columns = [records[name].cast("string").fill_null("\x1e") for name in _columns_told(records).values()]
    return records.select("record_key", told=_hash(ibis.literal("\x1f").join(columns)))


def numbers(values: ir.Table, keys: Collection[str]) -> ir.Table:
    """`id`, and for each key a number that the same value has again in this session only, 0 for none."""
    texts = {key: blocked(values, key) for key in keys}
    return values.select("id", **{k: t.notnull().ifelse(_hash(t), 0).cast("uint64") for k, t in texts.items()})


def columns_of(records: ir.Table) -> tuple[str, ...]:
    """Those of COLUMNS that records can be compared by."""
    return tuple(c for c in COLUMNS if any(n in records.columns for n in TOLD_AS.get(c, (c,))))


def _columns_told(records: ir.Table) -> dict[str, str]:
    """By column of COLUMNS, the one of the records that tells it."""
    return {c: next(n for n in reversed(TOLD_AS.get(c, (c,))) if n in records.columns) for c in columns_of(records)}


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
        "first_letter": lambda t: t.first_name[0],
        "last_letter": lambda t: t.last_name[0],
        "birth_year": lambda t: t.birth_date[0:4],
        "mailbox": lambda t: _mailbox(t.email),
        "street": lambda t: t.address.replace(" ", ""),
    }  # fmt: skip
    return made[key](values) if key in made else values[key]


def set_aside(session: Backend, records: ir.Table, values: ir.Table) -> dict[str, int]:
    """By column, how many values were told and say nothing: placeholders, single letters, what is no date."""
    names = _columns_told(records)
    before = session.to_pyarrow(records.aggregate(**{c: records[n].count() for c, n in names.items()})).to_pylist()[0]
    after = session.to_pyarrow(values.aggregate(**{c: values[c].count() for c in names})).to_pylist()[0]
    return {c: before[c] - after[c] for c in names if before[c] > after[c]}
