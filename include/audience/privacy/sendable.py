"""The rule that says whether an address may be written to. It is written once, here, as SQL."""

from typing import Any

import sqlalchemy as sa

from audience.core.warehouse.models import Consent, ContactPoint, Suppression

Text = sa.ColumnElement[str] | Any
"""A text column of a statement, or a constant text."""

_CONSENT, _POINT = Consent.__table__, ContactPoint.__table__


def may_receive(contact_key: Text, person_id: Text, purpose: Text) -> sa.ColumnElement[bool]:
    """True when e-mail for this purpose may be sent to this address of this person.

    That is: the address itself was granted the purpose; no address of the person has withdrawn it last; no address of
    the person is suppressed. What nobody answered is a no. Merging people can therefore only ever take away: a merge
    adds addresses, and each more address is one more that can forbid.

    Of two answers at the same instant, the withdrawal counts.
    """
    granted = _CONSENT.alias("granted")
    return sa.and_(
        sa.exists().where(_answers(granted, contact_key, purpose, "granted")),
        ~_withdrawn_by_the_person(person_id, purpose),
        ~_suppressed(person_id),
    )


def sendable(purpose: Text, *, among: sa.Select[str] | None = None) -> sa.Select[str]:
    """The `contact_key` of every address in the vault, or among these keys, that may receive e-mail for a purpose."""
    point = _POINT.alias("point")
    allowed = sa.select(point.c.contact_key).where(may_receive(point.c.contact_key, point.c.person_id, purpose))
    return allowed if among is None else allowed.where(point.c.contact_key.in_(among))


def said_no(purposes: sa.Select[str]) -> sa.CompoundSelect[str, str | None]:
    """Everybody who told us no: `person_id`, and the `purpose` that was withdrawn last, or null for one who is suppressed.

    A missing answer is a no as well, but nobody said it: this is about what people told us.

    Args:
        purposes: the purposes to ask about.
    """
    own, never = _POINT.alias("own_suppressed"), Suppression.__table__.alias("never")
    asked = purposes.subquery("asked")
    purpose = asked.c[0]
    point, no, later_yes = _POINT.alias("point"), _CONSENT.alias("withdrawn"), _CONSENT.alias("granted_later")
    taken_back = sa.exists().where(
        _answers(later_yes, no.c.contact_key, no.c.purpose, "granted"), later_yes.c.captured_at > no.c.captured_at
    )
    withdrawn = (
        sa.select(point.c.person_id, no.c.purpose)
        .join_from(no, asked, no.c.purpose == purpose)
        .join(point, point.c.contact_key == no.c.contact_key)
        .where(no.c.channel == "email", no.c.status == "withdrawn", ~taken_back)
    )
    suppressed = sa.select(own.c.person_id, sa.null().label("purpose")).join_from(
        own, never, never.c.contact_key == own.c.contact_key
    )
    return sa.union(withdrawn, suppressed)


def _withdrawn_by_the_person(person_id: Text, purpose: Text) -> sa.ColumnElement[bool]:
    own, no, later_yes = _POINT.alias("own"), _CONSENT.alias("withdrawn"), _CONSENT.alias("granted_later")
    taken_back = sa.exists().where(
        _answers(later_yes, no.c.contact_key, no.c.purpose, "granted"), later_yes.c.captured_at > no.c.captured_at
    )
    is_no = _answers(no, own.c.contact_key, purpose, "withdrawn")
    return sa.exists().where(own.c.person_id == person_id, is_no, ~taken_back)


def _suppressed(person_id: Text) -> sa.ColumnElement[bool]:
    own, never = _POINT.alias("own_suppressed"), Suppression.__table__.alias("never")
    return sa.exists().where(own.c.person_id == person_id, never.c.contact_key == own.c.contact_key)


def _answers(answer: sa.FromClause, contact_key: Text, purpose: Text, status: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        answer.c.contact_key == contact_key,
        answer.c.channel == "email",
        answer.c.purpose == purpose,
        answer.c.status == status,
    )
