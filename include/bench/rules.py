"""50 nested rules: ours in one pass, the same 50 written by hand as one SQL query, and a loop over people in Python."""

from bench.measure import Step, Stopwatch, Usual, equal, run
from bench.place import Place
from bench.rule_book import fifty_rules

SAMPLE = 2_000


def measure_rules(place: Place) -> Step:
    """From Parquet to one true or false per person and rule, in Arrow."""
    import pyarrow.parquet as pq

    people = pq.ParquetFile(place.file("people")).metadata.num_rows
    mine, hand = run(ours, place), run(limit, place)
    equal("rules", mine, hand)
    loop, sample = run(usual, place), run(ours_of_sample, place)
    equal("rules row by row", sample, loop)
    in_python = Usual.of("row by row", loop, min(1.0, SAMPLE / people))
    return Step("rules", f"{people:,} people x 50 rules", mine, hand, "one DuckDB query", in_python)


def ours(place: Place, watch: Stopwatch, *, of_sample: bool = False) -> object:
    import pyarrow as pa

    from audience.core.engine import engine
    from audience.segments.compile import compile_rule

    rules = [written.rule for written in fifty_rules()]
    with engine() as session:
        people = session.read_parquet(place.file("people"))
        people = people.order_by("person_id").limit(SAMPLE) if of_sample else people
        found = pa.table({})
        while watch.again():
            with watch.lap():
                answers = {f"answer_{i}": compile_rule(rule, people) for i, rule in enumerate(rules)}
                found = session.to_pyarrow(people.select("person_id", **answers))
    return _digest(found)


def ours_of_sample(place: Place, watch: Stopwatch) -> object:
    return ours(place, watch, of_sample=True)


def limit(place: Place, watch: Stopwatch) -> object:
    import pyarrow as pa

    from audience.core.engine import engine

    columns = ", ".join(f"coalesce({r.sql}, false) as answer_{i}" for i, r in enumerate(fifty_rules()))
    query = f"select person_id, {columns} from read_parquet('{place.file('people')}')"
    with engine() as session:
        found = pa.table({})
        while watch.again():
            with watch.lap():
                found = session.con.sql(query).to_arrow_table()
    return _digest(found)


def usual(place: Place, watch: Stopwatch) -> object:
    """Rows as dictionaries, each asked each rule."""
    import pyarrow as pa

    from audience.core.engine import engine
    from audience.segments.why import holds

    rules = [written.rule for written in fifty_rules()]
    with engine() as session:
        table = session.to_pyarrow(session.read_parquet(place.file("people")).order_by("person_id").limit(SAMPLE))
        answers: list[dict[str, object]] = []
        while watch.again():
            with watch.lap():
                answers = [
                    {"person_id": row["person_id"]} | {f"answer_{i}": holds(r, row) for i, r in enumerate(rules)}
                    for row in table.to_pylist()
                ]
    return _digest(pa.Table.from_pylist(answers))


def _digest(answers: object) -> object:
    """Members of each rule, and an order-independent hash of all answers."""
    import duckdb

    con = duckdb.connect()
    con.register("answers", answers)
    sizes = ", ".join(f"count(*) filter (answer_{i})" for i in range(len(fifty_rules())))
    return con.execute(f"select count(*), bit_xor(hash(t)), {sizes} from answers t").fetchall()
