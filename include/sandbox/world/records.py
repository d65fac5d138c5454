"""What the three systems wrote down about the people: the same person, typed again and again."""

from __future__ import annotations

import duckdb


def make_contacts(con: duckdb.DuckDBPyConnection) -> None:
    """Gives `contact`, one row per CRM contact: `n` (the id is C-n), `person`, what was typed, times, NPS answer.

    About 4 % of the people have a second contact, typed carelessly and later. About 1.5 % have no e-mail, 0.3 % an
    impossible one. `household_known` marks whose real demographics the CRM shows. `customer_ref` is there for about
    half.
    """
    con.execute(
        """
        create table contact as
        with copies as (
            select p.*, copy, 'crm' || copy || '-' || person as k, if(copy = 1, 1.0, 6.0) as mess
            from person p, (values (1), (2)) c(copy)
            where in_crm and (copy = 1 or u(person, 'second contact') < 0.042)
        ), dated as (
            select c.*, end_at,
                   if(copy = 1 and u(k, 'old') < 0.70,
                      after(first_day, -86400 * (1 + 1000 * u(k, 'created'))),
                      within(first_day, end_at - interval 1 day, u(k, 'created'))) as created_at,
                   if(u(k, 'nps') < 0.25,
                      within(first_day, end_at - interval 1 hour, u(k, 'answered')), null) as answered
            from copies c, calendar
        ), updated as (
            select *, if(answered > created_at, answered, null) as answered_at,
                   greatest(created_at, if(answered > created_at, answered, created_at),
                            if(u(k, 'changed') < 0.30,
                               within(created_at, end_at - interval 1 minute, u(k, 'change')), created_at))
                       as updated_at
            from dated
        )
        select row_number() over (order by created_at, k) as n, person, k, created_at, updated_at, answered_at,
               if(answered_at is null, null, least(10, floor(11 * pow(u(k, 'score'), 0.55)))::int) as nps_score,
               case when u(k, 'no email') < 0.015 then null
                    when u(k, 'no email') < 0.018 then replace(email, '@', '(at)')
                    else typed_email(if(u(k, 'other') < 0.10, other_email, email), k, mess) end as email,
               case when u(k, 'has phone') < 0.80 then typed_phone(calling_code, digits, country, k) end as phone,
               typed_first(first_name, last_name, k, mess) as first_name,
               typed_last(first_name, last_name, k, mess) as last_name,
               if(u(k, 'birth') < 0.85, birth_date, null) as birth_date, gender, city, postal_code, country,
               if(u(k, 'ref') < if(is_buyer, 0.57, 0), customer_ref, null) as customer_ref,
               household_size is not null as household_known,
               household_size, kids_count, income, home_ownership, marital_status
        from updated
        """
    )


def make_accounts(con: duckdb.DuckDBPyConnection) -> None:
    """Gives `account`, one row per shop customer: `n` (the id is S-n), `person`, `nth` (1 or 2), what was typed.

    Everybody who bought has an account from before the first order. About 6 % opened a second one later, with their
    other e-mail but the same telephone or loyalty number.
    """
    con.execute(
        """
        create table account as
        with copies as (
            select p.*, nth, 'shop' || nth || '-' || person as k, if(nth = 1, 1.0, 2.0) as mess
            from person p, (values (1), (2)) a(nth)
            where is_buyer and (nth = 1 or u(person, 'second account') < 0.06)
        ), dated as (
            select c.*, end_at,
                   case when nth = 2 then within(first_order_at, last_order_at, u(k, 'opened'))
                        when first_order_at < first_day + interval 45 days
                        then after(first_day, -86400 * (11 + 700 * u(k, 'opened')))
                        else after(first_order_at, -86400 * 10 - 60 - 600 * u(k, 'opened')) end as created_at
            from copies c, calendar
        )
        select row_number() over (order by created_at, k) as n, person, nth, k, created_at,
               if(u(k, 'changed') < 0.25,
                  within(created_at, end_at - interval 1 minute, u(k, 'change')), created_at) as updated_at,
               typed_email(if((nth = 2) = (u(person, 'shop other') >= 0.05), other_email, email), k, mess) as email,
               if(u(k, 'has phone') < 0.85 or nth = 2, typed_phone(calling_code, digits, country, k), null) as phone,
               typed_first(first_name, last_name, k, mess) as first_name,
               typed_last(first_name, last_name, k, mess) as last_name,
               city, postal_code, country, if(u(k, 'ref') < 0.70, customer_ref, null) as customer_ref
        from dated
        """
    )


def make_signups(con: duckdb.DuckDBPyConnection) -> None:
    """Gives `signup`, one row per newsletter confirmation: `n` (the id is N-n), `person`, what was typed, `sends_to`
    (the address as the platform keeps it), `is_blocked` (unsubscribed on the platform before day 1: about 3 % of those
    known then).

    Nobody who redeemed a coupon is blocked: the platform has sent to them.
    """
    con.execute(
        """
        create table signup as
        with redeemers as (select distinct household_id from receipt where redeemed_at is not null)
        select row_number() over (order by signed_up_at, person) as n, person, k,
               sends_to, signed_up_at as confirmed_at,
               typed_email(sends_to, k, 1.0) as email,
               case when u(k, 'has phone') < 0.35 then typed_phone(calling_code, digits, country, k) end as phone,
               typed_first(first_name, last_name, k, 2.5) as first_name,
               typed_last(first_name, last_name, k, 2.5) as last_name, country,
               may_be_blocked and signed_up_at < first_day and not (is_buyer and r.household_id is not null)
                   as is_blocked,
               u(k, 'tracking') < 0.60 as allows_tracking, u(k, 'profiling') < 0.45 as allows_profiling
        from (select *, 'news-' || person as k, if(u(person, 'news other') < 0.12, other_email, email) as sends_to
              from person where in_newsletter)
        left join redeemers r using (household_id) cross join calendar
        """
    )
