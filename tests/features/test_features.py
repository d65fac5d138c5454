"""The feature table: one row per person, and nothing of the future in it."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from known import AS_OF, a_line, an_event, an_order, known

from audience.core.engine import engine
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.table import Table
from audience.core.tables import CUSTOMERS, DERIVED, FEATURES, PERSON_KEY
from audience.features.compute import compute, features_at
from rows import FRIDAY, NOON, land, rows_of

DAY = timedelta(days=1)


def test_a_person_of_whom_nothing_is_known_has_zeros_and_unknowns(duck: Backend) -> None:
    (person,) = known(duck, customers=[{"person_id": "ana"}]).values()
    zeros = {n for n, value in person.items() if value == 0 and value is not False}
    assert zeros == {"known_days", "orders_7d", "orders_30d", "orders_90d", "orders_365d", "spend_30d_eur",
                     "spend_90d_eur", "spend_365d_eur", "coupon_orders_365d", "categories_90d", "sent_90d", "opens_90d",
                     "clicks_90d"}  # fmt: skip
    assert person["is_customer"] is False
    assert {n for n, value in person.items() if value is not None} == zeros | {"person_id", "is_customer"}


def test_every_required_feature_is_known_of_everybody(duck: Backend) -> None:
    people = known(duck, customers=[{"person_id": "bo"}], orders=[an_order("ana", AS_OF - DAY)])
    required = [c.name for c in FEATURES.columns if c.required]
    assert all(p[name] is not None for p in people.values() for name in required)


def test_age_is_the_one_reached_in_the_year_and_known_days_are_never_negative(duck: Backend) -> None:
    customers = [
        {"person_id": "ana", "birth_year": 1984, "first_seen_at": AS_OF - timedelta(days=10, hours=5)},
        {"person_id": "bo", "first_seen_at": AS_OF + DAY},
    ]
    people = known(duck, customers=customers)
    assert (people["ana"]["age_years"], people["ana"]["known_days"]) == (42, 10)
    assert (people["bo"]["age_years"], people["bo"]["known_days"]) == (None, 0)


def test_the_favourite_category_is_where_most_was_spent_then_first_by_name(duck: Backend) -> None:
    ana, bo, old = (an_order(p, AS_OF - timedelta(days=d)) for p, d in (("ana", 1), ("bo", 1), ("bo", 91)))
    lines = [a_line(ana, "tea", 5), a_line(ana, "cup", 3, 2), a_line(ana, "mug", 3, 3), a_line(bo, "tea", 5),
             a_line(bo, "cup", 5, 2), a_line(old, "mug", 900)]  # fmt: skip
    categories = {"tea": "drinks", "cup": "china", "mug": "china"}
    people = known(duck, orders=[ana, bo, old], lines=lines, categories=categories)
    assert (people["ana"]["favourite_category"], people["ana"]["categories_90d"]) == ("china", 2)
    assert people["bo"]["favourite_category"] == "china"


def test_lines_of_cancelled_orders_and_products_without_a_category_are_no_taste(duck: Backend) -> None:
    cancelled, paid = an_order("ana", AS_OF - DAY, status="cancelled"), an_order("ana", AS_OF - 2 * DAY)
    people = known(
        duck, orders=[cancelled, paid], lines=[a_line(cancelled, "tea", 5), a_line(paid, "box", 5)],
        categories={"tea": "drinks", "box": None},
    )  # fmt: skip
    assert (people["ana"]["favourite_category"], people["ana"]["categories_90d"]) == (None, 0)


MOMENT = st.integers(-200, 100).map(lambda hours: AS_OF + timedelta(hours=hours))
WHO = st.sampled_from(["ana", "bo", "cy"])
ORDERS = st.lists(
    st.builds(
        lambda who, at, eur, status, coupon: an_order(who, at, eur, status=status, has_coupon=coupon),
        WHO, MOMENT, st.integers(0, 99), st.sampled_from(["paid", "cancelled"]), st.booleans(),
    ),
    max_size=8, unique_by=lambda o: o["order_id"],
)  # fmt: skip
EVENTS = st.lists(st.builds(an_event, WHO, st.sampled_from(["sent", "open", "click"]), MOMENT), max_size=8)


@settings(max_examples=15, deadline=None)
@given(orders=ORDERS, events=EVENTS)
def test_rows_after_as_of_change_nothing_whether_they_are_there_or_not(orders: list[Any], events: list[Any]) -> None:
    everybody = [{"person_id": p} for p in ("ana", "bo", "cy")]
    categories = {"tea": "drinks", "cup": "china"}

    def computed(duck: Backend, orders: list[Any], events: list[Any]) -> dict[str, Any]:
        lines = [a_line(o, ("tea", "cup")[n % 2], n + 1) for n, o in enumerate(all_orders) if o in orders]
        return known(duck, customers=everybody, orders=orders, events=events, lines=lines, categories=categories)

    all_orders = orders
    with engine() as duck:
        past = [o for o in orders if o["ordered_at"] < AS_OF], [e for e in events if e["occurred_at"] < AS_OF]
        assert computed(duck, orders, events) == computed(duck, *past)


def filled(lake: Lake, duck: Backend, *, through: Partition) -> None:
    """A lake whose days up to `through` have an order each, and whose people are known on Friday."""
    day = FRIDAY.plus(-2)
    while day <= through:
        order = {"order_id": f"O-{day}", "record_id": "S-1", "ordered_at": day.window.start, "updated_at": NOON}
        land(lake, duck, "order", order, day=day)
        land(lake, duck, "product", {"product_id": "P-1", "category": f"category of {day}"}, day=day)
        day = day.next
    write(lake, duck, PERSON_KEY, {"kind": "record", "key": "shop:S-1", "person_id": "ana"})
    write(lake, duck, CUSTOMERS, {"person_id": "ana", "records": 1, "first_seen_at": NOON - 9 * DAY},
          {"person_id": "new", "records": 1, "first_seen_at": NOON})  # fmt: skip


def write(lake: Lake, duck: Backend, table: Table, *rows: dict[str, Any]) -> None:
    lake.write(duck, table, FRIDAY, rows_of(table, rows))


def test_features_of_a_day_are_byte_equal_when_later_days_have_landed(tmp_path_factory: Any, duck: Backend) -> None:
    hashes = []
    for through in (FRIDAY, FRIDAY.plus(3)):
        lake = Lake.at(tmp_path_factory.mktemp("lake"))
        filled(lake, duck, through=through)
        hashes.append(compute(lake, duck, FRIDAY).publication.content_hash)
    assert hashes[0] == hashes[1]


def test_computing_a_day_again_changes_nothing(lake: Lake, duck: Backend) -> None:
    filled(lake, duck, through=FRIDAY)
    assert [compute(lake, duck, FRIDAY).changed for _ in range(2)] == [True, False]


def test_training_sees_the_people_of_now_as_they_were_at_a_cut_off(lake: Lake, duck: Backend) -> None:
    filled(lake, duck, through=FRIDAY)
    rows = duck.to_pyarrow(features_at(lake, duck, FRIDAY.plus(-1), known=FRIDAY)).to_pylist()
    assert [(r["person_id"], r["orders_7d"], r["recency_days"]) for r in rows] == [("ana", 2, 1)]


def test_features_hold_no_direct_identifier() -> None:
    assert DERIVED["features"].personal == ()
