"""Why two records are one person or not, and what another threshold would change, on a town with typing errors."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from audience.core.engine import engine
from audience.core.errors import NotPublished
from audience.core.lake import Lake
from audience.core.lake_over import LakeOver
from audience.core.partition import Partition
from audience.core.tables import CUSTOMERS, PERSON_KEY
from audience.core.trust import Trust
from audience.identity.clusters import Decisions
from audience.identity.explain import Explanation, Link, explain, shown
from audience.identity.identify import Identity
from audience.identity.preview import preview
from identity.test_resolve import a_contact
from identity.townspeople import FIRST, LAST
from key import KEY
from rows import FRIDAY, land

EARLIER = Partition.parse("2026-11-06")


def person(n: int) -> dict[str, Any]:
    chance = random.Random(n)
    return {
        "first_name": chance.choice(FIRST), "last_name": chance.choice(LAST), "city": "Lyon",
        "birth_date": date(1950, 1, 1) + timedelta(days=chance.randrange(18_000)),
        "postal_code": f"69{chance.randrange(9):03}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identity]:
    """150 people; every third is in the shop, too, where the last letter of the name is another and there is no address."""
    lake = Lake.at(tmp_path_factory.mktemp("town"))
    with engine(memory_limit="1GB") as duck:
        people = [a_contact(f"{n:03}", f"person{n}@mailbox.example", **person(n)) for n in range(150)]
        copies = [
            a_contact(f"{n:03}", **person(n) | {"last_name": person(n)["last_name"][:-1] + "e"})
            for n in range(0, 150, 3)
        ]
        land(lake, duck, "contact", *people, day=EARLIER, source="crm")
        land(lake, duck, "contact", *copies, day=EARLIER, source="shop")
        # Two people of one household who write from one address.
        home = {"birth_date": date(2001, 1, 1)}
        land(lake, duck, "contact", a_contact("home", "person1@mailbox.example", **home), day=FRIDAY, source="crm")
        land(lake, duck, "contact", a_contact("1", first_name="Zoé"), day=FRIDAY, source="form")
        yield Identity(lake, duck, KEY, {"crm": Trust(verifies=("birth_date",))})


def told(identity: Identity, one: str, other: str) -> Explanation:
    return explain(identity, FRIDAY, Decisions(), one, other)


def test_similar_records_are_explained_by_what_each_comparison_is_worth(identity: Identity) -> None:
    found = told(identity, "crm:003", "shop:003")
    (link,) = found.path
    assert (found.same, link.left_key, link.right_key, link.kind) == (True, "crm:003", "shop:003", "likely")
    said = {s.comparison: s for s in found.said}
    assert said["birth_date"].level == said["first_name"].level == "same"
    assert said["birth_date"].bits > 5
    assert (said["phone"].level, said["phone"].bits) == ("not known", 0.0)
    assert found.prior_bits is not None and link.bits is not None and found.probability is not None
    assert link.bits == pytest.approx(found.prior_bits + sum(s.bits for s in found.said), abs=0.01)
    assert found.probability > 0.95


def test_strangers_are_compared_too_although_nothing_brought_them_together(identity: Identity) -> None:
    found = told(identity, "crm:001", "shop:003")
    assert (found.same, found.path, found.given_up) == (False, (), ())
    assert found.probability is not None and found.probability < 0.01


def test_what_was_given_up_between_two_people_is_told(identity: Identity) -> None:
    found = told(identity, "crm:home", "crm:001")
    assert not found.same
    assert found.given_up == (Link("crm:001", "crm:home", "email_key", given_up="verified_birth_date"),)


def test_a_path_leads_over_others_by_the_strongest_links(identity: Identity) -> None:
    over = Decisions(same=(("form:1", "shop:003"),))
    found = explain(identity, FRIDAY, over, "form:1", "crm:003")
    assert [(link.kind, {link.left_key, link.right_key}) for link in found.path] == [
        ("reviewed", {"form:1", "shop:003"}),
        ("likely", {"crm:003", "shop:003"}),
    ]


def test_a_record_that_is_not_there_is_named_with_the_nearest(identity: Identity) -> None:
    with pytest.raises(NotPublished, match=r"partition 2026-11-20 has no record 'crm:00x'; did you mean 'crm:"):
        told(identity, "crm:00x", "crm:001")


def test_no_value_is_told_unless_it_is_asked_for(identity: Identity) -> None:
    words = str(told(identity, "crm:003", "shop:003"))
    assert not [value for value in (*FIRST, *LAST) if value in words]
    first, second = shown(identity, FRIDAY, ("crm:003", "shop:003"), ("last_name",))
    assert first["last_name"][:-1] == second["last_name"][:-1]


def test_a_preview_tells_what_a_threshold_changes_and_writes_beside_the_lake(
    identity: Identity, tmp_path: Path
) -> None:
    above = Lake.at(tmp_path)
    tried_on = Identity(LakeOver(identity.lake, above), identity.session, KEY, identity.trusted)
    before = identity.lake.tables()
    found = preview(tried_on, FRIDAY, Decisions(), 1.0)
    assert (found.then.pairs, found.then.people) == (0, 202)
    assert found.now.pairs > 30 and found.now.people == 202 - found.now.pairs
    assert found.changes == {"split": found.now.pairs}
    assert identity.lake.tables() == before and CUSTOMERS.name in above.tables()
    keys = tried_on.lake.read(identity.session, PERSON_KEY, FRIDAY)
    assert int(identity.session.to_pyarrow(keys.person_id.nunique()).as_py()) == 202
