"""Fuzzy matching, from records to scored pairs."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.core.errors import DeclarationError, ModelError
from audience.identity.fuzzy import PEOPLE, TrainedModel, scored_pairs, train
from audience.identity.fuzzy.declaration import HOW
from audience.identity.fuzzy.forms import folded_of
from audience.identity.fuzzy.scoring import accepted

FIRST = ("Anne", "Bruno", "Chloé", "Driss", "Émile", "Farah", "Gaston", "Hélène", "Ivan", "Jeanne", "Karim", "Louise")
LAST = (
    "Aubert",
    "Bonnet",
    "Carlier",
    "Delmas",
    "Étienne",
    "Fabre",
    "Garnier",
    "Hamel",
    "Imbert",
    "Jourdan",
    "Klein",
    "Lefort",
)


@pytest.fixture
def session() -> Iterator[Backend]:
    with engine() as opened:
        yield opened


def crowd(session: Backend, *more: dict[str, str | None]):  # type: ignore[no-untyped-def]
    """600 invented people, every tenth of them twice with a typing error in the last name, and the given records."""
    people = [
        {
            "record_key": f"a:{i:03}",
            "first_name": FIRST[i % 12],
            "last_name": LAST[(i // 12) % 12],
            "birth_date": f"{1940 + i % 61}-{1 + i % 12:02}-{1 + (i * 7) % 28:02}",
            "postal_code": f"{10 + (i * 13) % 80}{(i * 37) % 1000:03}",
        }
        for i in range(600)
    ]
    twice = [p | {"record_key": f"b{p['record_key'][1:]}", "last_name": p["last_name"] + "e"} for p in people[::10]]
    rows = [*people, *twice, *more]
    names = ("record_key", "first_name", "last_name", "birth_date", "postal_code")
    session.con.register("crowd", pa.table({n: pa.array([r.get(n) for r in rows], pa.string()) for n in names}))
    return session.table("crowd")


def keys(session: Backend, pairs) -> set[tuple[str, str]]:  # type: ignore[no-untyped-def]
    return {(p["left_key"], p["right_key"]) for p in session.to_pyarrow(pairs).to_pylist()}


def test_a_typing_error_is_found_and_nobody_else_is(session: Backend) -> None:
    records = crowd(session)

    found = scored_pairs(session, records, train(session, records, PEOPLE))

    assert keys(session, found) == {(f"a:{i:03}", f"b:{i:03}") for i in range(0, 600, 10)}


def test_swapped_first_and_last_names_are_found(session: Backend) -> None:
    one = {"first_name": "Maxence", "last_name": "Roussel", "birth_date": "1980-02-03", "postal_code": "44000"}
    swapped = one | {"first_name": "Roussel", "last_name": "Maxence"}
    records = crowd(session, one | {"record_key": "x:1"}, swapped | {"record_key": "x:2"})

    assert ("x:1", "x:2") in keys(session, scored_pairs(session, records, train(session, records, PEOPLE)))


def test_relatives_of_one_household_are_asked_about(session: Backend) -> None:
    home = {"last_name": "Desrosiers", "postal_code": "44321"}
    records = crowd(
        session,
        home | {"record_key": "x:1", "first_name": "Maxence"},
        home | {"record_key": "x:2", "first_name": "Philippine"},
        home | {"record_key": "x:3", "first_name": "Quitterie", "birth_date": "1977-11-12"},
        home | {"record_key": "x:4", "first_name": "Zoltan", "birth_date": "1977-11-12"},
    )
    model = train(session, records, PEOPLE)
    lenient = replace(model, rules=replace(model.rules, review=1e-9))

    found = scored_pairs(session, records, lenient)

    asked = {(p["left_key"], p["right_key"]): p["may_be_relative"] for p in session.to_pyarrow(found).to_pylist()}
    assert asked["x:1", "x:2"]
    # Twins are born on one day: that is for verified dates and reviewers.
    assert not asked["x:3", "x:4"]
    assert ("x:1", "x:2") not in keys(session, accepted(found, 1e-9))
    assert ("x:3", "x:4") in keys(session, accepted(found, 1e-9))


def test_namesakes_are_told_apart_although_their_mailboxes_are_called_alike(session: Backend) -> None:
    """Four of each name at four providers, some of whom wrote twice, with a typing error in the last name."""
    people = []
    for i in range(576):
        first, last = FIRST[i % 12], LAST[i // 12 % 12]
        email = f"{folded_of(first)}.{folded_of(last)}@provider{i // 144}.example"
        people.append({"key": f"{i:03}", "first_name": first, "last_name": last, "email": email})
    again = [p | {"key": f"{p['key']} again", "last_name": p["last_name"] + "e"} for p in people[::7]]
    rows = pa.Table.from_pylist([*people, *again]).rename_columns({"key": "record_key"})
    session.con.register("namesakes", rows)
    records = session.table("namesakes")

    found = accepted(scored_pairs(session, records, train(session, records, PEOPLE)), PEOPLE.accept)

    assert keys(session, found) == {(f"{i:03}", f"{i:03} again") for i in range(0, 576, 7)}


def test_values_of_nobody_match_nothing(session: Backend) -> None:
    nobodies: list[dict[str, str]] = [
        {"first_name": "N/A", "last_name": "test", "birth_date": "1900-01-01", "postal_code": "00000"},
        {"first_name": "", "last_name": " ", "birth_date": "", "postal_code": "-"},
        {"first_name": "J.", "last_name": "B", "birth_date": "soon", "postal_code": "9"},
        {"first_name": "aaa", "last_name": "xx xx", "birth_date": "01/01/1970", "postal_code": "xxxxx"},
        {},
    ]
    several: list[dict[str, str | None]] = [
        {"record_key": f"n:{who}{i}", **told} for i in range(5) for who, told in enumerate(nobodies)
    ]
    records = crowd(session, *several)

    found = keys(session, scored_pairs(session, records, train(session, records, PEOPLE)))

    assert not [pair for pair in found if any(key.startswith("n:") for key in pair)]


def test_learning_again_gives_the_same_model_and_it_survives_being_stored(session: Backend) -> None:
    records = crowd(session)
    model = train(session, records, PEOPLE)

    assert train(session, records, PEOPLE) == model
    assert TrainedModel.from_json(model.to_json()) == model


def test_a_model_of_other_levels_is_learned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    of_now = PEOPLE.fingerprint

    monkeypatch.setitem(HOW, "email", ("different", "same"))

    assert PEOPLE.fingerprint != of_now


def test_a_stored_model_that_was_changed_is_refused(session: Backend) -> None:
    stored = train(session, crowd(session), PEOPLE).to_json().replace('"seed": 1', '"seed": 2')

    with pytest.raises(DeclarationError, match="found content of version"):
        TrainedModel.from_json(stored)


def test_a_model_names_nobody(session: Backend) -> None:
    stored = train(session, crowd(session), PEOPLE).to_json().lower()

    assert not [name for name in ("anne", "aubert", "bonnet") if name in stored]


def test_records_without_anything_in_common_teach_nothing(session: Backend) -> None:
    records = crowd(session).limit(1)

    with pytest.raises(ModelError, match="none of 1 records share a block"):
        train(session, records, PEOPLE)
