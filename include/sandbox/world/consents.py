"""The CRM's consent log."""

from __future__ import annotations

import duckdb

SHARE_GRANTED: dict[str, float] = {"email_marketing": 0.75, "profiling": 0.55, "open_tracking": 0.45}
SHARE_WITHDRAWN = 0.08


def make_consents(con: duckdb.DuckDBPyConnection) -> None:
    """Gives `consent`, one row per statement: `n` (the id is K-n), `contact_n`, `purpose`, `status`, `captured_at`.

    A withdrawal is a statement of its own, later than the grant, which stays: the log only grows.
    Who never answered is not in it.
    """
    shares = ", ".join(f"('{purpose}', {share})" for purpose, share in SHARE_GRANTED.items())
    con.execute(
        f"""
        create table consent as
        with granted as (
            select c.n as contact_n, c.k, c.email, purpose, end_at,
                   least(after(c.created_at, 60 + 86400 * 3 * u(c.k, 'answered consent')), end_at - interval 2 minutes)
                       as granted_at
            from contact c, (values {shares}) s(purpose, share), calendar
            where u(c.k, 'consent ' || purpose) < share
        ), said as (
            select contact_n, k, email, purpose, 'granted' as status, granted_at as captured_at from granted
            union all
            select contact_n, k, email, purpose, 'withdrawn',
                   within(after(granted_at, 60), end_at, u(k, 'withdrawn at'))
            from granted where u(k, 'withdraws ' || purpose) < {SHARE_WITHDRAWN}
        )
        select row_number() over (order by captured_at, contact_n, purpose, status) as n, *,
               ['web_form', 'till', 'phone'][1 + floor(u(k, 'method') * 3)::int] as method,
               'crm-' || (1 + floor(u(k, 'version') * 3)::int) as text_version
        from said
        """
    )
