"""One push at a time per destination. Whoever takes the lease gets a new epoch; an older epoch must stop.

The server's clock decides, so machines need not agree about the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from audience.core.errors import LeaseLost
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Lease
from audience.core.warehouse.statement import Statement, given

EXPIRY = timedelta(minutes=5)
"""How long a lease lives without being renewed: longer than any single call, shorter than anybody wants to wait."""


@dataclass(frozen=True)
class HeldLease:
    """The right to push to a destination, as long as `check` says so."""

    warehouse: Warehouse
    destination: str
    holder: str
    epoch: int
    expiry: timedelta

    def check(self) -> None:
        """Raises LeaseLost when the epoch is not ours any more, or has expired."""
        with self.warehouse.begin() as connection:
            if self._run(_LEFT, connection) is None:
                raise self._lost()

    def renew(self, connection: sa.Connection) -> None:
        """Lets the lease live another `expiry` from now, once a third of it is over: who writes it each time would wait for
        each claim, which holds it. Raises LeaseLost as `check` does."""
        left = self._run(_LEFT, connection)
        if left is not None and left < self.expiry * 2 / 3:
            left = self._run(_LONGER, connection, seconds=self.expiry.total_seconds())
        if left is None:
            raise self._lost()

    def hold(self, connection: sa.Connection) -> None:
        """Keeps anybody from taking the lease before this transaction ends. Raises LeaseLost as `check` does."""
        if self._run(_HELD, connection) is None:
            raise self._lost()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that nobody can take the lease in: all that a run writes into the ledger, but for doubts."""
        with self.warehouse.begin() as connection:
            self.hold(connection)
            yield connection

    def release(self) -> None:
        """Frees the destination; does nothing when the lease is somebody else's by now."""
        with self.warehouse.begin() as connection:
            self._run(_ENDED, connection)

    def _run(self, statement: Statement, connection: sa.Connection, **more: float) -> timedelta | None:
        """What is left of the lease's life; None when it is not ours."""
        found: timedelta | None = statement.run(
            connection, of_destination=self.destination, of_epoch=self.epoch, **more
        ).scalar()
        return found

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"{self.destination}: epoch {self.epoch} does not hold the lease any more; this run stops")


def take(warehouse: Warehouse, destination: str, holder: str, *, expiry: timedelta = EXPIRY) -> HeldLease:
    """Takes the lease in one statement: when it is free, has expired, or is held under the same name (a retry).

    Raises:
        LeaseLost: somebody else holds it; names them and says until when.
    """
    # Nobody may hold it for longer than `expiry` from now: who seems to has seen the server's clock go back.
    is_impossible = Lease.expires_at > _now() + expiry
    free = sa.or_(Lease.expires_at <= _now(), Lease.holder == holder, is_impossible)
    taking = insert(Lease).values(destination=destination, epoch=1, holder=holder, expires_at=_now() + expiry)
    with warehouse.begin() as connection:
        epoch = connection.execute(
            taking.on_conflict_do_update(
                index_elements=["destination"],
                set_={"epoch": Lease.epoch + 1, "holder": holder, "expires_at": taking.excluded.expires_at},
                where=free,
            ).returning(Lease.epoch)
        ).scalar()
        if epoch is None:
            other = connection.execute(
                sa.select(Lease.holder, Lease.expires_at).where(Lease.destination == destination)
            ).one()
            raise LeaseLost(f"{destination}: held by {other.holder} until {other.expires_at.isoformat()}")
    return HeldLease(warehouse, destination, holder, epoch, expiry)


def _now() -> sa.Function[object]:
    return sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))


_OURS = (
    Lease.destination == given("of_destination"),
    Lease.epoch == given("of_epoch"),
    Lease.expires_at > _now(),
)
_LIFE = (Lease.expires_at - _now()).label("life")
_LEFT = Statement.of(sa.select(_LIFE).where(*_OURS))
_HELD = Statement.of(sa.select(_LIFE).where(*_OURS).with_for_update(read=True))
_MORE = sa.func.make_interval(0, 0, 0, 0, 0, 0, given("seconds", sa.Float))
_LONGER = Statement.of(sa.update(Lease).where(*_OURS).values(expires_at=_now() + _MORE).returning(_LIFE))
_ENDED = Statement.of(sa.update(Lease).where(*_OURS).values(expires_at=_now()).returning(_LIFE))
"""What is asked of the lease before each call and with each batch."""
