"""Alerts: a violation is told when it begins and when it is over, once to each channel, however often it is looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from audience.core.errors import AlertNotSent
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Alert, AlertSent


@dataclass(frozen=True)
class Message:
    """What a channel tells people; no personal data."""

    subject: str
    is_recovery: bool
    words: str

    @property
    def title(self) -> str:
        return f"{self.subject}: {'as declared again' if self.is_recovery else 'not as declared'}"


Channel = Callable[[Message], None]
"""Brings a message to people, or raises AlertNotSent."""


def follow(warehouse: Warehouse, violations: Mapping[str, str], channels: Mapping[str, Channel], now: datetime) -> int:
    """Opens alerts for violations that are new, closes those that are over, and sends what nobody was told yet.

    A channel that fails gets its message the next time; the others do not get it twice. A violation that was over before
    a channel was told is not told to it at all.

    Args:
        violations: all that there are now: subject and words.

    Returns:
        The number of messages that were sent.

    Raises:
        AlertNotSent: a channel failed, after every other one had its turn.
    """
    with warehouse.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('alerts'))"))
        _open_and_close(connection, violations, now)
    sent, failures = 0, []
    for alert, channel, message in _waiting(warehouse, channels):
        try:
            sent += _send(warehouse, alert, channel, message, send=channels[channel], now=now)
        except AlertNotSent as error:
            failures.append(str(error))
    if failures:
        raise AlertNotSent("; ".join(sorted(set(failures))))
    return sent


def _open_and_close(connection: sa.Connection, violations: Mapping[str, str], now: datetime) -> None:
    is_open = Alert.closed_at.is_(None)
    known = set(connection.execute(sa.select(Alert.subject).where(is_open)).scalars())
    over = known - set(violations)
    connection.execute(sa.update(Alert).where(is_open, Alert.subject.in_(over)).values(closed_at=now))
    new = [{"subject": s, "words": w, "opened_at": now} for s, w in sorted(violations.items()) if s not in known]
    if new:
        connection.execute(sa.insert(Alert), new)


def _waiting(warehouse: Warehouse, channels: Mapping[str, Channel]) -> list[tuple[int, str, Message]]:
    """What a channel was not told yet: beginnings of what lasts, ends of what it was told the beginning of."""
    with warehouse.begin() as connection:
        alerts = connection.execute(sa.select(Alert).order_by(Alert.id)).mappings().all()
        key = sa.select(AlertSent.alert_id, AlertSent.channel, AlertSent.is_recovery)
        sent = {(row.alert_id, row.channel, row.is_recovery) for row in connection.execute(key)}
    waiting = []
    for alert in alerts:
        is_over = alert["closed_at"] is not None
        for channel in channels:
            was_told = (alert["id"], channel, False) in sent
            if was_told == is_over and (alert["id"], channel, is_over) not in sent:
                waiting.append((alert["id"], channel, Message(alert["subject"], is_over, alert["words"])))
    return waiting


def _send(warehouse: Warehouse, alert: int, channel: str, message: Message, *, send: Channel, now: datetime) -> int:
    """Sends in the transaction that records it, so that two processes do not both send, and a failure is not recorded."""
    row = {"alert_id": alert, "channel": channel, "is_recovery": message.is_recovery, "sent_at": now}
    with warehouse.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('alerts'))"))
        place = sa.and_(*(getattr(AlertSent, name) == row[name] for name in ("alert_id", "channel", "is_recovery")))
        if connection.execute(sa.select(sa.exists().where(place))).scalar():
            return 0
        send(message)
        connection.execute(sa.insert(AlertSent).values(row))
    return 1
