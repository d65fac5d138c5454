"""The DuckDB connection a world is made on: bounded memory, and macros for seeded chance and for human typing.

Chance is a function, not a state: `u(key, 'what for')` is the same number in [0, 1) whatever the order of rows or
the number of threads. That is what makes a world reproducible and its making parallel.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

MACROS = r"""
create macro u(k, what) as (hash(hash(k, what, {seed})) >> 11) * 1.1102230246251565e-16;
create macro pick(choices, k, what) as choices[1 + floor(u(k, what) * len(choices))::int];
create macro after(moment, seconds) as date_trunc('second', moment + to_microseconds((1e6 * (seconds))::bigint));
create macro within(start, stop, share) as after(start, share * date_diff('second', start, stop));
create macro iso(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%SZ');
create macro text(x) as coalesce(to_json(x)::varchar, 'null');

-- someone types a name: accents lost, capitals, a slip of a finger; `mess` multiplies the chances
create macro slip(s, k) as case
    when length(s) < 4 then s
    when u(k, 'slip') < 0.4 then s[:2 + floor(u(k, 'place') * (length(s) - 3))::int - 1]
        || s[2 + floor(u(k, 'place') * (length(s) - 3))::int + 1]
        || s[2 + floor(u(k, 'place') * (length(s) - 3))::int]
        || s[2 + floor(u(k, 'place') * (length(s) - 3))::int + 2:]
    when u(k, 'slip') < 0.75 then s[:1 + floor(u(k, 'place') * (length(s) - 2))::int]
        || s[3 + floor(u(k, 'place') * (length(s) - 2))::int:]
    else s[:2 + floor(u(k, 'place') * (length(s) - 3))::int] || s[2 + floor(u(k, 'place') * (length(s) - 3))::int:]
    end;
create macro slipped(s, k, what, mess) as case when u(k, what) < 0.02 * mess then slip(s, k) else s end;
create macro accents(s, k, mess) as case when u(k, 'accents') < 0.10 * mess then strip_accents(s) else s end;
create macro capitals(s, k, mess) as case
    when u(k, 'capitals') < 0.02 * mess then upper(s)
    when u(k, 'capitals') < 0.03 * mess then lower(s)
    else s end;
create macro typed(s, k, what, mess) as capitals(accents(slipped(s, k, what, mess), k, mess), k, mess);
create macro typed_first(first, last, k, mess) as
    typed(case when u(k, 'swap') < 0.01 * mess then last else first end, k, 'first', mess);
create macro typed_last(first, last, k, mess) as
    typed(case when u(k, 'swap') < 0.01 * mess then first else last end, k, 'last', mess);
create macro typed_email(email, k, mess) as case
    when u(k, 'email') < 0.03 * mess then upper(email)
    when u(k, 'email') < 0.05 * mess then upper(email[1]) || email[2:]
    when u(k, 'email') < 0.07 * mess then ' ' || email || '  '
    else email end;
create macro typed_phone(calling_code, digits, country, k) as case
    when u(k, 'phone') < 0.35 then
        trim(regexp_replace(if(country = 'ES', '', '0') || digits, '(..)', '\1 ', 'g'))
    when u(k, 'phone') < 0.50 then '+' || calling_code || digits
    when u(k, 'phone') < 0.65 then '+' || calling_code || ' ' || digits[1] || trim(regexp_replace(digits[2:], '(..)',
        ' \1', 'g'))
    when u(k, 'phone') < 0.80 then if(country = 'ES', '', '0') || digits
    when u(k, 'phone') < 0.90 then
        rtrim(regexp_replace(if(country = 'ES', '', '0') || digits, '(..)', '\1.', 'g'), '.')
    else '00' || calling_code || ' ' || digits end;
"""


def connect(
    seed: int, scratch: Path, *, memory: str = "450MB", threads: int = 2, database: str = ":memory:"
) -> duckdb.DuckDBPyConnection:
    """A DuckDB that spills to `scratch` beyond `memory`, with the macros of chance bound to `seed`."""
    con = duckdb.connect(
        database,
        config={
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(scratch),
            "preserve_insertion_order": False,
        },
    )
    con.execute(MACROS.replace("{seed}", str(int(seed))))
    return con
