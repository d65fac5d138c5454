"""The records as the three systems word them: one SQL query per resource, each giving `moment`, `id`, `record`."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

CONTACTS = """
select updated_at as moment, 'C-' || n as id, to_json({
    'id': 'C-' || n, 'email': email, 'phone': phone, 'first_name': first_name, 'last_name': last_name,
    'birth_date': birth_date::varchar, 'gender': gender,
    'address': {'city': city, 'postal_code': postal_code, 'country': country}, 'customer_ref': customer_ref,
    'household': if(household_known, {'size': household_size, 'kids_count': kids_count, 'income_band': income,
                                      'home_ownership': home_ownership, 'marital_status': marital_status}, null),
    'nps': if(nps_score is not null, {'score': nps_score, 'answered_at': iso(answered_at)}, null),
    'created_at': iso(created_at), 'updated_at': iso(updated_at), 'deleted': false})::varchar as record
from contact
"""

CONSENTS = """
select captured_at as moment, 'K-' || n as id, to_json({
    'id': 'K-' || n, 'contact_id': 'C-' || contact_n, 'email': email,
    'channel': 'email', 'purpose': purpose, 'status': status, 'captured_at': iso(captured_at),
    'proof': {'reference': 'proof-' || printf('%016x', hash(hash(k, purpose, status))),
              'method': method, 'text_version': text_version},
    'updated_at': iso(captured_at)})::varchar as record
from consent
"""

CUSTOMERS = """
select updated_at as moment, 'S-' || n as id, to_json({
    'id': 'S-' || n, 'email': email, 'phone': phone, 'first_name': first_name, 'last_name': last_name, 'city': city,
    'zip': postal_code, 'country_code': country, 'customer_ref': customer_ref,
    'created_at': iso(created_at), 'updated_at': iso(updated_at)})::varchar as record
from account
"""

PRODUCTS = """
select updated_at as moment, 'P-' || product_id as id, to_json({
    'id': 'P-' || product_id, 'title': coalesce(title, category, 'Article ' || product_id), 'department': department,
    'category': category, 'brand': brand,
    'created_at': iso(created_at), 'updated_at': iso(updated_at)})::varchar as record
from (select *, if(u(product_id, 'changed') < 0.01,
                   within(first_day, end_at, u(product_id, 'change')), created_at) as updated_at
      from (select *, after(first_day, -60 - 86400 * 1500 * u(product_id, 'created')) as created_at
            from product, calendar))
"""

ORDERS = """
select updated_at as moment, order_id as id,
    '{"id":' || if(breakage = 'id', 'null', text(order_id))
    || ',"customer_id":' || if(account_n is null, 'null', '"S-' || account_n || '"') || ',"email":' || text(email)
    || ',"status":"' || status || '"' || if(breakage = 'currency', '', ',"currency":"EUR"')
    || ',"total":"' || if(breakage = 'total', 'n/a', total::varchar) || '","discount":"' || discount::varchar
    || '","coupon_used":' || coupon_used || ',"created_at":"'
    || if(breakage = 'created_at', '2026-02-30T10:00:00Z', iso(created_at))
    || '","updated_at":"' || iso(updated_at) || '","lines":[' || lines || ']}' as record
from shop_order join (
    select order_id, sum(amount) as total, sum(discount) as discount, string_agg(
        '{"line":' || line || ',"product_id":"P-' || product_id || '","quantity":'
        || if(breakage = 'quantity' and line = 1, '"-"', quantity::varchar) || ',"amount":"' || amount
        || '","discount":"' || discount || '"}', ',' order by line) as lines
    from (select order_id, breakage, line, product_id, quantity, (amount_eur * factor)::decimal(12, 2) as amount,
                 (discount_eur * factor)::decimal(12, 2) as discount
          from shop_order join line using (basket_id) where {slice})
    group by order_id
) using (order_id) where {slice}
"""

EVENTS = """
select received_at as moment, id, to_json({
    'id': id, 'event': kind, 'email': email, 'campaign_id': campaign_id, 'occurred_at': iso(occurred_at),
    'received_at': iso(received_at), 'link': link, 'user_agent': user_agent})::varchar as record
from received_event
"""

SIGNUPS = """
select received_at as moment, 'N-' || n as id, to_json({
    'id': 'N-' || n, 'email': email, 'first_name': first_name, 'last_name': last_name,
    'phone': phone, 'country': country,
    'confirmed_at': iso(confirmed_at), 'received_at': iso(received_at),
    'consents': list_filter([{'purpose': 'email_marketing', 'text_version': 'nl-3'},
                             if(allows_tracking, {'purpose': 'open_tracking', 'text_version': 'nl-3'}, null),
                             if(allows_profiling, {'purpose': 'profiling', 'text_version': 'nl-3'}, null)],
                            lambda c: c is not null),
    'proof': 'doi-' || printf('%016x', hash(hash(k, 'proof')))})::varchar as record
from (select *, after(confirmed_at, 1 + 9 * u(k, 'received')) as received_at from signup)
"""

SHELVES: dict[str, str] = {
    "crm_contacts": CONTACTS,
    "crm_consents": CONSENTS,
    "shop_customers": CUSTOMERS,
    "shop_products": PRODUCTS,
    "inbox_events": EVENTS,
    "inbox_signups": SIGNUPS,
}

ORDERS_PER_SLICE = 25_000
"""Orders go on their shelf slice of time by slice of time: their text is the largest thing here."""


def order_slices(moments: list[datetime]) -> list[str]:
    """The queries that together give every order once, earliest slice first.

    moments   where to cut: each slice runs from one moment up to, not including, the next
    """
    bounds = [None, *sorted(set(moments)), None]
    return [ORDERS.replace("{slice}", _between(low, high)) for low, high in pairwise(bounds)]


def _between(low: datetime | None, high: datetime | None) -> str:
    conditions = [f"updated_at >= '{low}'" if low else "true", f"updated_at < '{high}'" if high else "true"]
    return " and ".join(conditions)
