"""The levels of each way of comparing as conditions in SQL, and the columns that they ask for.

splink names the two records of a pair by `_l` and `_r` behind a column's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from audience.identity.fuzzy.declaration import Comparison
from audience.identity.fuzzy.levels import called, mail, names, places
from audience.identity.fuzzy.nicknames import nickname_groups


@dataclass(frozen=True)
class Dialect:
    """What an engine calls the functions that levels ask for.

    Args:
        similar: Jaro-Winkler's similarity.
        edits: Damerau and Levenshtein's distance.
        common: the elements that two lists have in common.
        count: of the elements of a list.
    """

    name: str
    similar: str
    edits: str
    common: str
    count: str

    def alike(self, column: str, least: float) -> str:
        return f"{self.similar}({column}_l, {column}_r) >= {least}"

    def edited(self, column: str, most: int = 1) -> str:
        return f"{self.edits}({column}_l, {column}_r) <= {most}"

    def edited_share(self, column: str, least: float) -> str:
        longer = f"greatest(length({column}_l), length({column}_r))"
        return f"1.0 - {self.edits}({column}_l, {column}_r) / cast({longer} as double) >= {least}"

    def overlap(self, column: str) -> str:
        return f"{self.count}({self.common}({column}_l, {column}_r))"


def same(column: str) -> str:
    return f"{column}_l = {column}_r"


def unknown(column: str) -> str:
    return f"({column}_l is null or {column}_r is null)"


def compared(values: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns that the conditions name, from prepared values; null where nothing is known."""
    nothing = pa.chunked_array([pa.nulls(values.num_rows, pa.string())])
    told = {name: values[name] if name in values.column_names else nothing for name in _COLUMNS}
    found = {name: told[name] for name in ("birth_date", "address", "postal_code", "email", "phone", "reference")}
    for name in ("first_name", "last_name"):
        found[name] = names.compact(told[name])
        found[f"{name}_core"] = names.core(told[name])
        found[f"{name}_words"] = _by_value(told[name], _words, pa.list_(pa.string()))
    groups = nickname_groups()
    found["nicknames"] = _by_value(told["first_name"], lambda name: sorted(groups.get(name, ())), pa.list_(pa.int64()))
    found["house_number"] = pc.replace_substring_regex(told["address"], "[^0-9]", "")
    found["area"] = pc.utf8_slice_codeunits(told["postal_code"], 0, 2)
    found["city"] = pc.replace_substring(told["city"], " ", "")
    found["town"] = pc.coalesce(told["city"], told["postal_code"])
    found["mailbox"] = called.mailbox_name(told["email"])
    found["provider"] = mail.provider(told["email"])
    found["called_as_owner"] = pa.array(called.called_as_owner(pa.table(told)))
    found["mailbox_digits"] = pc.replace_substring_regex(found["mailbox"], "[^0-9]", "")
    return found


_COLUMNS = ("first_name", "last_name", "birth_date", "address", "postal_code", "city", "email", "phone", "reference")


def _words(name: str) -> list[str]:
    return [word for word in name.split(" ") if len(word) > 2 and word not in names.PARTICLES][: names.MOST_PARTS]


def _by_value(texts: pa.ChunkedArray, of, kind: pa.DataType) -> pa.Array:  # type: ignore[no-untyped-def]
    coded = texts.combine_chunks().dictionary_encode()
    return pa.array([of(text) for text in coded.dictionary.to_pylist()], kind).take(coded.indices)


def conditions(comparison: Comparison, of: Dialect) -> tuple[str, dict[str, str]]:
    """When nothing is known, and the condition of each level but the least, the most alike first."""
    column = comparison.column
    if comparison.how in ("first_name", "last_name"):
        return _name(column, of)
    if comparison.how == "town":
        return _town(of)
    found: Mapping[str, str] = {"date": _date, "address": _address, "email": _email, "code": _code}[comparison.how](
        column, of
    )
    return unknown(column), {"same": same(column), **found}


def _name(column: str, of: Dialect) -> tuple[str, dict[str, str]]:
    words = f"{of.overlap(f'{column}_words')}"
    fewer = f"least({of.count}({column}_words_l), {of.count}({column}_words_r))"
    variant = f"({same(f'{column}_core')}) or ({words} > 0 and {words} = {fewer})"
    if column == "first_name":
        variant += f" or {of.overlap('nicknames')} > 0"
    levels = {
        "same": same(column),
        "variant": variant,
        "close": f"({of.alike(column, names.CLOSE)}) or ({of.alike(column, names.SIMILAR - 0.1)} and {of.edited(column)})",
        "similar": of.alike(column, names.SIMILAR),
    }
    swapped = _swapped(of)
    if column == "first_name":
        return unknown(column), {"swapped": swapped} | levels
    return f"{unknown(column)} or ({swapped})", levels


def _swapped(of: Dialect) -> str:
    """One name is the same crosswise, the other at least close, and neither is the same as it stands."""
    crossed = "(first_name_l = last_name_r or last_name_l = first_name_r)"
    apart = "first_name_l != first_name_r and last_name_l != last_name_r"
    alike = " and ".join(
        f"{of.similar}({one}, {other}) >= {names.CLOSE}"
        for one, other in (("first_name_l", "last_name_r"), ("last_name_l", "first_name_r"))
    )
    return f"coalesce({crossed} and {apart} and {alike}, false)"


def _date(column: str, of: Dialect) -> dict[str, str]:
    parts = {name: _part(column, *place) for name, place in {"year": (1, 4), "month": (5, 2), "day": (7, 2)}.items()}
    month, day = (f"substring({column}_l, {a}, 2) = substring({column}_r, {b}, 2)" for a, b in ((5, 7), (7, 5)))
    two = [f"({parts[a]} and {parts[b]})" for a, b in (("year", "month"), ("year", "day"), ("month", "day"))]
    return {
        "close": f"{of.edited(column)} or ({parts['year']} and {month} and {day})",
        "one part": " or ".join(two),
    }


def _part(column: str, start: int, length: int) -> str:
    return f"substring({column}_l, {start}, {length}) = substring({column}_r, {start}, {length})"


def _address(column: str, of: Dialect) -> dict[str, str]:
    close, number = of.edited_share(column, places.CLOSE), same("house_number")
    return {
        "close": f"({close}) and {number}",
        "similar": f"({close}) or ({of.edited_share(column, places.SIMILAR)} and {number})",
    }


def _town(of: Dialect) -> tuple[str, dict[str, str]]:
    code, city = same("postal_code"), same("city")
    return f"{unknown('postal_code')} and {unknown('city')}", {
        "same": f"({code} and {city}) or ({code} and {unknown('city')}) or ({city} and {unknown('postal_code')})",
        "one same": f"{code} or {city}",
        "close": f"{of.edited('postal_code')} or {of.edited_share('city', places.CLOSE)}",
        "similar": of.edited_share("city", places.SIMILAR),
        "same area": same("area"),
    }


def _email(_column: str, of: Dialect) -> dict[str, str]:
    alike = f"({of.alike('mailbox', mail.CLOSE)}) or {of.edited('mailbox')}"
    as_owners = "(called_as_owner_l and called_as_owner_r)"
    return {
        "same mailbox name": f"{same('mailbox')} and not {as_owners}",
        "close": f"{same('mailbox_digits')} and ({alike}) and not {as_owners}",
        "called as owners at one provider": f"{as_owners} and ({same('provider')} or {of.edited('provider')})",
        "called as owners": as_owners,
    }


def _code(column: str, of: Dialect) -> dict[str, str]:
    return {"close": of.edited(column)}
