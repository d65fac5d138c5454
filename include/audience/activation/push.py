"""Brings a destination to the desired state, so that a crash at any point and a second run end the same.

lease -> doubt what earlier runs left in flight -> opt-outs into suppression -> plan -> guard -> schema
-> profiles -> additions -> removals, each acknowledged per record -> read back, heal, at most one more round
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa

from audience.activation import lease as leases
from audience.activation.bisection import isolate
from audience.activation.desired import wanted
from audience.activation.destination import Calls, Capabilities, Destination, Platform, Results
from audience.activation.guard import Limits, hold_reasons, is_mass_removal
from audience.activation.outcomes import bury_additions, count_states, doubt_what_others_sent, settle
from audience.activation.plan import Planned, describe_change, lists_of, make_plan, newest_evaluated, set_state
from audience.activation.reconcile import Drift, Found, compare, record_opt_outs
from audience.activation.report import PushReport
from audience.core.errors import PushHeld
from audience.core.masked import Secret
from audience.core.partition import Partition
from audience.core.warehouse import Warehouse
from audience.core.warehouse.load import count_rows
from audience.core.warehouse.models import Plan
from audience.core.warehouse.models.push import PROFILE
from audience.privacy.gate import Claim, Leaver, claim, claim_leavers

ROUNDS = 2
"""A push, and one more when the read-back found something to heal. What is wrong after that is reported."""

OVERLAP = timedelta(days=1)
"""Opt-outs are pulled again from this long before the last finished push, in case clocks differ."""


def activate(
    destination: Destination,
    *,
    warehouse: Warehouse,
    key: Secret,
    as_of: Partition,
    holder: str,
    approved: bool = False,
    dry_run: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - frozen: one shared default is safe
    sleep: Callable[[float], None] = time.sleep,
    at_call: Callable[[str], None] = lambda _: None,
) -> PushReport:
    """Makes a platform's lists hold exactly who should be on them now.

    Args:
        key: pseudonym key, to recognise addresses that the platform shows.
        as_of: partition of the segments; only the newest evaluated one is pushed.
        holder: who pushes, such as a run id; a retry under the same name takes its own lease over.
        approved: a person looked at the plan: push it although the guard would hold it.
        dry_run: change and send nothing; report what a push would do.
        at_call: told `before <call>` and `after <call>` around each call to the platform.

    Raises:
        PushHeld: the guard wants a person to look first; nothing was sent.
        LeaseLost: another run is pushing, or has taken over.
        DestinationUnavailable, DestinationRefused: as the platform behaves. Running again goes on from there.
    """
    with warehouse.begin() as connection:
        newest = newest_evaluated(connection)
    if newest is not None and as_of.day < newest:
        return PushReport(destination.name, as_of.day, skipped="not the newest partition")
    if dry_run:
        return _rehearse(destination, warehouse, as_of.day, limits)
    lease = leases.take(warehouse, destination.name, holder)
    try:
        push = _Push(destination, warehouse, key, as_of.day, lease, approved, limits, sleep, at_call)
        return push.run()
    finally:
        lease.release()


def _rehearse(destination: Destination, warehouse: Warehouse, as_of: date, limits: Limits) -> PushReport:
    can = destination.capabilities
    with warehouse.engine.connect() as connection:
        planned = make_plan(connection, destination.name, as_of)
        change = describe_change(connection, destination.name, as_of, planned, base_list=can.base_list)
        connection.rollback()
    report = _of_plan(PushReport(destination.name, as_of), planned)
    return replace(report, calls=_calls_needed(planned, can), problems=tuple(hold_reasons(change, limits)))


def _of_plan(report: PushReport, planned: Planned) -> PushReport:
    return replace(
        report,
        adds=report.adds + planned.count("add"),
        changes=report.changes + planned.count("upsert"),
        removals=report.removals + planned.count("remove"),
    )


def _calls_needed(planned: Planned, can: Capabilities) -> int:
    """Writing calls when nothing is refused and the lists exist."""
    size = {"upsert": can.upsert_batch, "add": can.upsert_batch, "remove": can.removal_batch}
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
    sleep: Callable[[float], None]
    at_call: Callable[[str], None]
    calls: int = 0

    def run(self) -> PushReport:
        with self.warehouse.begin() as connection:
            doubt_what_others_sent(connection, self.destination.name, self.lease.epoch)
        with self.destination.open(Calls(self._before, self._after, self._pause)) as platform:
            report = PushReport(self.destination.name, self.as_of, opted_out=self._pull_opt_outs(platform))
            for round_left in reversed(range(ROUNDS)):
                report, is_settled = self._round(platform, report, heal=round_left > 0)
                if is_settled:
                    break
        return replace(report, calls=self.calls)

    # -- around each call ------------------------------------------------------------------------------------------

    def _before(self, call: str) -> None:
        self.lease.renew()
        self.calls += 1
        self.at_call(f"before {call}")

    def _after(self, call: str) -> None:
        self.at_call(f"after {call}")

    def _pause(self, seconds: float) -> None:
        """Sleeps in pieces shorter than the lease lives, so that waiting for a rate limit does not lose it."""
        piece = self.lease.expiry.total_seconds() / 3
        while seconds > 0:
            self.sleep(min(seconds, piece))
            seconds -= piece
            self.lease.renew()

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

    def _round(self, platform: Platform, report: PushReport, *, heal: bool) -> tuple[PushReport, bool]:
        """Plans, pushes and reads back once; true when nothing is left to heal or healing is over."""
        planned, lists, problems = self._plan()
        report = replace(_of_plan(report, planned), problems=report.problems + problems)
        platform.ensure_schema(lists)
        self._profiles(platform, planned)
        self._additions(platform, planned)
        self._removals(platform, planned)
        drifts, opted_out = self._read_back(platform, [PROFILE, *lists])
        with self.warehouse.begin() as connection:
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
            set_state(connection, planned.plan_id, "done", finished_at=sa.func.now(), counts=self._counts(report))
        if report.in_sync or not heal:
            return report, True
        self._remove_ghosts(platform, drifts)
        return report, False

    def _plan(self) -> tuple[Planned, list[str], tuple[str, ...]]:
        name, can = self.destination.name, self.destination.capabilities
        with self.warehouse.begin() as connection:
            planned = make_plan(connection, name, self.as_of)
            lists = lists_of(connection, name)
            change = describe_change(connection, name, self.as_of, planned, base_list=can.base_list)
            reasons = tuple(hold_reasons(change, self.limits))
            problem = "; ".join(reasons) or None
            is_held = bool(reasons) and not self.approved
            set_state(connection, planned.plan_id, "held" if is_held else "pushing", problem=problem)
        if is_held:
            raise PushHeld(f"{name}: {problem}")
        return planned, lists, reasons

    def _counts(self, report: PushReport) -> dict[str, int]:
        names = ("adds", "changes", "removals", "acknowledged", "dead", "withheld")
        return {n: getattr(report, n) for n in names} | {"calls": self.calls}

    # -- telling the platform ----------------------------------------------------------------------------------------

    def _profiles(self, platform: Platform, planned: Planned) -> None:
        for list_name in planned.lists("upsert"):
            self._send("upsert", planned, list_name, platform.upsert)
        with self.warehouse.begin() as connection:
            bury_additions(connection, planned.plan_id)

    def _additions(self, platform: Platform, planned: Planned) -> None:
        for list_name in planned.lists("add"):
            self._send("add", planned, list_name, partial(platform.add, list_name))

    def _send(self, action: str, planned: Planned, list_name: str, send: Callable[..., Results]) -> None:
        one = self._claim(planned, list_name, self.destination.capabilities.upsert_batch)
        want = wanted(self.destination.name)
        while True:
            with self.warehouse.begin() as connection:
                taken, audience = claim(connection, one, action=action, wanted=want)
            if taken == 0:
                return
            refused = isolate([r.contact_key for r in audience], lambda part, a=audience: send(a[part]))  # type: ignore[misc]
            with self.warehouse.begin() as connection:
                settle(connection, one, action, refused)

    def _removals(self, platform: Platform, planned: Planned) -> None:
        for list_name in planned.lists("remove"):
            one = self._claim(planned, list_name, self.destination.capabilities.removal_batch)
            while True:
                with self.warehouse.begin() as connection:
                    taken, leavers = claim_leavers(connection, one)
                if taken == 0:
                    break
                refused = self._take_off(platform, list_name, leavers)
                with self.warehouse.begin() as connection:
                    settle(connection, one, "remove", refused)

    def _take_off(self, platform: Platform, list_name: str, leavers: Sequence[Leaver]) -> dict[str, str]:
        return isolate([v.contact_key for v in leavers], lambda part: platform.remove(list_name, leavers[part]))

    def _claim(self, planned: Planned, list_name: str, at_most: int) -> Claim:
        return Claim(self.destination.name, self.lease.epoch, planned.plan_id, list_name, at_most)

    # -- reading back ------------------------------------------------------------------------------------------------

    def _read_back(self, platform: Platform, lists: Sequence[str]) -> tuple[list[Drift], int]:
        """Compares all lists; whoever opted out there is suppressed first, and so no longer desired."""
        name = self.destination.name
        found = Found.recognise({one: list(platform.read_back(one)) for one in lists}, self.key)
        with self.warehouse.begin() as connection:
            opted_out = record_opt_outs(connection, name, [o for f in found for o in f.opt_outs], self.key)
            count_rows(connection, "push.acknowledged", "push.item")
            return compare(connection, name, found, base_list=self.destination.capabilities.base_list), opted_out

    def _remove_ghosts(self, platform: Platform, drifts: Sequence[Drift]) -> None:
        """Takes ghosts off, unless they are so many that the desired state is the more likely mistake."""
        size = self.destination.capabilities.removal_batch
        for drift in drifts:
            if is_mass_removal(len(drift.ghosts), drift.state.on_platform, self.limits) and not self.approved:
                continue
            for start in range(0, len(drift.ghosts), size):
                self._take_off(platform, drift.list_name, drift.ghosts[start : start + size])
