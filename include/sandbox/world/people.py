"""The invented people: one true person per household, and prospects who never bought."""

from __future__ import annotations

import duckdb

from sandbox.world import names

PROSPECTS_PER_BUYER = 0.15


def make_people(con: duckdb.DuckDBPyConnection, *, buyers: int | None) -> int:
    """Gives `person`, one row per true person; returns how many there are.

    `person` 1..n (buyers first); `household_id` whose purchases (buyers) or campaigns (prospects) they have.
    Generated: names, addresses under `.example`, telephones, birth dates (inside the real age band where one is
    known), who is in the CRM, who signed up to the newsletter (whoever received a campaign did, before the first).
    buyers = None gives each household to one person; another number draws households with replacement.
    """
    households = _one(con, "select count(*) from household")
    count = households if buyers is None else buyers
    total = count + round(count * PROSPECTS_PER_BUYER)
    _name_tables(con)
    _cast(con, count=count, total=total, households=households)
    _introduce(con, total=total)
    con.execute("drop table casting")
    return total


def _cast(con: duckdb.DuckDBPyConnection, *, count: int, total: int, households: int) -> None:
    """Gives `casting`: whose life each person has, where they live, what they are called, whose telephone they use."""
    con.execute(
        """
        create table receiver as
        select row_number() over (order by household_id) as nth, household_id, min(starts_at) as first_sent_at
        from receipt join campaign using (campaign_id) group by household_id
        """
    )
    receivers = _one(con, "select count(*) from receiver")
    nth_household = "person" if count == households else f"1 + floor(u(person, 'household') * {households})::bigint"
    con.execute(
        f"""
        create table casting as
        with numbered as (
            select person, person <= {count} as is_buyer,
                   if(person <= {count}, {nth_household}, null) as buyer_nth,
                   if(person > {count}, 1 + floor(u(person, 'household') * {receivers})::bigint, null) as receiver_nth
            from (select unnest(range(1, {total} + 1)) as person)
        ), housed as (
            select person, is_buyer, coalesce(h.household_id, w.household_id) as household_id,
                   h.* exclude (nth, household_id)
            from numbered n
            left join household h on h.nth = n.buyer_nth
            left join receiver w on w.nth = n.receiver_nth
        ), settled as (
            select h.*, r.first_sent_at, place.country, place.city, place.postal_code,
                   pick(c.cultures, person, 'culture') as culture, if(u(person, 'gender') < 0.56, 'f', 'm') as sex
            from housed h
            left join receiver r using (household_id)
            join place on u(h.person, 'place') >= place.low and u(h.person, 'place') < place.high
            join culture c using (country)
        )
        select s.*, pick(f.names, person, 'first name') as first_name,
               replace(pick(l.names, person, 'last name'), 'Le-', 'Le ') as own_last_name,
               if(person > 1 and u(person, 'family') < 0.015, person - 1, person) as line_of
        from settled s join first_names f using (culture, sex) join last_names l using (culture)
        """
    )


def _introduce(con: duckdb.DuckDBPyConnection, *, total: int) -> None:
    """Gives `person` from `casting`: addresses, telephones, birth dates, and which systems know them."""
    folded = "lower(strip_accents(replace(replace(replace({}, '''', ''), ' ', ''), 'ß', 'ss')))"
    card_digits = max(6, len(str(total)))
    con.execute(
        f"""
        create table person as
        with related as (
            select c.* exclude (own_last_name, country, city, postal_code), o.country, o.city, o.postal_code,
                   if(c.line_of = c.person or u(c.person, 'own name') < 0.5, c.own_last_name, o.own_last_name)
                       as last_name,
                   o.person * 7919 + {total % 10} as line_number
            from casting c join casting o on o.person = c.line_of
        ), spelled as (
            select *, {folded.format("first_name")} as f, {folded.format("last_name")} as l,
                   u(person, 'local') as habit, floor(u(person, 'digits') * 90 + 10)::int::varchar as two_digits
            from related
        ), written as (
            select * exclude (f, l, habit, two_digits),
                   case when habit < 0.45 then f || '.' || l
                        when habit < 0.60 then f || l
                        when habit < 0.75 then f[1] || '.' || l
                        when habit < 0.85 then l || '.' || f
                        when habit < 0.93 then f || '.' || l || two_digits
                        else f || '_' || l end as local,
                   pick({list(names.FIRST_DOMAINS)}, person, 'domain') as domain,
                   l || f[1] || floor(u(person, 'digits') * 900 + 100)::int as other_local,
                   pick({list(names.OTHER_DOMAINS)}, person, 'other domain') as other_domain
            from spelled
        ), distinguished as (
            select *, row_number() over (partition by local, domain order by person) as nth,
                   row_number() over (partition by other_local, other_domain order by person) as other_nth
            from written
        ), aged as (
            select *, coalesce(high, 75) as oldest,
                   coalesce(low, if(u(person, 'tells age') < 0.12, 19, null)) as youngest
            from distinguished left join age_band using (age)
        )
        select person, is_buyer, household_id, first_order_at, last_order_at, country, city, postal_code,
               first_name, last_name, income, home_ownership, marital_status, household_size, kids_count,
               case when u(person, 'x') < 0.01 then 'x' when u(person, 'told') < 0.85 then sex end as gender,
               local || if(nth > 1, '-' || nth, '') || '@' || domain as email,
               other_local || if(other_nth > 1, '-' || other_nth, '') || '@' || other_domain as other_email,
               calling_code, {_digits(total)} as digits,
               if(is_buyer, 'LC-' || lpad((person * 7919 % {10**card_digits})::varchar, 6, '0'), null) as customer_ref,
               (end_at::date - (365.25 * (youngest + u(person, 'age') * (oldest - youngest)))::int)::date as birth_date,
               if(is_buyer, u(person, 'crm') < 0.80, u(person, 'crm') < 0.70) as in_crm,
               if(is_buyer, first_sent_at is not null or u(person, 'letter') < 0.03,
                  u(person, 'crm') >= 0.70 or u(person, 'letter') < 0.45) as in_newsletter,
               case when u(person, 'old') < 0.65 or first_sent_at < first_day + interval 3 days
                    then after(least(first_day, coalesce(first_sent_at, first_day)),
                               -86400 * (1 + 730 * u(person, 'signed')))
                    else within(first_day, coalesce(first_sent_at, end_at - interval 1 day), u(person, 'signed'))
                    end as signed_up_at,
               u(person, 'blocked') < 0.03 as may_be_blocked,
               pow(u(person, 'engagement'), 1.2) as engagement,
               u(person, 'proxy') < 0.30 as behind_proxy,
               u(person, 'scanner') < 0.06 as behind_scanner
        from aged join calling using (country) cross join calendar
        """
    )


def _name_tables(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create table first_names (culture varchar, sex varchar, names varchar[])")
    con.executemany(
        "insert into first_names values (?, ?, ?)", [[*key, words.split()] for key, words in names.FIRST_NAMES.items()]
    )
    con.execute("create table last_names (culture varchar, names varchar[])")
    con.executemany(
        "insert into last_names values (?, ?)", [[key, words.split()] for key, words in names.LAST_NAMES.items()]
    )
    con.execute("create table culture (country varchar, cultures varchar[])")
    con.executemany(
        "insert into culture values (?, ?)", [[key, words.split()] for key, words in names.CULTURE_OF_COUNTRY.items()]
    )
    con.execute("create table place (country varchar, city varchar, postal_code varchar, low double, high double)")
    whole, low = sum(place[3] for place in names.PLACES), 0
    for country, city, postal_code, weight in names.PLACES:
        con.execute(
            "insert into place values (?, ?, ?, ?, ?)",
            [country, city, postal_code, low / whole, (low + weight) / whole],
        )
        low += weight
    con.execute(
        """
        create table calling as
        from (values ('FR', '33'), ('BE', '32'), ('DE', '49'), ('AT', '43'), ('ES', '34')) t(country, calling_code);

        create table age_band as
        from (values ('19-24', 19, 25), ('25-34', 25, 35), ('35-44', 35, 45),
                     ('45-54', 45, 55), ('55-64', 55, 65), ('65+', 65, 84)) t(age, low, high);
        """
    )


def _digits(total: int) -> str:
    """SQL of a national number without its trunk zero: one per `line_number` (families share one).

    France and Germany reserve numbers for fiction (ARCEP 01 99 00, 02 61 91, 03 53 01, 04 65 71, 05 36 49;
    Bundesnetzagentur 030 23125, 040 66969, 069 90009, 089 99998, 0221 4710). Belgium, Austria and Spain reserve none:
    blocks of one exchange are used. Worlds too large for these ranges use the wider block around them.
    """
    if total <= 5_000:
        return """case country
            when 'FR' then ['19900', '26191', '35301', '46571', '53649'][1 + line_number % 5]
                || lpad((line_number // 5 % 10000)::varchar, 4, '0')
            when 'DE' then ['3023125', '4066969', '6990009', '8999998', '2214710'][1 + line_number % 5]
                || lpad((line_number // 5 % 1000)::varchar, 3, '0')
            when 'BE' then '2555' || lpad((line_number % 10000)::varchar, 4, '0')
            when 'AT' then '1555' || lpad((line_number % 10000)::varchar, 4, '0')
            else '91000' || lpad((line_number % 10000)::varchar, 4, '0') end"""
    return """case country
        when 'FR' then (1 + line_number % 5)::varchar || '99' || lpad((line_number // 5 % 1000000)::varchar, 6, '0')
        when 'DE' then '302' || lpad((line_number % 10000000)::varchar, 7, '0')
        when 'BE' then '25' || lpad((line_number % 1000000)::varchar, 6, '0')
        when 'AT' then '15' || lpad((line_number % 1000000)::varchar, 6, '0')
        else '91' || lpad((line_number % 10000000)::varchar, 7, '0') end"""


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])
