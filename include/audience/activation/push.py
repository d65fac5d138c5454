"""Brings a destination to the desired state, so that a crash at any point and a second run end the same.

lease -> doubt what earlier runs left in flight -> opt-outs into suppression -> who said no is taken off -> jobs of earlier
runs -> plan -> guard -> schema -> profiles -> additions -> removals, each acknowledged per record -> read back, heal, at
most one more round

What a platform does later it does without us: a run that would wait too long ends (`waiting_seconds`), and the next one,
here or elsewhere, goes on from the job's id in the ledger.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa

from audience.activation import lease as leases
from audience.activation.capable import what_it_lacks
from audience.activation.destination import Calls, Capabilities, Destination, Platform, Request
from audience.activation.guard import Limits, hold_reasons, is_mass_removal, stale_inputs
from audience.activation.leaving import Leaving
from audience.activation.outcomes import bury_additions, count_states, doubt_what_others_sent
from audience.activation.plan import (
    BETWEEN,
    Planned,
    describe_change,
    is_answered,
    lists_of,
    make_plan,
    newest_evaluated,
    set_state,
)
from audience.activation.reading import read
from audience.activation.reconcile import Drift, compare, record_opt_outs
from audience.activation.report import PushReport
from audience.activation.seen import log_requests, note_lists
from audience.activation.telling import Teller
from audience.core.errors import DeclarationError, PushHeld, StillRunning
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.load import count_rows
from audience.core.warehouse.models import Plan
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.erased import is_erasing, is_telling_the_erased
from audience.privacy.samples import sample_payloads

ROUNDS = 2
"""A push, and one more when the read-back found something to heal. What is wrong after that is reported."""

OVERLAP = timedelta(days=1)
"""Opt-outs are pulled again from this long before the last finished push, in case clocks differ."""

PATIENCE_SECONDS = 3600.0
"""How long a run waits, in sum, for what the platform does later. A task that frees its worker meanwhile waits less."""


def activate(
    destination: Destination,
    *,
    warehouse: Warehouse,
    key: Secret,
    as_of: Partition,
    holder: str,
    approved: bool = False,
    answer_to: int | None = None,
    dry_run: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - frozen: one shared default is safe
    patience_seconds: float = PATIENCE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    at_call: Callable[[str], None] = lambda _: None,
) -> PushReport:
    """Makes a platform's lists hold exactly who should be on them now.

    Args:
        key: pseudonym key, to recognise addresses that the platform shows.
        as_of: partition of the segments; only the newest evaluated one is pushed.
        holder: who pushes, such as a run id; a retry under the same name takes its own lease over.
        approved: a person looked at the plan: push it although the guard would hold it.
        answer_to: the held plan that a person said yes to: pushes what the guard would hold for the same reasons, and for no
            others.
        dry_run: change and send nothing; report what a push would do.
        patience_seconds: how long to wait, in sum, for what the platform does later.
        at_call: told `before <call>` and `after <call>` around each call to the platform.

    Raises:
        PushHeld: the guard wants a person to look first; only people who said no were taken off.
        LeaseLost: another run is pushing, or has taken over.
        DestinationUnavailable, DestinationRefused: as the platform behaves. Running again goes on from there.
    """
    warehouse = warehouse.vault
    with warehouse.begin() as connection:
        newest = newest_evaluated(connection)
    if newest is not None and as_of.day < newest:
        return PushReport(destination.name, as_of.day, skipped="not the newest partition")
    if dry_run:
        return _rehearse(destination, warehouse, as_of.day, limits)
    lease = leases.take(warehouse, destination.name, holder)
    try:
        push = _Push(
            destination, warehouse, key, as_of.day, lease, approved, limits, patience_seconds, sleep, at_call, answer_to
        )
        return push.run()
    finally:
        lease.release()


def erase(
    name: str,
    connect: Callable[[], Destination],
    *,
    warehouse: Warehouse,
    key: Secret,
    holder: str,
    patience_seconds: float = PATIENCE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
    at_call: Callable[[str], None] = lambda _: None,
) -> PushReport | None:
    """Deletes whoever was erased here on a platform, and does nothing else. None when it was told of none of them.

    The lease is taken even then: a push that was under way when they were suppressed is over, or fenced off, once we hold
    it. What it acknowledged is seen, what a crash left in flight is in doubt and counts as told, and jobs that it left to the
    platform are seen through first where they bring somebody whom we erase.

    Args:
        connect: opens the account; called only when there is somebody to delete.

    Raises as `activate` does.
    """
    warehouse = warehouse.vault
    lease = leases.take(warehouse, name, holder)
    try:
        with lease.writing() as connection:
            doubt_what_others_sent(connection, name, lease.epoch)
            as_of, is_told = newest_evaluated(connection), is_telling_the_erased(connection, name)
            if as_of is None or not (is_told or is_erasing(connection, name)):
                return None
        limits = Limits()
        push = _Push(connect(), warehouse, key, as_of, lease, False, limits, patience_seconds, sleep, at_call)
        return push.run(partial(_erase, jobs_first=is_told))
    finally:
        lease.release()


def _erase(_platform: Platform, tell: Teller, report: PushReport, *, jobs_first: bool) -> PushReport:
    if jobs_first:
        tell.finish_jobs()
    return replace(report, erased=Leaving(tell).see_erasures_through())


def _rehearse(destination: Destination, warehouse: Warehouse, as_of: date, limits: Limits) -> PushReport:
    can = destination.capabilities
    with warehouse.engine.connect() as connection:
        planned = make_plan(connection, destination.name, as_of, beside_others=True)
        lacking = what_it_lacks(connection, destination)
        change = describe_change(connection, destination.name, as_of, planned, base_list=can.base_list)
        samples = sample_payloads(connection, planned.plan_id)
        connection.rollback()
    calls = _calls_needed(planned, can)
    return replace(
        _of_plan(PushReport(destination.name, as_of), planned),
        calls=calls,
        seconds=round(calls / destination.per_second, 1),
        samples=tuple(samples),
        problems=(*lacking, *hold_reasons(change, limits)),
        stale=tuple(stale_inputs(change)),
    )


def _of_plan(report: PushReport, planned: Planned) -> PushReport:
    return replace(
        report,
        adds=report.adds + planned.count("add"),
        creates=report.creates + sum(d.unknown_before for d in planned.differences if d.action == "upsert"),
        changes=report.changes + planned.count("upsert"),
        removals=report.removals + planned.count("remove"),
    )


def _calls_needed(planned: Planned, can: Capabilities) -> int:
    """Writing calls when nothing is refused and the lists exist."""
    size = {"upsert": can.upsert_batch, "add": can.add_batch, "remove": can.remove_batch}
    return sum(-(-d.items // size[d.action]) for d in planned.differences)


@dataclass
class _Push:
    """One run under one lease."""

    destination: Destination
    warehouse: Warehouse
    key: Secret
    as_of: date
    lease: leases.HeldLease
    approved: bool
    limits: Limits
    patience_seconds: float
    sleep: Callable[[float], None]
    at_call: Callable[[str], None]
    answer_to: int | None = None
    tell: Teller | None = None
    slept_ahead: float = 0.0
    calls: int = 0
    logged: list[tuple[Request, float]] = field(default_factory=list)

    def run(self, work: "Callable[[Platform, Teller, PushReport], PushReport] | None" = None) -> PushReport:
        """Does the work in the platform's account; when it is not given, pushes."""
        with self.lease.writing() as connection:
            doubt_what_others_sent(connection, self.destination.name, self.lease.epoch)
        report = PushReport(self.destination.name, self.as_of)
        calls = Calls(self._before, self._after, self._pause, self._log, self.as_of, self.lease.epoch)
        with self.destination.open(calls) as platform:
            tell = self.tell = Teller(
                self.destination, platform, self.warehouse, self.key, self.lease, self._pause, self.patience_seconds,
                self._clock,
            )  # fmt: skip
            try:
                report = (work or self._run)(platform, tell, report)
            except StillRunning as running:
                report = replace(report, waiting_seconds=running.seconds)
            finally:
                with self.warehouse.begin() as connection:
                    self._write_log(connection)
        return replace(report, calls=self.calls)

    def _run(self, platform: Platform, tell: Teller, report: PushReport) -> PushReport:
        opted_out, leaving = self._pull_opt_outs(platform), Leaving(tell)
        erased, withdrawn = leaving.erase_the_erased(), leaving.withdraw()
        if tell.finish_jobs():
            erased, withdrawn = erased + leaving.erase_the_erased(), withdrawn + leaving.withdraw()
        report = replace(report, opted_out=opted_out, erased=erased, withdrawn=withdrawn)
        for round_left in reversed(range(ROUNDS)):
            report, is_settled = self._round(platform, tell, report, heal=round_left > 0)
            if is_settled:
                break
        return replace(report, erased=report.erased + leaving.look_at_deletions())

    # -- around each call ------------------------------------------------------------------------------------------

    def _before(self, call: str) -> None:
        with self.warehouse.begin() as connection:
            self.lease.renew(connection)
            self._write_log(connection)
            if self.tell is not None:
                self.tell.ask_again(connection)
        self.calls += 1
        self.at_call(f"before {call}")

    def _after(self, call: str) -> None:
        self.at_call(f"after {call}")

    def _pause(self, seconds: float) -> None:
        """Sleeps in pieces shorter than the lease lives, so that waiting for a rate limit does not lose it."""
        piece = self.lease.expiry.total_seconds() / 3
        while seconds > 0:
            until = self._clock() + min(seconds, piece)
            self.sleep(min(seconds, piece))
            self.slept_ahead += max(0.0, until - self._clock())
            seconds -= piece
            with self.warehouse.begin() as connection:
                self.lease.renew(connection)

    def _clock(self) -> float:
        """Seconds by this machine, and those that a `sleep` let pass without sleeping."""
        return time.monotonic() + self.slept_ahead

    def _log(self, request: Request) -> None:
        self.logged.append((request, time.monotonic()))

    def _write_log(self, connection: sa.Connection) -> None:
        if self.logged:
            now = time.monotonic()
            entries = [(request, now - at) for request, at in self.logged]
            log_requests(connection, self.destination.name, self.lease.epoch, entries)
            self.logged.clear()

    # -- one round -------------------------------------------------------------------------------------------------

    def _pull_opt_outs(self, platform: Platform) -> int:
        with self.warehouse.begin() as connection:
            last = connection.execute(
                sa.select(sa.func.max(Plan.planned_at)).where(
                    Plan.destination == self.destination.name, Plan.state == "done"
                )
            ).scalar()
        since: datetime | None = None if last is None else last - OVERLAP
        opt_outs = list(platform.pull_opt_outs(since))
        with self.warehouse.begin() as connection:
            return record_opt_outs(connection, self.destination.name, opt_outs, self.key)

    def _round(self, platform: Platform, tell: Teller, report: PushReport, *, heal: bool) -> tuple[PushReport, bool]:
        """Plans, pushes and reads back once; true when nothing is left to heal or healing is over."""
        planned, lists, problems, stale = self._plan()
        report = replace(_of_plan(report, planned), problems=report.problems + problems, stale=report.stale or stale)
        platform.ensure_schema(lists)
        self._push(tell, planned)
        reads_back = self.destination.capabilities.reads_back
        drifts, opted_out = self._read_back(platform, [PROFILE, *lists]) if reads_back else ([], 0)
        with self.lease.writing() as connection:
            states = count_states(connection, planned.plan_id)
            report = replace(
                report,
                acknowledged=report.acknowledged + states.get("acknowledged", 0),
                dead=report.dead + states.get("dead", 0),
                withheld=report.withheld + states.get("withheld", 0),
                opted_out=report.opted_out + opted_out,
                lists=tuple(d.state for d in drifts),
                in_sync=all(d.state.in_sync for d in drifts),
            )
            note_lists(connection, planned.plan_id, drifts)
            set_state(connection, planned.plan_id, "done", finished_at=sa.func.now(), counts=self._counts(report))
        if not heal or not any(d.heals for d in drifts):
            return report, True
        self._remove_ghosts(tell, drifts)
        return report, False

    def _plan(self) -> tuple[Planned, list[str], tuple[str, ...], tuple[str, ...]]:
        name, can = self.destination.name, self.destination.capabilities
        with self.lease.writing() as connection:
            if lacking := what_it_lacks(connection, self.destination):
                raise DeclarationError(name, "; ".join(lacking))
            planned = make_plan(connection, name, self.as_of)
            lists = lists_of(connection, name)
            change = describe_change(connection, name, self.as_of, planned, base_list=can.base_list)
            reasons = tuple(hold_reasons(change, self.limits))
            problem = BETWEEN.join(reasons) or None
            is_held = bool(reasons) and not (self.approved or self._is_answered(connection, reasons))
            set_state(connection, planned.plan_id, "held" if is_held else "pushing", problem=problem)
        if is_held:
            raise PushHeld(f"{name}: {problem}", planned.plan_id, self.as_of)
        return planned, lists, reasons, tuple(stale_inputs(change))

    def _is_answered(self, connection: sa.Connection, reasons: Sequence[str]) -> bool:
        asked = self.answer_to
        return asked is not None and is_answered(connection, self.destination.name, asked, self.as_of, reasons)

    def _counts(self, report: PushReport) -> dict[str, int]:
        names = ("adds", "changes", "removals", "withdrawn", "acknowledged", "dead", "withheld")
        return {n: getattr(report, n) for n in names} | {"calls": self.calls}

    def _push(self, tell: Teller, planned: Planned) -> None:
        """Profiles, then additions, then removals; the base list is left last, for it knows the platform's ids."""
        tell.tell("upsert", planned.plan_id, planned.lists("upsert"))
        tell.finish_jobs()
        with self.lease.writing() as connection:
            bury_additions(connection, planned.plan_id)
        tell.tell("add", planned.plan_id, planned.lists("add"))
        tell.finish_jobs()
        tell.tell("remove", planned.plan_id, sorted(planned.lists("remove"), key=lambda name: (name == PROFILE, name)))
        tell.finish_jobs()

    # -- reading back ------------------------------------------------------------------------------------------------

    def _read_back(self, platform: Platform, lists: Sequence[str]) -> tuple[list[Drift], int]:
        """Compares all lists; whoever opted out there is suppressed first, and so no longer desired."""
        name, can = self.destination.name, self.destination.capabilities
        reading = read(platform, lists, warehouse=self.warehouse, destination=name, key=self.key)
        with self.lease.writing() as connection:
            opted_out = record_opt_outs(connection, name, reading.opt_outs, self.key)
            count_rows(connection, "push.acknowledged", "push.item")
            return compare(connection, name, reading, lists, base_list=can.base_list), opted_out

    def _remove_ghosts(self, tell: Teller, drifts: Sequence[Drift]) -> None:
        """Takes ghosts off, unless they are so many that the desired state is the more likely mistake."""
        for drift in drifts:
            if is_mass_removal(len(drift.ghosts), drift.state.on_platform, self.limits) and not self.approved:
                continue
            Leaving(tell).take_all_off(drift.list_name, drift.ghosts)
