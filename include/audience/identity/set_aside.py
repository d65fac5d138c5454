"""Values that say nothing about who somebody is, and how many records have them."""

from datetime import date

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.tables import CUSTOMERS
from audience.identity.declared import SHARED, Shared

NOBODYS_ADDRESS = (
    r"^(no|do|ne|pas|keine?)[-_.]?(not|pas|de)?[-_.]?(reply|repondre|reponse|antwort(en)?)([-_.+\d].*)?@"
    r"|^(mailer-daemon|postmaster|abuse|anonym(ous|e)?|nobody|noone|none|no-?e?mail|unknown|inconnu|test)\d*@"
)
"""Addresses that a form or a shop assistant puts in for somebody who has none. People share them and are not one."""

PLACEHOLDERS = (
    *("na", "nan", "none", "null", "nil", "unknown", "unbekannt", "inconnu", "inconnue", "test", "tests", "xxx", "tbd"),
    *("aucun", "sans", "keine", "kein", "guest", "invite", "anonymous", "anonyme", "client", "customer"),
)
"""What is typed where there is nothing to tell; compared in lower case, letters and digits only."""

NOBODYS_BIRTH_DATE = (date(1900, 1, 1), date(1901, 1, 1), date(1970, 1, 1))
"""What systems store for a date of birth that was not told."""


def telling(records: ir.Table) -> ir.Table:
    """The same records; a value that tells nobody apart is unknown.

    An address of nobody; a placeholder, or one character over and over, for an identifier (`N/A`, `0000`); a placeholder
    or an initial for a name, which two people of a household may share.
    """
    bare = records.customer_ref.lower().re_replace(r"[^\p{L}\d]", "")
    is_repeated = (bare.length() > 1) & (bare.replace(bare.substr(0, 1), "") == "")
    says_nothing = bare.isin((*PLACEHOLDERS, "", "0")) | is_repeated
    is_nobodys = records.email.lower().re_search(NOBODYS_ADDRESS).fill_null(False)
    is_short = records.called.isin(PLACEHOLDERS) | (records.called.length() < 2)
    unknown = ibis.null("string")
    return records.mutate(
        email_key=is_nobodys.ifelse(unknown, records.email_key),
        customer_ref=says_nothing.ifelse(unknown, records.customer_ref),
        called=is_short.ifelse(unknown, records.called),
    )


def birth_date_of_somebody(born: ir.DateValue) -> ir.DateValue:
    """A date that a person of CUSTOMERS can be born on, else null."""
    year = CUSTOMERS.column("birth_year")
    told = born.year().between(year.at_least, year.at_most) & born.notin(NOBODYS_BIRTH_DATE)
    return told.ifelse(born, ibis.null("date"))


def set_aside(session: Backend, records: ir.Table, nodes: ir.Table) -> dict[str, int]:
    """Records whose value tells nobody apart, by reason.

    Takes  `records` as they came; `nodes`: as `telling` left them.
    """
    had, have = (rows.agg(**{rule.column: rows[rule.column].count() for rule in SHARED}) for rows in (records, nodes))
    found = ibis.union(*(_too_many(nodes, rule) for rule in SHARED))
    reasons = {row["reason"]: row["n"] for row in session.to_pyarrow(found).to_pylist()}
    before, after = (session.to_pyarrow(numbers).to_pylist()[0] for numbers in (had, have))
    reasons |= {f"{rule.column} of nobody": before[rule.column] - after[rule.column] for rule in SHARED}
    return {reason: int(number) for reason, number in sorted(reasons.items()) if number}


def _too_many(nodes: ir.Table, rule: Shared) -> ir.Table:
    counted = nodes.filter(nodes[rule.column].notnull()).group_by(rule.column).agg(n=_.count())
    total = counted.agg(n=counted.n.sum(where=counted.n > rule.most_records))
    return total.mutate(reason=ibis.literal(f"{rule.column} on more than {rule.most_records} records"))
