"""Similar records: one model a week, and increments that find the pairs of one batch."""

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend

from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import MATCH_PAIR, MATCH_STATE
from audience.identity.fuzzy import PEOPLE
from audience.identity.matching import Matching, learned_on
from identity.townspeople import FIRST, LAST
from key import KEY

MONDAY = Partition.parse("2026-11-16")
TUESDAY, WEDNESDAY, SUNDAY = MONDAY.next, MONDAY.plus(2), MONDAY.plus(-8)
DAYS = {SUNDAY: 90, MONDAY: 100, TUESDAY: 110, WEDNESDAY: 120}
"""How many people are known at the end of each day; some have two records, and a few move house on Tuesday."""

COLUMNS = ("record_key", "first_name", "last_name", "birth_date", "postal_code", "city", "email")
STRICT = replace(PEOPLE, blocks=tuple(replace(block, most_records=6) for block in PEOPLE.blocks))
"""Blocks so small that new records make them too large."""


def town(day: Partition) -> ibis.Table:
    """Who is known at the end of a day."""
    rows: list[dict[str, Any]] = []
    for n in range(DAYS[day]):
        chance = random.Random(n)
        moved = day >= TUESDAY and n % 17 == 0
        person = {
            "record_key": f"crm:{n:03}", "first_name": chance.choice(FIRST), "last_name": chance.choice(LAST),
            "birth_date": date(1950, 1, 1) + timedelta(days=chance.randrange(18_000)),
            "postal_code": "33000" if moved else f"69{chance.randrange(9):03}", "city": "Bordeaux" if moved else "Lyon",
            "email": f"person{n}@mailbox.example",
        }  # fmt: skip
        rows.append(person)
        if n % 3 == 0:
            typed = person["last_name"][:-1] + "s" if n % 2 else person["last_name"].upper()
            rows.append(person | {"record_key": f"shop:{n:03}", "last_name": typed, "email": None})
    schema = {name: pa.date32() if name == "birth_date" else pa.string() for name in COLUMNS}
    return ibis.memtable(pa.Table.from_pylist(rows, schema=pa.schema(list(schema.items()))))


def matching(place: Path, duck: Backend, **more: Any) -> Matching:
    return Matching(Lake.at(place), duck, KEY, town, rules=STRICT, **({"least_records": 50, "kept_from": 0} | more))


def found(place: Path, duck: Backend, days: Iterable[Partition], **more: Any) -> tuple[str, int]:
    """Content of Wednesday's pairs, and their number."""
    similar = matching(place, duck, **more)
    for day in days:
        similar.pairs(day, town(day))
    (file,) = similar.lake.publications(MATCH_PAIR, through=WEDNESDAY, since=WEDNESDAY)
    return file.content_hash, int(duck.to_pyarrow(similar.lake.read(duck, MATCH_PAIR, WEDNESDAY).count()).as_py())


def test_increments_find_what_one_batch_finds_in_any_order(tmp_path: Path, duck: Backend) -> None:
    batch = found(tmp_path / "batch", duck, [WEDNESDAY], kept_from=10_000)
    assert batch[1] >= 30
    assert found(tmp_path / "daily", duck, [MONDAY, TUESDAY, WEDNESDAY]) == batch
    assert found(tmp_path / "backwards", duck, [TUESDAY, WEDNESDAY, MONDAY, WEDNESDAY]) == batch


def test_the_model_of_a_week_is_of_the_sunday_that_ends_the_last_week_but_one(tmp_path: Path, duck: Backend) -> None:
    similar = matching(tmp_path, duck)
    similar.pairs(TUESDAY, town(TUESDAY))
    model = similar.stored(WEDNESDAY)
    assert model is not None and model.records == 120
    assert similar.learn(SUNDAY) == model
    assert {learned_on(MONDAY.plus(n)) for n in range(7)} == {SUNDAY}


def test_too_few_records_teach_nothing(tmp_path: Path, duck: Backend) -> None:
    similar = matching(tmp_path, duck, least_records=1_000)
    assert similar.pairs(MONDAY, town(MONDAY)) is None
    assert similar.stored(MONDAY) is None


def test_a_state_is_a_keyed_hash_and_a_pair_holds_no_value(tmp_path: Path, duck: Backend) -> None:
    similar = matching(tmp_path, duck)
    similar.pairs(MONDAY, town(MONDAY))
    rows = str([duck.to_pyarrow(similar.lake.read(duck, t, MONDAY)).to_pylist() for t in (MATCH_PAIR, MATCH_STATE)])
    assert not [name for name in (*FIRST, *LAST) if name.lower() in rows.lower()]


def test_states_count_only_with_the_pairs_that_were_found_with_them(tmp_path: Path, duck: Backend) -> None:
    batch = found(tmp_path / "batch", duck, [WEDNESDAY], kept_from=10_000)
    killed = matching(tmp_path / "killed", duck)
    killed.pairs(TUESDAY, town(TUESDAY))
    killed.lake.write(duck, MATCH_PAIR, TUESDAY, ibis.memtable([], schema=MATCH_PAIR.schema))

    assert found(tmp_path / "killed", duck, [WEDNESDAY]) == batch


def test_states_are_kept_again_when_many_records_changed_since(tmp_path: Path, duck: Backend) -> None:
    similar = matching(tmp_path, duck)
    similar.pairs(WEDNESDAY, town(WEDNESDAY))

    def kept(day: Partition, records: ibis.Table) -> bool:
        similar.pairs(day, records)
        return bool(similar.lake.files(MATCH_STATE.name, day))

    nearly = town(WEDNESDAY).filter(ibis._.record_key != "crm:005")
    assert not kept(WEDNESDAY.next, nearly)
    assert kept(WEDNESDAY.plus(2), town(MONDAY))
