"""What changed since records were compared is compared again, and the pairs are those of comparing everybody."""

from collections.abc import Iterator
from random import Random
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from audience.core.engine import engine
from audience.core.tables import MATCH_STATE
from audience.identity.fuzzy import PEOPLE, Block, Rules, scored_pairs, train
from audience.identity.fuzzy.blocking import Numbers, Truths, blocks_of, pairs_of, share_a_block
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.declaration import COLUMNS, KEYS
from audience.identity.fuzzy.increment import increment, states_of, states_since
from audience.identity.fuzzy.keyed import keyed, number_key
from audience.identity.fuzzy.moved import moved
from audience.identity.fuzzy.refused import ROUNDING, most_of
from audience.identity.fuzzy.scoring import Judge
from key import KEY

SMALL = Rules(
    blocks=(Block(("email",), then=("phone", "city"), most_records=3), Block(("phone",), most_records=4)),
    comparisons=PEOPLE.comparisons,
)
TINY = Rules(tuple(Block(b.on, b.then, most_records=4) for b in PEOPLE.blocks), PEOPLE.comparisons)

values = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
day = st.lists(st.none() | values, min_size=18, max_size=18)


@pytest.fixture
def session() -> Iterator[Backend]:
    with engine() as opened:
        yield opened


def parts(records: list[tuple[int, int, int] | None]) -> dict[str, Numbers]:
    """Who is not there has no value."""
    told = np.array([r or (0, 0, 0) for r in records], dtype=np.uint64)
    return {name: told[:, i].copy() for i, name in enumerate(("email", "phone", "city"))}


def pairs(told: dict[str, Numbers], changed: Truths | None = None) -> set[tuple[int, int]]:
    found = pairs_of(blocks_of(told, SMALL, changed), changed=changed)
    return {(int(a), int(b)) for left, right in found for a, b in zip(left, right, strict=True)}


@settings(max_examples=300, deadline=None)
@given(day, st.dictionaries(st.integers(0, 17), st.none() | values, max_size=6))
def test_pairs_that_nothing_touched_and_pairs_that_something_did_are_all_pairs(
    before: list[tuple[int, int, int] | None], news: dict[int, tuple[int, int, int] | None]
) -> None:
    now = [news.get(i, r) for i, r in enumerate(before)]
    changed = np.array([a != b for a, b in zip(before, now, strict=True)])
    apart, again = moved(parts(before), parts(now), SMALL, changed)
    again |= changed
    blocks = blocks_of(parts(now), SMALL, again | apart)

    def stays(one: int, other: int) -> bool:
        if not apart[one] and not apart[other]:
            return True
        return bool(share_a_block(blocks, np.array([one], np.int32), np.array([other], np.int32))[0])

    taken_over = {(a, b) for a, b in pairs(parts(before)) if not again[a] and not again[b] and stays(a, b)}

    assert taken_over | pairs(parts(now), again) == pairs(parts(now))


def test_a_block_that_outgrows_its_limit_moves_who_was_in_it() -> None:
    before = [(1, 1, 1), (1, 1, 2), (1, 2, 3), None]
    grown = [*before[:3], (1, 2, 0)]
    changed = np.array([False, False, False, True])

    apart, again = moved(parts(before), parts(grown), SMALL, changed)
    assert (apart.tolist(), again.any()) == ([True, True, True, False], False)
    apart, again = moved(parts(grown), parts(before), SMALL, changed)
    assert (apart.any(), again.tolist()) == (False, [True, True, True, False])


def town(session: Backend, people: int, seed: int, *, moving: int = 0, gone: int = 0):  # type: ignore[no-untyped-def]
    """People with few names, some of them twice; `moving` of them live elsewhere, and the first `gone` are no more there."""
    told = []
    for n in range(gone, people):
        draw = Random(seed * 1000 + n)
        first, last = (
            draw.choice(("Anne", "Bruno", "Chloé", "Driss", "Émile")),
            draw.choice(("Aubert", "Bonnet", "Klein")),
        )
        row = {
            "record_key": f"a:{n:03}", "first_name": first, "last_name": last + draw.choice(("ard", "eau", "ier", "in")),
            "birth_date": f"19{draw.randrange(40, 99)}-0{draw.randrange(1, 9)}-1{draw.randrange(9)}",
            "postal_code": f"690{draw.randrange(10):02}" if n % 23 >= moving else "44000", "city": "Lyon",
        }  # fmt: skip
        told.append(row)
        if n % 4 == 0:
            told.append(row | {"record_key": f"b:{n:03}", "last_name": f"{row['last_name']}s"})
    session.con.register(f"town{people}_{moving}_{gone}", pa.Table.from_pylist(told))
    return session.table(f"town{people}_{moving}_{gone}")


def rows(session: Backend, table: ibis.Table) -> list[dict[str, Any]]:
    return session.to_pyarrow(table).to_pylist()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_increment_gives_the_pairs_of_comparing_everybody(session: Backend, seed: int) -> None:
    before, now = town(session, 150, seed), town(session, 160, seed, moving=1, gone=3)
    model = train(session, before, TINY)
    secret = number_key(KEY)
    kept = states_of(session, before, Candidates.of(session, before, model.rules), secret).table(session)

    since = states_since(session, now, kept, model.rules.parts, secret)
    old = {
        (p["left_key"], p["right_key"]): p["match_weight"] for p in rows(session, scored_pairs(session, before, model))
    }
    new = increment(session, now, model, since, scored_pairs(session, before, model))

    parted = {(p["left_key"], p["right_key"]) for p in rows(session, new.parted)}
    weights = {pair: weight for pair, weight in old.items() if pair not in parted}
    assert len(parted) < len(weights)
    weights |= {(p["left_key"], p["right_key"]): p["match_weight"] for p in rows(session, new.pairs)}
    assert weights == {
        (p["left_key"], p["right_key"]): p["match_weight"] for p in rows(session, scored_pairs(session, now, model))
    }
    again = states_of(session, now, Candidates.of(session, now, model.rules), secret).table(session)
    assert session.to_pyarrow(since.now.table(session).order_by("record_key")) == session.to_pyarrow(
        again.order_by("record_key")
    )


def test_no_comparison_says_more_than_the_numbers_of_its_values_let_it(session: Backend) -> None:
    of = town(session, 150, 1)
    some = of.postal_code.cast("int64") % 3
    records = of.mutate(
        email=(some == 0).ifelse(ibis.null("string"), of.last_name.lower() + "@example.org"),
        phone="06123456" + of.birth_date[8:10],
        address=(some == 1).ifelse("1 rue du Bac", "1 Ruedubac"),
        postal_code=(some == 2).ifelse(ibis.null("string"), of.postal_code),
    )
    model = train(session, records, TINY)
    candidates = Candidates.of(session, records, model.rules)
    pair = tuple(side.astype(np.int32) for side in np.triu_indices(candidates.records, k=1))

    told_apart = set()
    for question, learned in zip(candidates.questions, model.learned, strict=True):
        most = most_of(question.comparison, learned, candidates.parts, pair)
        _, said = Judge(question, learned)(*pair)
        assert (said <= most + ROUNDING).all()
        told_apart |= {learned.column} if most.min() < most.max() else set()
    assert told_apart == {"birth_date", "email", "phone", "town"}


def test_nothing_new_is_nothing_to_compare(session: Backend) -> None:
    records = town(session, 150, 1)
    model = train(session, records, TINY)
    secret = number_key(KEY)
    kept = states_of(session, records, Candidates.of(session, records, model.rules), secret).table(session)

    since = states_since(session, records, kept, model.rules.parts, secret)

    assert since.share == 0
    new = increment(session, records, model, since, scored_pairs(session, records, model))
    assert rows(session, new.parted) == rows(session, new.pairs) == []


def test_another_key_knows_nothing(session: Backend) -> None:
    records = town(session, 150, 1)
    model = train(session, records, TINY)
    kept = states_of(session, records, Candidates.of(session, records, model.rules), b"1" * 16).table(session)

    assert states_since(session, records, kept, model.rules.parts, b"2" * 16).share == 1


def test_numbers_are_keyed_by_siphash() -> None:
    # The vector of eight bytes in the reference implementation of SipHash-2-4.
    message = np.frombuffer(bytes(range(8)), dtype="<u8")
    assert keyed(message, bytes(range(16)))[0] == 0x93F5F5799A932462
    assert keyed(np.zeros(3, dtype=np.uint64), bytes(16)).tolist() == [0, 0, 0]


def test_the_table_of_states_has_a_column_for_everything_that_blocks_can_be_made_of() -> None:
    assert set(MATCH_STATE.names) == {"record_key", "told_hash", *(f"{name}_hash" for name in (*COLUMNS, *KEYS))}
