"""Who is one person: ours, one round of exact joins (which cannot follow chains: a lower bound), and a graph library."""

from bench.measure import AnswersDiffer, Step, Stopwatch, Usual, equal, run
from bench.place import Place

RANKED = """
select row_number() over (order by known_since, seen_at, record_key) - 1 as rank, *
from read_parquet('{file}')
"""

NEAREST = """
create or replace temp table labels as
with ranked as materialized ({ranked}),
     by_email as (select email_key, min(rank) as hub from ranked group by all having count(*) between 2 and {email_key}),
     by_ref as (select customer_ref, min(rank) as hub from ranked group by all
                having count(*) between 2 and {customer_ref}),
     by_phone as (select phone_key from ranked group by all having count(*) between 2 and {phone_key}),
     by_name as (select phone_key, called, min(rank) as hub from ranked semi join by_phone using (phone_key) group by all)
select rank, record_key, least(rank, by_email.hub, by_ref.hub, by_name.hub) as nearest
from ranked left join by_email using (email_key) left join by_ref using (customer_ref)
left join by_name using (phone_key, called)
"""


def measure_exact(place: Place) -> Step:
    """From Parquet to the first record of each record's person, in memory."""
    mine, hand, graph = run(ours, place), run(limit, place), run(usual, place)
    equal("identity", mine, graph)
    (records, people, _) = mine.answer
    (bound_records, at_least_people, crossing) = hand.answer
    if bound_records != records or at_least_people < people or crossing:
        raise AnswersDiffer(f"identity: ours gave {mine.answer}, the bound {hand.answer}")
    size = f"{records:,} records, {people:,} people"
    return Step("identity", size, mine, hand, "one exact join (bound)", Usual.of("pandas + scipy graph", graph))


def ours(place: Place, watch: Stopwatch) -> object:
    from audience.core.engine import engine, keep
    from audience.identity.components import components

    with engine() as session:
        while watch.again():
            session.raw_sql("drop view if exists found")
            with watch.lap():
                kept = keep(session, components(session, session.read_parquet(place.file("records"))))
            session.create_view("found", kept)
        session.raw_sql(f"copy found to '{place.file('found_people')}' (format parquet)")
        return session.raw_sql(
            "select count(*), count(distinct first_record), bit_xor(hash(record_key, first_record)) from found"
        ).fetchall()[0]


def limit(place: Place, watch: Stopwatch) -> object:
    """Records, groups, and how many of its joins cross the people that we found (none may)."""
    from audience.core.engine import engine
    from audience.identity.declared import SHARED

    most = {rule.column: rule.most_records for rule in SHARED}
    query = NEAREST.format(ranked=RANKED.format(file=place.file("records")), **most)
    with engine() as session:
        while watch.again():
            with watch.lap():
                session.raw_sql(query)
        found = f"read_parquet('{place.file('found_people')}')"
        return session.raw_sql(
            f"""
            select count(*), count(distinct l.nearest), count(*) filter (mine.first_record <> nearest.first_record)
            from labels l join labels hub on hub.rank = l.nearest
            join {found} mine on mine.record_key = l.record_key
            join {found} nearest on nearest.record_key = hub.record_key
            """
        ).fetchall()[0]


def usual(place: Place, watch: Stopwatch) -> object:
    """pandas finds who shares a value, scipy's connected components do the rest."""
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    from audience.core.engine import engine
    from audience.identity.declared import SHARED

    while watch.again():
        with watch.lap():
            records = pd.read_parquet(place.file("records"))
            records = records.sort_values(["known_since", "seen_at", "record_key"], ignore_index=True)
            edges = []
            for rule in SHARED:
                known = records[records[rule.column].notna()]
                known = known[known.groupby(rule.column)["record_key"].transform("size").between(2, rule.most_records)]
                same = [column for column in (rule.column, rule.beside) if column]
                known = known.dropna(subset=same).assign(rank=lambda rows: rows.index)
                edges.append(known.assign(hub=known.groupby(same)["rank"].transform("min"))[["hub", "rank"]])
            pairs = pd.concat(edges)
            shape = (len(records), len(records))
            graph = coo_matrix((np.ones(len(pairs)), (pairs["rank"], pairs["hub"])), shape=shape)
            _, labels = connected_components(graph, directed=False)
            first = records.index.to_series().groupby(labels).transform("min").to_numpy()
            found = pd.DataFrame(
                {"record_key": records["record_key"], "first_record": records["record_key"].to_numpy()[first]}
            )
    with engine() as session:
        session.con.register("found", found)
        return session.raw_sql(
            "select count(*), count(distinct first_record), bit_xor(hash(record_key, first_record)) from found"
        ).fetchall()[0]
