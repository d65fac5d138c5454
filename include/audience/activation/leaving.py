"""What waits for no plan and for nobody's answer: who said no leaves, who was erased is deleted, who is there by mistake goes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from audience.activation import jobs
from audience.activation.bisection import Outcome, isolate
from audience.activation.desired import purposes
from audience.activation.destination import Job, Results
from audience.activation.outcomes import forget
from audience.activation.telling import Teller
from audience.privacy.erased import ask_to_erase, note_erased, those_erased, to_erase
from audience.privacy.gate import Leaver
from audience.privacy.withdrawals import still_listed


@dataclass
class Leaving:
    """What a run takes away from a platform, under the lease of its teller.

    Args:
        deletion: number and job of the deletion that the platform is at work on.
        refused: contact keys that a deletion was not done for; they are not asked for again by this run.
    """

    tell: Teller
    deletion: tuple[int, Job] | None = None
    refused: set[str] = field(default_factory=set)

    def withdraw(self) -> int:
        """Takes everybody off who said no to a list since it was acknowledged. Returns the number of memberships."""
        name, done = self.tell.destination.name, 0
        while True:
            with self.tell.warehouse.begin() as connection:
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
        for part in _parts(leavers, self.tell.destination.capabilities.remove_batch):
            refused = self._take_off(list_name, part).refused
            gone = [v.contact_key for v in part if v.contact_key not in refused]
            with self.tell.lease.writing() as connection:
                forget(connection, self.tell.destination.name, list_name, gone)
            done += len(gone)
        return done

    def see_erasures_through(self) -> int:
        """Deletes people there who were erased here, and waits for it. Returns the number of contacts.

        Raises:
            StillRunning: the platform takes longer than this run wants to wait.
        """
        done = self.erase_the_erased()
        while self.deletion is not None:
            self.tell.wait_for(*self.deletion)
            done += self.erase_the_erased()
        return done

    def erase_the_erased(self) -> int:
        """Deletes people there who were erased here, and leaves the receipt. Returns the number of contacts.

        What the platform does later its job tells, in whatever run; one deletion is begun at a time.
        """
        name, can = self.tell.destination.name, self.tell.destination.capabilities
        if not can.erases:
            return 0
        done = self.look_at_deletions()
        with self.tell.lease.writing() as connection:
            known = to_erase(connection, name, by_key=can.knows_by_key)
            people = [v for v in known if v.contact_key not in self.refused]
            ask_to_erase(connection, name, [v.contact_key for v in people])
        return done + self._erase(people)

    def look_at_deletions(self) -> int:
        """What became of those that were begun, in this run or another. Returns the number of contacts deleted."""
        name, done = self.tell.destination.name, 0
        self.deletion = None
        with self.tell.warehouse.begin() as connection:
            begun = jobs.unfinished(connection, name, erasing=True)
        for job in begun:
            answer = self.tell.platform.poll(Job(job.job_id))
            if isinstance(answer, Job) and not job.is_given_up:
                self.deletion = (job.number, answer)
                continue
            outcome = Outcome(whole=jobs.GIVEN_UP) if isinstance(answer, Job) else self.tell.outcome(answer)
            with self.tell.lease.writing() as connection:
                covered = jobs.deleted_by(connection, job.number)
                gone = [] if outcome.whole else [k for k in covered if k not in outcome.refused]
                note_erased(connection, name, gone)
                jobs.end_deletion(connection, job.number, outcome.whole or "done")
                again = to_erase(connection, name, by_key=True) if len(covered) > 1 and outcome.whole else ()
            done += len(gone)
            self.refused |= {*covered} - {*gone} if len(covered) == 1 else {*outcome.refused}
            if again:
                done += self._erase([v for v in again if v.contact_key in covered], already=outcome.whole)
        return done

    def _erase(self, people: Sequence[Leaver], *, already: str = "") -> int:
        done = 0
        for part in _parts(people, self.tell.destination.capabilities.remove_batch):
            if self.deletion is not None:
                break
            done += self._erase_part(part, already)
        return done

    def _erase_part(self, part: Sequence[Leaver], already: str) -> int:
        begun: set[str] = set()
        keys = [v.contact_key for v in part]
        refused = isolate(keys, lambda place: self._erased(part[place], begun), already=already).refused
        gone = [k for k in keys if k not in refused and k not in begun]
        with self.tell.lease.writing() as connection:
            note_erased(connection, self.tell.destination.name, gone)
        return len(gone)

    def _erased(self, people: Sequence[Leaver], begun: set[str]) -> Outcome:
        """Adds to `begun` whom the platform deletes later."""
        answer = self.tell.platform.erase(people)
        if isinstance(answer, Results):
            return self.tell.outcome(answer)
        keys = [v.contact_key for v in people]
        begun.update(keys)
        with self.tell.lease.writing() as connection:
            number = jobs.begin_deletion(connection, self.tell.destination.name, answer.job_id, keys)
        self.deletion = (number, answer)
        return Outcome()

    def take_all_off(self, list_name: str, ghosts: Sequence[Leaver]) -> None:
        """Takes contacts off a list that nobody told it of; those who were erased are deleted instead."""
        with self.tell.warehouse.begin() as connection:
            erased = those_erased(connection, [v.contact_key for v in ghosts])
        if erased and self.tell.destination.capabilities.erases:
            with self.tell.lease.writing() as connection:
                ask_to_erase(connection, self.tell.destination.name, erased)
            self._erase([v for v in ghosts if v.contact_key in erased])
            ghosts = [v for v in ghosts if v.contact_key not in erased]
        for part in _parts(ghosts, self.tell.destination.capabilities.remove_batch):
            self._take_off(list_name, part)

    def _take_off(self, list_name: str, leavers: Sequence[Leaver]) -> Outcome:
        """Takes contacts off a list, and waits for it."""
        return self.tell.isolated(partial(self.tell.platform.remove, list_name), leavers)


def _parts(leavers: Sequence[Leaver], size: int) -> Iterator[Sequence[Leaver]]:
    return (leavers[start : start + size] for start in range(0, len(leavers), size))
