"""Invented contacts for measuring: 8 % are somebody else's record again, typed with errors. The same ones for a seed."""

from pathlib import Path

from bench.place import Place

SYLLABLES = "ba be bi bo bu da de di do du fa fe fi fo ga ge la le li lo lu ma me mi mo na ne ni no pa pe ra re ri ro sa se si ta te".split()  # noqa: E501, SIM905 - one list of words

MACROS = """
create or replace macro u(i, what) as (hash(i, what, {seed}) % 1000000007) / 1000000007.0;
create or replace macro pick(list, r) as list[1 + floor(r * len(list))::int];
create or replace macro word(n, list) as
    list[1 + n % 40] || list[1 + (n // 40) % 40] || list[1 + (n // 1600) % 40] || list[1 + (n * 7 // 3) % 40];
create or replace macro slip(s, r, place) as case
    when s is null or len(s) < 3 then s
    when r < 0.3 then left(s, place) || right(s, greatest(len(s) - place - 1, 0))
    when r < 0.6 then left(s, place) || chr(97 + (r * 7919)::int % 26) || right(s, greatest(len(s) - place - 1, 0))
    when r < 0.8 then left(s, place) || chr(97 + (r * 7919)::int % 26) || right(s, len(s) - place)
    else left(s, place - 1) || substr(s, place + 1, 1) || substr(s, place, 1) || right(s, greatest(len(s) - place - 1, 0)) end;
create or replace macro typed(s, i, what, share) as
    if(u(i, what) < share, slip(s, u(i, what || ' how'), 1 + floor(u(i, what || ' where') * (len(s) - 1))::int), s);
"""

PEOPLE = """
create or replace temp table somebody as
select i as person, pick({first}, pow(u(i, 'first'), 1.8)) as first_name,
       word(floor(pow(u(i, 'last'), 2.5) * 64000)::int, {syllables}) as last_name,
       date '1940-01-01' + floor(u(i, 'born') * 24000)::int as birth_date,
       floor(pow(u(i, 'town'), 2) * 4000)::int as town,
       1 + floor(pow(u(i, 'house'), 2) * 150)::int || ' rue ' ||
           word(floor(u(i, 'street') * 64000)::int, {syllables}) as address
from range({people}) t(i)
"""

CONTACTS = """
create or replace temp table contacts as
with all_records as (
    select i, if(i < {people}, i, floor(u(i, 'again') * {people})::bigint) as person, i >= {people} as again
    from range({records}) t(i)
)
select format('r{{:08d}}', (i * 7919 + 13) % {records}) as record_key, person,
       if(again and u(i, 'swap') < 0.03, last_name, typed(first_name, i, 'first', if(again, 0.15, 0.01))) as first_name,
       if(again and u(i, 'swap') < 0.03, first_name, typed(last_name, i, 'last', if(again, 0.2, 0.01))) as last_name,
       case when u(i, 'no date') < 0.15 then null
            when again and u(i, 'date') < 0.06 then birth_date + interval (1 + floor(u(i, 'days') * 9)::int) day
            else birth_date end::date::varchar as birth_date,
       if(again and u(i, 'moved') < 0.2, 1 + floor(u(i, 'at') * 150)::int || ' rue ' ||
           word(floor(u(i, 'new') * 64000)::int, {syllables}), typed(address, i, 'address', if(again, 0.25, 0.01)))
           as address,
       format('{{:05d}}', 1000 + 23 * if(again and u(i, 'moved') < 0.2, floor(u(i, 'away') * 4000)::int, town))
           as postal_code,
       word(if(again and u(i, 'moved') < 0.2, floor(u(i, 'away') * 4000)::int, town) * 13, {syllables}) as city,
       case when u(i, 'no mail') < 0.25 then null
            when again and u(i, 'mail') < 0.4 then lower(first_name[1] || last_name) || i % 1000 || '@mail.example'
            else typed(lower(strip_accents(first_name) || '.' || last_name) || person % 977, i, 'mail',
                       if(again, 0.05, 0)) || '@' || pick(['post.example', 'web.example', 'line.example'],
                       u(person, 'provider')) end as email,
       case when u(i, 'no phone') < 0.4 then null
            else '06' || format('{{:08d}}', (hash(if(again and u(i, 'phone') < 0.3, i, person), 'phone') % 100000000))
       end as phone
from all_records join somebody using (person)
"""


def crowd(place: Place, records: int, *, seed: int = 1) -> Path:
    """A Parquet file of so many contacts: `record_key`, `person` (the truth) and what can be compared; made once."""
    import duckdb

    from sandbox.world.names import FIRST_NAMES

    done = place.folder / "data" / f"crowd-{records}-{seed}.parquet"
    if done.exists():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    names = [name for block in FIRST_NAMES.values() for name in block.split()]
    given = {"first": names, "syllables": SYLLABLES, "records": records, "people": int(records * 0.92), "seed": seed}
    con = duckdb.connect()
    for query in (MACROS, PEOPLE, CONTACTS):
        con.execute(query.format(**given))
    aside = done.with_suffix(".aside")
    con.execute(f"copy (from contacts order by record_key) to '{aside}' (format parquet)")
    con.close()
    aside.rename(done)
    return done
