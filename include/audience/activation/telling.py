"""Tells one platform, under one lease, what a plan says: batch by batch, each record's result into the ledger."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from audience.activation import jobs
from audience.activation.bisection import MOST_CALLS, Outcome, isolate
from audience.activation.desired import purposes, wanted
from audience.activation.destination import Answer, Destination, Job, Platform, Results
from audience.activation.lease import HeldLease
from audience.activation.outcomes import forget, hand_over, settle
from audience.activation.recognise import recognise
from audience.core.errors import DestinationRefused, StillRunning
from audience.core.masked import Secret
from audience.core.warehouse import Warehouse
from audience.privacy.erased import note_erased, those_erased, to_erase
from audience.privacy.gate import Claim, Claimed, Leaver, claim, claim_leavers
from audience.privacy.withdrawals import still_listed

LONGEST_LOOK = 60.0
"""Seconds between two looks at a job, at most, unless the platform wants more; the first ones follow more closely."""

MOST_LOOKS = 60
"""Looks at one job that a run waits for where it stands."""


@dataclass
class Teller:
    """What a run does to a platform.

    Args:
        pause: sleeps, keeping the lease meanwhile.
        patience_seconds: how long this run waits, in sum, for jobs before it leaves them to the next one.
    """

    destination: Destination
    platform: Platform
    warehouse: Warehouse
    key: Secret
    lease: HeldLease
    pause: Callable[[float], None]
    patience_seconds: float
    waited: float = 0.0
    looks: dict[int, int] = field(default_factory=dict)

    # -- what a plan says --------------------------------------------------------------------------------------------

    def tell(self, action: str, plan_id: int, list_name: str) -> None:
        """Claims and tells everything of one action and list. What the platform does later may still run at the end."""
        can = self.destination.capabilities
        size = {"upsert": can.upsert_batch, "add": can.add_batch, "remove": can.remove_batch}[action]
        one = Claim(self.destination.name, self.lease.epoch, plan_id, list_name, size)
        for taken, people in self._claims(one, action):
            if people:
                self._tell(taken, action, people)

    def finish_jobs(self, leave: int = 0) -> int:
        """Sees jobs through, also those of runs that are gone, until at most `leave` are unfinished. Returns how many.

        Raises:
            StillRunning: they take longer than this run wants to wait.
        """
        seen = 0
        while True:
            with self.warehouse.begin() as connection:
                open_ = jobs.unfinished(connection, self.destination.name)
                if len(open_) <= leave:
                    return seen
                self.lease.hold(connection)
                jobs.adopt(connection, open_[0].number, self.lease.epoch)
            job = open_[0]
            answer = self.platform.poll(Job(job.job_id))
            if isinstance(answer, Results):
                self._conclude(job, answer)
                seen += 1
            elif job.is_given_up:
                with self.warehouse.begin() as connection:
                    self.lease.hold(connection)
                    jobs.give_up(connection, self.destination.name, job.number)
            else:
                self._wait_for(job.number, answer)

    # -- what waits for no plan --------------------------------------------------------------------------------------

    def withdraw(self) -> int:
        """Takes everybody off who said no to a list since it was acknowledged. Returns the number of memberships."""
        name, done = self.destination.name, 0
        while True:
            with self.warehouse.begin() as connection:
                listed = still_listed(connection, name, purposes(name))
            if not listed:
                return done
            lists: dict[str, list[Leaver]] = {}
            for list_name, leaver in listed:
                lists.setdefault(list_name, []).append(leaver)
            before = done
            for list_name, leavers in lists.items():
                done += self._withdraw_from(list_name, leavers)
            if done == before:
                return done

    def _withdraw_from(self, list_name: str, leavers: Sequence[Leaver]) -> int:
        done = 0
        for part in _parts(leavers, self.destination.capabilities.remove_batch):
            refused = self.take_off(list_name, part).refused
            gone = [v.contact_key for v in part if v.contact_key not in refused]
            with self.warehouse.begin() as connection:
                self.lease.hold(connection)
                forget(connection, self.destination.name, list_name, gone)
            done += len(gone)
        return done

    def erase_the_erased(self) -> int:
        """Deletes people there who were erased here, and leaves the receipt. Returns the number of contacts."""
        name, can = self.destination.name, self.destination.capabilities
        if not can.erases:
            return 0
        with self.warehouse.begin() as connection:
            people = to_erase(connection, name, by_key=can.knows_by_key)
        return self.erase(people)

    def erase(self, people: Sequence[Leaver]) -> int:
        done = 0
        for part in _parts(people, self.destination.capabilities.remove_batch):
            refused = self._isolated(self.platform.erase, part).refused
            gone = [v.contact_key for v in part if v.contact_key not in refused]
            with self.warehouse.begin() as connection:
                self.lease.hold(connection)
                note_erased(connection, self.destination.name, gone)
            done += len(gone)
        return done

    def take_all_off(self, list_name: str, ghosts: Sequence[Leaver]) -> None:
        """Takes contacts off a list that nobody told it of; those who were erased are deleted instead."""
        with self.warehouse.begin() as connection:
            erased = those_erased(connection, [v.contact_key for v in ghosts])
        if erased and self.destination.capabilities.erases:
            self.erase([v for v in ghosts if v.contact_key in erased])
            ghosts = [v for v in ghosts if v.contact_key not in erased]
        for part in _parts(ghosts, self.destination.capabilities.remove_batch):
            self.take_off(list_name, part)

    def take_off(self, list_name: str, leavers: Sequence[Leaver]) -> Outcome:
        """Takes contacts off a list, and waits for it."""
        return self._isolated(partial(self.platform.remove, list_name), leavers)

    # -- one batch ---------------------------------------------------------------------------------------------------

    def _claims(self, one: Claim, action: str) -> Iterator[tuple[Claim, Any]]:
        while True:
            with self.warehouse.begin() as connection:
                claimed = self._claim(connection, one, action)
            if claimed.taken == 0:
                return
            yield replace(one, job=None), claimed.audience
            one = replace(one, after=claimed.last)

    def _claim(self, connection: sa.Connection, one: Claim, action: str) -> Claimed[Any]:
        if action == "remove":
            return claim_leavers(connection, one, by_key=self.destination.capabilities.knows_by_key)
        return claim(connection, one, action=action, wanted=wanted(self.destination.name))

    def _tell(self, one: Claim, action: str, people: Any, *, already: str = "") -> None:
        send = self._sender(action, one.list_name)
        if not already:
            answer = send(people)
            if isinstance(answer, Job):
                with self.warehouse.begin() as connection:
                    hand_over(connection, one, action, answer.job_id)
                self.finish_jobs(leave=self.destination.capabilities.jobs_at_once - 1)
                return
            outcome = self._outcome(answer)
            already = outcome.whole
        if already:
            keys = [p.contact_key for p in people]
            outcome = isolate(keys, lambda part: self._told_part(one, action, people[part]), already=already)
        with self.warehouse.begin() as connection:
            settle(connection, one, action, outcome.refused, outcome.ids)

    def _told_part(self, one: Claim, action: str, people: Any) -> Outcome:
        """Of a batch that was refused as a whole. What the platform does with a part later, its job tells, in whatever run."""
        answer = self._sender(action, one.list_name)(people)
        if isinstance(answer, Results):
            return self._outcome(answer)
        with self.warehouse.begin() as connection:
            hand_over(connection, one, action, answer.job_id, [p.contact_key for p in people])
        return Outcome()

    def _isolated(self, send: Callable[[Any], Answer], people: Any) -> Outcome:
        keys = [p.contact_key for p in people]
        return isolate(keys, lambda part: self._outcome(self._seen_through(send(people[part]))))

    def _sender(self, action: str, list_name: str) -> Callable[[Any], Answer]:
        if action == "upsert":
            return self.platform.upsert
        return partial(self.platform.add if action == "add" else self.platform.remove, list_name)

    def _outcome(self, results: Results) -> Outcome:
        refused: dict[str, str] = {}
        if results.refused:
            with self.warehouse.begin() as connection:
                shown = [r.who for r in results.refused]
                keys = recognise(connection, self.destination.name, shown, self.key)
            refused = {k: r.reason for k, r in zip(keys, results.refused, strict=True) if k is not None}
        return Outcome(refused, results.ids, results.refused_whole)

    # -- jobs --------------------------------------------------------------------------------------------------------

    def _conclude(self, job: Any, results: Results) -> None:
        """Settles what a job covered; when it failed as a whole, the gate is asked again and its parts are told."""
        outcome = self._outcome(results)
        name, size = self.destination.name, self.destination.capabilities.upsert_batch
        one = Claim(name, self.lease.epoch, job.plan_id, job.list_name, size, job=job.number)
        if outcome.whole:
            self._stop_refusing(job, outcome.whole)
            for taken, people in self._claims(one, job.action):
                if people:
                    self._tell(taken, job.action, people, already=outcome.whole)
        with self.warehouse.begin() as connection:
            self.lease.hold(connection)
            if not outcome.whole:
                settle(connection, one, job.action, outcome.refused, outcome.ids)
            jobs.finish(connection, job.number, outcome.whole or "done")

    def _stop_refusing(self, job: Any, last: str) -> None:
        """Raises DestinationRefused when so many jobs of a plan failed that it is wrong, and not its records."""
        with self.warehouse.begin() as connection:
            failed = jobs.failed(connection, job.plan_id, job.action, job.list_name)
        if failed >= MOST_CALLS:
            raise DestinationRefused(f"{self.destination.name}: {failed} jobs of one list failed, last: {last}")

    def _wait_for(self, number: int, job: Job) -> None:
        """Waits until a look at a job is worth it: longer each time, or leaves it to the next run."""
        looks = self.looks[number] = self.looks.get(number, -1) + 1
        seconds = max(job.look_after, min(LONGEST_LOOK, 0.5 * 2.0**looks))
        if self.waited + seconds > self.patience_seconds:
            raise StillRunning(f"{self.destination.name}: job {number} still runs", seconds)
        self.waited += seconds
        self.pause(seconds)

    def _seen_through(self, answer: Answer) -> Results:
        """The results of a job that is in no ledger: of contacts that are in no plan."""
        looks = 0
        while isinstance(answer, Job):
            if looks == MOST_LOOKS:
                return Results(refused_whole=f"job not over after {looks} looks")
            self.pause(max(answer.look_after, min(LONGEST_LOOK, 0.5 * 2.0**looks)))
            looks += 1
            answer = self.platform.poll(answer)
        return answer


def _parts(leavers: Sequence[Leaver], size: int) -> Iterator[Sequence[Leaver]]:
    return (leavers[start : start + size] for start in range(0, len(leavers), size))
