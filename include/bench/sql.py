"""A day's orders of a partner's PostgreSQL: extraction into staging, COPY of the same rows, and record by record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.measure import Step, Stopwatch, Usual, equal, run
from bench.place import DAY, Place

if TYPE_CHECKING:
    import sqlalchemy as sa

    from audience.core.connection import Connection
    from audience.sources.contract import Source

ORDERS_PER_BUYER = 10
SAMPLE = 200_000
"""Orders that are read record by record."""

_ORDERS = """
CREATE TABLE orders AS
SELECT n AS id, n % 400000 AS customer_id, 'reader' || n % 400000 || '@mailbox.example' AS email,
       CAST(:day AS timestamptz) + n % 86400 * interval '1 second' AS placed_at,
       (ARRAY['invoiced', 'invoiced', 'cancelled', 'credited'])[1 + n % 4] AS state, 'EUR' AS currency,
       CAST(n % 30000 / 100.0 AS numeric(12, 2)) AS total, 0.5 AS discount, CASE n % 7 WHEN 0 THEN 'WELCOME' END AS coupon,
       CAST(:day AS timestamptz) + n % 86400 * interval '1 second' AS changed_at
FROM generate_series(1, :orders) n
"""


def measure_sql(place: Place) -> Step:
    """From the query to the staged rows. The server is one process, so with two cores it works beside the reader."""
    with filled(place):
        mine, copy, single = run(ours, place), run(limit, place), run(usual, place)
    equal("sql", mine, copy)
    orders = _orders(place)
    alternative = Usual.of("record by record", single, min(1.0, SAMPLE / orders))
    return Step("sql", f"{orders:,} orders in PostgreSQL", mine, copy, "COPY TO STDOUT, read and dropped", alternative)


def ours(place: Place, watch: Stopwatch) -> object:
    return _extracted(place, watch, the_partner())


def usual(place: Place, watch: Stopwatch) -> object:
    """A dict for each row, checked, tidied by a function, written as a line of JSON: what other sources do."""
    from itertools import islice

    from audience.sources.partner_db import Order

    source = the_partner()
    stream = source.streams[0]

    def tidy(record: Order) -> Iterator[tuple[str, dict[str, Any]]]:
        yield "order", dict(record)

    single = replace(stream, tidy=tidy, fetch=lambda db, window: islice(stream.records(db, window), SAMPLE))
    return _extracted(place, watch, replace(source, streams=(single,)))


def limit(place: Place, watch: Stopwatch) -> object:
    import psycopg
    import sqlalchemy as sa

    from audience.sources.partner_db import ORDERS

    query = str(sa.text(ORDERS).bindparams(start=DAY.window.start, end=DAY.window.end)
                .compile(_server(place), compile_kwargs={"literal_binds": True}))  # fmt: skip
    address = _url(place).set(drivername="postgresql").render_as_string(hide_password=False)
    rows = 0
    with psycopg.connect(address) as connection:
        while watch.again():
            rows = 0
            with watch.lap(), connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copy:
                for _ in copy:
                    rows += 1
    return rows


def _extracted(place: Place, watch: Stopwatch, source: "Source") -> int:
    from audience.core.lake import Lake
    from audience.sources.contract import extract

    lake = Lake.at(place.folder / "sql")
    rows = 0
    while watch.again():
        with watch.lap():
            extraction = extract(source, connection_to(place), lake, first=DAY, last=DAY)
        assert extraction.rows["_broken"] == extraction.outside == 0
        rows = extraction.rows["order"]
    lake.unstage(extraction.folder)
    return rows


def the_partner() -> "Source":
    """The source of the partner, its orders alone."""
    from audience.sources.contract import source_named

    partner = source_named("partner_db")
    return replace(partner, streams=tuple(s for s in partner.streams if s.name == "orders"))


def connection_to(place: Place) -> "Connection":
    """The partner's database as a source is told of it."""
    from audience.core.connection import Connection

    return Connection("partner_db", _url(place).set(drivername="postgresql").render_as_string(hide_password=False))


@contextmanager
def filled(place: Place) -> Iterator[None]:
    """The partner's database, dropped at the end."""
    import sqlalchemy as sa

    admin = _server(place)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {place.database('sql')} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {place.database('sql')}"))
    engine = sa.create_engine(_url(place), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(_ORDERS), {"day": DAY.key, "orders": _orders(place)})
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE orders"))
        yield
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {place.database('sql')} WITH (FORCE)"))


def _server(place: Place) -> "sa.Engine":
    import sqlalchemy as sa

    return sa.create_engine(place.server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)


def _url(place: Place) -> "sa.URL":
    import sqlalchemy as sa

    return sa.make_url(place.server_url).set(database=place.database("sql"))


def _orders(place: Place) -> int:
    return place.people * ORDERS_PER_BUYER
