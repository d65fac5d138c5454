"""How alike two values are, written out value by value."""

import pyarrow as pa
import pytest

from audience.identity.fuzzy import PEOPLE, Comparison, Rules
from audience.identity.fuzzy.declaration import Block
from audience.identity.fuzzy.encoding import UNKNOWN
from audience.identity.fuzzy.forms import birth_date_of, folded_of
from audience.identity.fuzzy.levels import questions


def level(how: str, one: dict[str, str | None], other: dict[str, str | None], column: str) -> str:
    """The name of the level of two records."""
    comparison = next(c for c in PEOPLE.comparisons if c.column == column)
    assert comparison.how == how
    names = sorted({*one, *other})
    values = pa.table({n: pa.array([one.get(n), other.get(n)], pa.string()) for n in names})
    rules = Rules(blocks=(Block(("email",)),), comparisons=(comparison, Comparison("reference", how="code")))
    asked = questions(values.append_column("reference", pa.nulls(2, pa.string())), rules)[0]
    here, there = (pa.array([i], pa.int32()).to_numpy() for i in (0, 1))
    forth, back = int(asked.levels(here, there)[0]), int(asked.levels(there, here)[0])
    assert forth == back
    return "unknown" if forth == UNKNOWN else comparison.levels[forth]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("jean pierre", "jeanpierre", "same"),
        ("jean pierre", "jean", "variant"),
        ("jean pierre", "jean paul", "similar"),
        ("robert", "bob", "variant"),
        ("francoise", "fanfan", "variant"),
        ("catherine", "catherin", "close"),
        ("catherine", "cahterine", "close"),
        ("anne", "bruno", "different"),
        ("anne", None, "unknown"),
    ],
)
def test_first_names(one: str, other: str | None, expected: str) -> None:
    assert level("first_name", {"first_name": one}, {"first_name": other}, "first_name") == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("le goff", "legoff", "same"),
        ("de la tour", "tour", "variant"),
        ("du bois", "bois", "variant"),
        ("macdonald", "mcdonald", "variant"),
        ("martin", "martin dupont", "variant"),
        ("lefevre", "lefebvre", "close"),
        ("martin", "bernard", "different"),
    ],
)
def test_last_names(one: str, other: str, expected: str) -> None:
    assert level("last_name", {"last_name": one}, {"last_name": other}, "last_name") == expected


def test_swapped_names_are_said_once() -> None:
    one = {"first_name": "maxence", "last_name": "roussel"}
    other = {"first_name": "roussel", "last_name": "maxance"}

    assert level("first_name", one, other, "first_name") == "swapped"
    assert level("last_name", one, other, "last_name") == "unknown"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("19710624", "same"),
        ("19710625", "close"),
        ("19710642", "close"),
        ("19712406", "close"),
        ("19710918", "different"),
        ("19710699", "one part"),
        ("19830507", "different"),
    ],
    ids=["same", "digit", "neighbours", "day and month", "year only", "the day", "other"],
)
def test_dates_of_birth(other: str, expected: str) -> None:
    assert level("date", {"birth_date": "19710624"}, {"birth_date": other}, "birth_date") == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("ana.lopez71@post.example", "same"),
        ("ana.lopez71@web.example", "same mailbox name"),
        ("analopez71@post.example", "same mailbox name"),
        ("ana.lopes71@post.example", "close"),
        ("ana.lopez72@post.example", "different"),
        ("bruno@post.example", "different"),
    ],
)
def test_mailboxes_are_told_apart_by_their_digits(other: str, expected: str) -> None:
    assert level("email", {"email": "ana.lopez71@post.example"}, {"email": other}, "email") == expected


AS_OWNERS, AT_ONE_PROVIDER = "called as owners", "called as owners at one provider"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("anna martin anna.martin@post.example", "anna martin anna.martin@post.example", "same"),
        ("anna martin anna.martin@post.example", "anna martin anna.martin@web.example", AS_OWNERS),
        ("anna martin anna.martin@post.example", "anna martin martin_a@web.example", AS_OWNERS),
        ("anna martin am@post.example", "anna martin anna+shop@web.example", AS_OWNERS),
        ("anna martin anna.martin@post.example", "ana martin anna.martin@web.example", AS_OWNERS),
        ("anna martin anna.martin@post.example", "bruno petit bruno.petit@web.example", AS_OWNERS),
        ("anna martin anna.martin@post.example", "anna martin annamartin@post.example", AT_ONE_PROVIDER),
        ("anna martin anna.martin@post.example", "anna martin anna.martin@psot.example", AT_ONE_PROVIDER),
        ("anna martin anna.martin84@post.example", "anna martin annamartin84@web.example", "same mailbox name"),
        ("anna martin doctor.who@post.example", "anna martin doctor.who@web.example", "same mailbox name"),
        ("anna martin anna.martin@post.example", "bruno petit anna.martin@web.example", "same mailbox name"),
        ("anna martin anna.martin@post.example", "anna martin anna.martin84@web.example", "different"),
    ],
)
def test_a_mailbox_that_is_called_as_its_owner_says_no_more_than_the_name(one: str, other: str, expected: str) -> None:
    here, there = (dict(zip(("first_name", "last_name", "email"), told.split(), strict=True)) for told in (one, other))
    assert level("email", here, there, "email") == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"postal_code": "44000", "city": "nantes"}, {"postal_code": "44000", "city": "nantes"}, "same"),
        ({"postal_code": "44000", "city": "nantes"}, {"postal_code": "44300", "city": "nantes"}, "one same"),
        ({"postal_code": "44000", "city": "nantes"}, {"city": "nantes"}, "same"),
        ({"postal_code": "13000", "city": "marseille"}, {"city": "marseile"}, "close"),
        ({"postal_code": "44000"}, {"postal_code": "44321"}, "same area"),
        ({"postal_code": "44000"}, {"postal_code": "75011"}, "different"),
        ({"postal_code": "44000"}, {"city": "nantes"}, "unknown"),
    ],
    ids=["both", "one", "one is not told", "typing error", "area", "elsewhere", "nothing in common"],
)
def test_towns(one: dict[str, str | None], other: dict[str, str | None], expected: str) -> None:
    both = {"postal_code": None, "city": None}
    assert level("town", both | one, both | other, "town") == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("12 republique", "12 republique", "same"),
        ("12 republique", "12 republlique", "close"),
        ("12 republique", "14 republique", "similar"),
        ("12 republique", "3 moulin vert", "different"),
    ],
    ids=["same", "typing error", "neighbour", "other"],
)
def test_a_house_number_is_no_typing_error(one: str, other: str, expected: str) -> None:
    assert level("address", {"address": one}, {"address": other}, "address") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  THÉRÈSE ", "therese"),
        ("Jean-Pierre", "jean pierre"),
        ("O\u2019Brien", "obrien"),
        ("\u0410nn\u0430", "anna"),
        ("Œdipe", "oedipe"),
        ("\uff2d\uff41\uff52\uff43", "marc"),
        ("...", None),
    ],
    ids=["accents", "hyphen", "apostrophe", "Cyrillic look-alikes", "ligature", "full width", "nothing"],
)
def test_texts_that_are_heard_alike_are_spelled_alike(text: str, expected: str | None) -> None:
    assert folded_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1971-06-24", "19710624"),
        ("19710624", "19710624"),
        ("24/06/1971", "19710624"),
        ("4.6.1971", "19710604"),
        ("soon", None),
    ],
)
def test_days_are_read_year_first_or_day_first(text: str, expected: str | None) -> None:
    assert birth_date_of(text) == expected
