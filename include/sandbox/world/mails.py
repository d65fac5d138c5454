"""What became of the campaigns: sent, delivered, opened, clicked, bounced, complained about, unsubscribed from.

Who received which campaign and who redeemed a coupon is real. The rest is generated around it: a redemption implies an
open and a click before it; opens by mail-privacy proxies and clicks by link scanners are among the events, told apart
by their user agent only.
"""

from __future__ import annotations

import duckdb

PROXY_AGENT = "Mozilla/5.0"
"""All a mail-privacy proxy shows: it loads the pixel of every message, whether or not anybody reads it."""

SCANNER_AGENT = "Mozilla/5.0 (compatible; LinkScanner/2.1; +https://scanner.example/bot)"

READER_AGENTS: tuple[str, ...] = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Thunderbird/132.0",
    "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
)


def make_sends(con: duckdb.DuckDBPyConnection) -> None:
    """Gives `send`, one row per message: `person`, `email`, `campaign_id`, `sent_at`, `delivered_at` or null, `fate`
    or null (hard_bounce, soft_bounce, unsubscribed, spam), `opened_at`, `clicked_at`, `proxied_at`, `scanned_at` (each
    may be null).

    Nothing is sent to who is blocked, nor after a hard bounce, a complaint or an unsubscription. Nobody leaves before
    a redemption.
    """
    con.execute(
        """
        create table send as
        with planned as (
            select s.person, s.sends_to as email, r.campaign_id, p.engagement, p.behind_proxy, p.behind_scanner,
                   if(p.is_buyer, r.redeemed_at, null) as redeemed_at, c.starts_at,
                   hash(hash(s.person, r.campaign_id)) as k
            from signup s join person p using (person) join receipt r using (household_id)
                join campaign c using (campaign_id)
            where not s.is_blocked
        ), judged as (
            select *, after(starts_at, 3600 * (8 + 3 * u(k, 'sent'))) as sent_at,
                   max(redeemed_at) over (partition by person) as last_redeemed_at
            from planned
        ), fated as (
            select *, case when last_redeemed_at is null and u(k, 'fate') < 0.005 then 'hard_bounce'
                           when last_redeemed_at is null and u(k, 'fate') < 0.006 then 'spam'
                           when (last_redeemed_at is null or last_redeemed_at < starts_at)
                                and u(k, 'fate') between 0.1 and 0.109 then 'unsubscribed'
                           when redeemed_at is null and u(k, 'fate') between 0.2 and 0.21 then 'soft_bounce' end as fate
            from judged
        ), ended as (
            select *, min(if(fate in ('hard_bounce', 'spam', 'unsubscribed'), sent_at, null))
                over (partition by person) as ended_at
            from fated
        ), delivered as (
            select * exclude (ended_at, last_redeemed_at),
                   if(fate in ('hard_bounce', 'soft_bounce'), null, after(sent_at, 5 + 295 * u(k, 'delivered')))
                       as delivered_at
            from ended cross join calendar
            where (ended_at is null or sent_at <= ended_at) and sent_at < end_at
        ), opened as (
            select *, case when redeemed_at is not null
                           then least(after(delivered_at, 60 - 32400 * ln(1 - u(k, 'open'))),
                                      greatest(after(delivered_at, 60), after(redeemed_at, 28800)))
                           when fate in ('unsubscribed', 'spam') or u(k, 'opens') < 0.12 + 0.50 * engagement
                           then after(delivered_at, 60 - 32400 * ln(1 - u(k, 'open'))) end as opened_at
            from delivered
        )
        select person, email, campaign_id, k, engagement, sent_at, delivered_at, fate, opened_at,
               if(redeemed_at is not null or (opened_at is not null and u(k, 'clicks') < 0.06 + 0.25 * engagement),
                  after(opened_at, 5 + 240 * u(k, 'click')), null) as clicked_at,
               if(behind_proxy, after(delivered_at, 5 + 900 * u(k, 'proxy')), null) as proxied_at,
               if(behind_scanner, after(delivered_at, 1 + 3 * u(k, 'scan')), null) as scanned_at
        from opened
        """
    )


def make_mail_events(con: duckdb.DuckDBPyConnection) -> None:
    """Gives the view `mail_event`, one row per event: `k`, `kind`, `person`, `email`, `campaign_id`, `occurred_at`,
    `received_at`, `link`, `user_agent`, `is_machine`.

    2 % are received up to two days after they occurred, the others within half a minute.
    """
    reader, proxy, scanner = f"pick({list(READER_AGENTS)}, person, 'agent')", f"'{PROXY_AGENT}'", f"'{SCANNER_AGENT}'"
    link = "'https://shop.example/c/' || campaign_id || '/offers/' || "
    again = "if(u(k, 'again') < 0.6 * engagement, after(opened_at, 3600 + 200000 * u(k, 'again at')), null)"
    ended = (
        "case when fate in ('hard_bounce', 'soft_bounce') then after(sent_at, 2 + 60 * u(k, 'bounce'))"
        " when fate is not null then after(opened_at, 20 + 400 * u(k, 'leaves')) end"
    )
    events = (
        _event("sent", "sent_at"),
        _event("delivered", "delivered_at"),
        _event("opened", "opened_at", agent=reader),
        _event("opened", again, agent=reader),
        _event("opened", "proxied_at", agent=proxy, machine=True),
        _event("click", "clicked_at", agent=reader, link=link + "floor(1 + 8 * u(k, 'link'))::int"),
        _event("click", "scanned_at", agent=scanner, link=link + "1", machine=True),
        _event("click", "after(scanned_at, 1)", agent=scanner, link=link + "2", machine=True),
        _event("fate", ended, agent=f"if(fate = 'unsubscribed', {reader}, null)"),
    )
    con.execute(
        f"""
        create view mail_event as
        with told as (
            select k, person, email, campaign_id, fate,
                   unnest([{", ".join(events)}]) as e, unnest({list(range(1, len(events) + 1))}) as nth
            from send
        )
        select hash(hash(k, nth)) as k, if(e.kind = 'fate', fate, e.kind) as kind,
               person, email, campaign_id, e.occurred_at,
               if(u(hash(k, nth), 'late') < 0.02, after(e.occurred_at, 172800 * u(hash(k, nth), 'lag')),
                  after(e.occurred_at, 1 + 29 * u(hash(k, nth), 'lag'))) as received_at,
               e.link, e.user_agent, e.is_machine
        from told where e.occurred_at is not null
        """
    )


def _event(kind: str, moment: str, *, agent: str = "null", link: str = "null", machine: bool = False) -> str:
    return (
        f"{{'kind': '{kind}', 'occurred_at': {moment}, 'link': ({link})::varchar,"
        f" 'user_agent': ({agent})::varchar, 'is_machine': {str(machine).lower()}}}"
    )
