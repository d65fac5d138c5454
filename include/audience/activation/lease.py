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
            if connection.execute(sa.select(Lease.epoch).where(*self._ours())).scalar() is None:
                raise self._lost()

    def renew(self, connection: sa.Connection) -> None:
        """Lets the lease live another `expiry` from now, once a third of it is over: who writes it each time would wait for
        each claim, which holds it. Raises LeaseLost as `check` does."""
        left = sa.type_coerce(Lease.expires_at - _now(), sa.Interval)
        found = connection.execute(sa.select(left).where(*self._ours())).scalar()
        if found is not None and found < self.expiry * 2 / 3:
            longer = sa.update(Lease).where(*self._ours()).values(expires_at=_now() + self.expiry)
            found = connection.execute(longer.returning(left)).scalar()
        if found is None:
            raise self._lost()

    def hold(self, connection: sa.Connection) -> None:
        """Keeps anybody from taking the lease before this transaction ends. Raises LeaseLost as `check` does."""
        ours = sa.select(Lease.epoch).where(*self._ours()).with_for_update(read=True)
        if connection.execute(ours).scalar() is None:
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
            connection.execute(sa.update(Lease).where(*self._ours()).values(expires_at=_now()))

    def _ours(self) -> tuple[sa.ColumnElement[bool], ...]:
        return Lease.destination == self.destination, Lease.epoch == self.epoch, Lease.expires_at > _now()

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
