"""Tells one platform, under one lease, what a plan says: batch by batch, each record's result into the ledger."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from audience.activation import jobs
from audience.activation.ahead import ahead
from audience.activation.bisection import MOST_CALLS, Outcome, isolate
from audience.activation.desired import wanted
from audience.activation.destination import Answer, Destination, Job, Platform, Results
from audience.activation.lease import HeldLease
from audience.activation.outcomes import doubt_told, hand_over, put_back, settle
from audience.activation.recognise import recognise
from audience.core.errors import AnswerOutdated, DestinationRefused, DestinationUnavailable, LeaseLost, StillRunning
from audience.core.masked import Secret
from audience.core.warehouse import Warehouse
from audience.privacy.claims import Claim, Claimed
from audience.privacy.gate import claim, claim_leavers, is_outdated

LONGEST_LOOK = 60.0
"""Seconds between two looks at a job, at most, unless the platform wants more; the first ones follow more closely."""

ASKED_FOR_SECONDS = 1.0
"""How long the gate's answer counts: longer than turns are waited for, shorter than any rest that a platform asks for."""

MOST_LOOKS = 60
"""Looks at one job that a run waits for where it stands."""


@dataclass(frozen=True)
class Batch:
    """People who were claimed together, by the claim of the number `of`; `asked_at` is when the gate was asked about them."""

    claim: Claim
    people: Any
    of: int
    asked_at: float


@dataclass
class Teller:
    """What a run does to a platform.

    Args:
        pause: sleeps, keeping the lease meanwhile.
        patience_seconds: how long this run waits, in sum, for jobs before it leaves them to the next one.
        clock: seconds that have passed for this run, those it slept included.
        in_hand: the claim and action that is being told, and `asked_at` when the gate was asked about it.
    """

    destination: Destination
    platform: Platform
    warehouse: Warehouse
    key: Secret
    lease: HeldLease
    pause: Callable[[float], None]
    patience_seconds: float
    clock: Callable[[], float]
    waited: float = 0.0
    asked_at: float = 0.0
    in_hand: tuple[Claim, str] | None = None
    looks: dict[int, int] = field(default_factory=dict)

    # -- what a plan says --------------------------------------------------------------------------------------------

    def tell(self, action: str, plan_id: int, lists: Sequence[str]) -> None:
        """Claims and tells everything of one action, list by list. What the platform does later may still run at the end."""
        can = self.destination.capabilities
        size = {"upsert": can.upsert_batch, "add": can.add_batch, "remove": can.remove_batch}[action]
        of_plan = Claim(self.destination.name, self.lease.epoch, plan_id, "", size)
        self._tell_all([replace(of_plan, list_name=name) for name in lists], action)

    def finish_jobs(self, leave: int = 0) -> int:
        """Sees jobs through, also those of runs that are gone, until at most `leave` are unfinished. Returns how many.

        Raises:
            StillRunning: they take longer than this run wants to wait.
        """
        seen = 0
        while True:
            with self.lease.writing() as connection:
                open_ = jobs.unfinished(connection, self.destination.name)
                if len(open_) <= leave:
                    return seen
                jobs.adopt(connection, open_[0].number, self.lease.epoch)
            job = open_[0]
            answer = self._looked_at(job)
            if isinstance(answer, Results):
                self._conclude(job, answer)
                seen += 1
            elif job.is_given_up:
                with self.lease.writing() as connection:
                    jobs.give_up(connection, self.destination.name, job.number)
            else:
                self.wait_for(job.number, answer)

    def _looked_at(self, job: Any) -> Answer:
        """What the platform says of a job. One whose time is over and that cannot be asked about, or not be understood, is as
        one that still runs: or it would be in the way of all pushes for ever."""
        try:
            return self.platform.poll(Job(job.job_id))
        except (DestinationRefused, DestinationUnavailable):
            if not job.is_given_up:
                raise
            return Job(job.job_id)

    # -- one batch ---------------------------------------------------------------------------------------------------

    def ask_again(self, connection: sa.Connection) -> None:
        """Before each call: of a batch that was claimed a while ago, and has waited since, the gate is asked once more.

        Raises:
            AnswerOutdated: it would answer otherwise now.
        """
        if self.in_hand is None or self.clock() - self.asked_at < ASKED_FOR_SECONDS:
            return
        one, action = self.in_hand
        if is_outdated(connection, one, action=action, wanted=wanted(self.destination.name)):
            raise AnswerOutdated(f"{self.destination.name}: found a change since the gate was asked, asking again")
        self.asked_at = self.clock()

    def _tell_all(self, claims: Sequence[Claim], action: str, *, already: str = "") -> None:
        while claims:
            claims = self._tell_from(claims, action, already)

    def _tell_from(self, claims: Sequence[Claim], action: str, already: str) -> Sequence[Claim]:
        """Tells batch by batch, the next one being claimed meanwhile. Returns what has to be claimed again, because the gate
        would answer otherwise by now, and nothing at the end."""
        with closing(ahead(self._batches(claims, action))) as batches:
            for batch in batches:
                try:
                    self._tell_batch(batch, action, already)
                except AnswerOutdated:
                    batches.close()
                    again = (replace(claims[batch.of], after=batch.claim.after), *claims[batch.of + 1 :])
                    # And what was claimed meanwhile; but beside a job that failed, a batch of the plan may be in flight too,
                    # which is not ours to put back: it would be told without being asked about.
                    open_ = again if again[0].job is None else (batch.claim,)
                    with self.lease.writing() as connection:
                        for one in open_:
                            put_back(connection, one, action)
                    return again
        return ()

    def _batches(self, claims: Sequence[Claim], action: str) -> Iterator[Batch]:
        for number, one in enumerate(claims):
            taken, after = one.at_most, one.after
            while taken == one.at_most:
                with self.warehouse.begin() as connection:
                    taken, last, people = self._claim(connection, replace(one, after=after), action)
                if people:
                    yield Batch(replace(one, after=after, upto=last, job=None), people, number, self.clock())
                after = last

    def _tell_batch(self, batch: Batch, action: str, already: str) -> None:
        self.asked_at, self.in_hand = batch.asked_at, None if action == "remove" else (batch.claim, action)
        try:
            self._tell(batch.claim, action, batch.people, already=already)
        except LeaseLost:
            with self.warehouse.begin() as connection:
                doubt_told(connection, batch.claim, [p.contact_key for p in batch.people])
            raise
        finally:
            self.in_hand = None

    def _claim(self, connection: sa.Connection, one: Claim, action: str) -> Claimed[Any]:
        if action == "remove":
            return claim_leavers(connection, one, by_key=self.destination.capabilities.knows_by_key)
        return claim(connection, one, action=action, wanted=wanted(self.destination.name))

    def _tell(self, one: Claim, action: str, people: Any, *, already: str) -> None:
        send = self._sender(action, one.list_name)
        if not already:
            answer = send(people)
            if isinstance(answer, Job):
                with self.lease.writing() as connection:
                    hand_over(connection, one, action, answer.job_id)
                self.in_hand = None
                self.finish_jobs(leave=self.destination.capabilities.jobs_at_once - 1)
                return
            outcome = self.outcome(answer)
            already = outcome.whole
        if already:
            keys = [p.contact_key for p in people]
            outcome = isolate(keys, lambda part: self._told_part(one, action, people[part]), already=already)
        with self.lease.writing() as connection:
            settle(connection, one, action, outcome.refused, outcome.ids)

    def _told_part(self, one: Claim, action: str, people: Any) -> Outcome:
        """Of a batch that was refused as a whole. What the platform does with a part later, its job tells, in whatever run."""
        answer = self._sender(action, one.list_name)(people)
        if isinstance(answer, Results):
            return self.outcome(answer)
        with self.lease.writing() as connection:
            hand_over(connection, one, action, answer.job_id, [p.contact_key for p in people])
        return Outcome()

    def isolated(self, send: Callable[[Any], Answer], people: Any) -> Outcome:
        keys = [p.contact_key for p in people]
        return isolate(keys, lambda part: self.outcome(self._seen_through(send(people[part]))))

    def _sender(self, action: str, list_name: str) -> Callable[[Any], Answer]:
        if action == "upsert":
            return self.platform.upsert
        return partial(self.platform.add if action == "add" else self.platform.remove, list_name)

    def outcome(self, results: Results) -> Outcome:
        """By our keys, where the platform says whom it refused by its own names."""
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
        outcome = self.outcome(results)
        name, size = self.destination.name, self.destination.capabilities.upsert_batch
        one = Claim(name, self.lease.epoch, job.plan_id, job.list_name, size, job=job.number)
        if outcome.whole:
            self._stop_refusing(job, outcome.whole)
            self._tell_all([one], job.action, already=outcome.whole)
        with self.lease.writing() as connection:
            if not outcome.whole:
                settle(connection, one, job.action, outcome.refused, outcome.ids)
            jobs.finish(connection, job.number, outcome.whole or "done")

    def _stop_refusing(self, job: Any, last: str) -> None:
        """Raises DestinationRefused when so many jobs of a plan failed that it is wrong, and not its records."""
        with self.warehouse.begin() as connection:
            failed = jobs.failed(connection, job.plan_id, job.action, job.list_name)
        if failed >= MOST_CALLS:
            raise DestinationRefused(f"{self.destination.name}: {failed} jobs of one list failed, last: {last}")

    def wait_for(self, number: int, job: Job) -> None:
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
