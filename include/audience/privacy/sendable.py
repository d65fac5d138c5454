"""The rule that says whether an address may be written to. It is written once, here, as SQL over sets of people.

An address may be written to for a purpose when the address itself was granted it; no address that the person has or had has
withdrawn it last; none of them is suppressed. What nobody answered is a no. Merging people can therefore only ever take
away: a merge adds addresses, and each more address is one more that can forbid.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from audience.core.warehouse.models import Consent, ContactPoint, FormerAddress, Suppression

Purposes = Collection[str] | sa.Select[str]
"""Names of purposes, or a query that gives them."""


@dataclass(frozen=True)
class People:
    """Whom a statement is about.

    Args:
        points: columns `contact_key` and `person_id`: every address of each of them.
        ever: the same, and the addresses that they had before, which may be others' by now.
        answers: the columns of `privacy.consent`: every answer about e-mail of each of these addresses.
    """

    points: sa.FromClause
    ever: sa.FromClause
    answers: sa.FromClause


_EVER = sa.union_all(
    sa.select(ContactPoint.contact_key, ContactPoint.person_id),
    sa.select(FormerAddress.contact_key, FormerAddress.person_id),
).subquery("ever")

EVERYBODY = People(ContactPoint.__table__, _EVER, Consent.__table__)


def people_of(contact_keys: sa.Select[str]) -> People:
    """The people of some addresses, with all their addresses: found by index, however many others there are."""
    once = {"dialect": "postgresql"}
    own, point = ContactPoint.__table__.alias("own"), ContactPoint.__table__.alias("point_of_person")
    persons = sa.select(own.c.person_id).where(own.c.contact_key.in_(contact_keys)).distinct().cte("persons")
    points = (
        sa.select(point.c.contact_key, point.c.person_id)
        .join_from(persons, point, point.c.person_id == persons.c.person_id)
        .cte("points")
        .prefix_with("MATERIALIZED", **once)
    )
    former = FormerAddress.__table__.alias("former")
    had = sa.select(former.c.contact_key, former.c.person_id).join_from(
        persons, former, former.c.person_id == persons.c.person_id
    )
    ever = sa.union_all(sa.select(points), had).cte("ever").prefix_with("MATERIALIZED", **once)
    keys = sa.select(ever.c.contact_key).distinct().subquery("keys")
    answer = Consent.__table__.alias("answer")
    answers = (
        sa.select(*answer.c)
        .join_from(keys, answer, answer.c.contact_key == keys.c.contact_key)
        .where(answer.c.channel == "email")
        .cte("answers")
        .prefix_with("MATERIALIZED", **once)
    )
    return People(points, ever, answers)


def allowed(purposes: Purposes, people: People = EVERYBODY) -> sa.Select[str, str, str]:
    """Every address and purpose that e-mail may be sent for: `contact_key`, `person_id`, `purpose`, each once."""
    point, no = people.points.alias(), said_no(purposes, people).cte()
    answer = people.answers.alias()
    yes = (
        sa.select(answer.c.contact_key, answer.c.purpose).where(_is(answer, purposes, "granted")).distinct().subquery()
    )
    withdrawn = sa.exists().where(no.c.person_id == point.c.person_id, no.c.purpose == yes.c.purpose)
    suppressed = sa.exists().where(no.c.person_id == point.c.person_id, no.c.purpose.is_(None))
    return (
        sa.select(point.c.contact_key, point.c.person_id, yes.c.purpose)
        .join_from(point, yes, yes.c.contact_key == point.c.contact_key)
        .where(~withdrawn, ~suppressed)
    )


def sendable(purpose: str) -> sa.Select[str]:
    """The `contact_key` of every address in the vault that may receive e-mail for a purpose."""
    may = allowed([purpose]).subquery("may")
    return sa.select(may.c.contact_key)


def said_no(purposes: Purposes, people: People = EVERYBODY) -> sa.CompoundSelect[str, str | None]:
    """Who told us no: `person_id`, and the `purpose` that an address they have or had withdrew last; null: it is suppressed.

    Of two answers at the same instant, the withdrawal counts. A missing answer is a no as well, but nobody said it.
    """
    point, no, later = people.ever.alias(), people.answers.alias(), people.answers.alias()
    taken_back = sa.exists().where(
        _is(later, purposes, "granted"),
        later.c.contact_key == no.c.contact_key,
        later.c.purpose == no.c.purpose,
        later.c.captured_at > no.c.captured_at,
    )
    withdrawn = (
        sa.select(point.c.person_id, no.c.purpose)
        .join_from(no, point, point.c.contact_key == no.c.contact_key)
        .where(_is(no, purposes, "withdrawn"), ~taken_back)
    )
    never, own = Suppression.__table__.alias(), people.ever.alias()
    suppressed = sa.select(own.c.person_id, sa.null().label("purpose")).join_from(
        own, never, never.c.contact_key == own.c.contact_key
    )
    return sa.union(withdrawn, suppressed)


def _is(answer: sa.FromClause, purposes: Purposes, status: str) -> sa.ColumnElement[bool]:
    among: Any = purposes if isinstance(purposes, sa.Select) else sorted(purposes)
    return sa.and_(answer.c.channel == "email", answer.c.status == status, answer.c.purpose.in_(among))
