"""Blocks: which records are compared, and what is set aside because too many share it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audience.core.errors import DeclarationError
from audience.identity.fuzzy import PEOPLE, Block, Rules
from audience.identity.fuzzy.blocking import Blocks, Numbers, blocks_of, pairs_of


def rules(*blocks: Block) -> Rules:
    return Rules(blocks=blocks, comparisons=PEOPLE.comparisons)


def numbers(values: Sequence[int]) -> Numbers:
    return np.array(values, dtype=np.uint64)


def pairs(blocks: Blocks, changed: Sequence[int] | None = None) -> list[tuple[int, int]]:
    some = None
    if changed is not None:
        some = np.zeros(len(blocks.numbers[0]), dtype=np.bool_)
        some[list(changed)] = True
    parts = pairs_of(blocks, changed=some)
    return sorted((int(a), int(b)) for left, right in parts for a, b in zip(left, right, strict=True))


def test_records_with_the_same_value_meet_and_those_without_one_do_not() -> None:
    found = blocks_of({"email": numbers([7, 0, 7, 0, 9])}, rules(Block(("email",))))

    assert pairs(found) == [(0, 2)]


def test_a_pair_of_two_blocks_is_one_pair() -> None:
    told = {"email": numbers([7, 7, 8]), "phone": numbers([5, 5, 5])}

    found = blocks_of(told, rules(Block(("email",)), Block(("phone",))))

    assert pairs(found) == [(0, 1), (0, 2), (1, 2)]
    assert found.pairs == 4


def test_a_block_that_is_too_large_is_divided() -> None:
    told = {"city": numbers([1, 1, 1, 1, 2, 2]), "birth_date": numbers([3, 3, 4, 0, 5, 6])}

    found = blocks_of(told, rules(Block(("city",), then=("birth_date",), most_records=3)))

    assert pairs(found) == [(0, 1), (4, 5)]


def test_a_million_records_with_one_address_are_set_aside_and_counted() -> None:
    told = {"email": numbers([7] * 1_000_000 + [8, 8])}

    found = blocks_of(told, rules(Block(("email",))))

    assert pairs(found) == [(1_000_000, 1_000_001)]
    (email,) = found.found
    assert (email.blocks_set_aside, email.records_set_aside) == (1, 1_000_000)
    assert email.pairs_set_aside == 499_999_500_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40), st.sets(st.integers(0, 39)))
def test_pairs_of_changed_records_are_those_of_all_with_a_changed_side(
    told: list[tuple[int, int]], chosen: set[int]
) -> None:
    parts = {"email": numbers([a for a, _ in told]), "phone": numbers([b for _, b in told])}
    declared = rules(Block(("email",), then=("phone",), most_records=6), Block(("phone",), most_records=9))
    changed = sorted(i for i in chosen if i < len(told))
    mask = np.isin(np.arange(len(told)), changed)

    some = pairs(blocks_of(parts, declared, mask), changed)

    assert some == [p for p in pairs(blocks_of(parts, declared)) if set(p) & set(changed)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rules(Block(("emial",))), "blocks[0]: no 'emial'; did you mean 'email'?"),
        (lambda: Rules(PEOPLE.blocks, PEOPLE.comparisons, accept=0.4, review=0.5), "expected 0 < review <= accept < 1"),
        (lambda: Rules.from_dict(PEOPLE.as_dict() | {"treshold": 1}), "found other keys than expected"),
        (lambda: PEOPLE.of_columns(["city"]), "the records have city, expected the columns of at least one block"),
    ],
    ids=["column", "thresholds", "keys", "too few columns"],
)
def test_wrong_rules_say_what_is_wrong(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DeclarationError) as told:
        make()

    assert message in str(told.value)
