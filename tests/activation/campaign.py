"""The fault campaign: life in a town at random, a push in which something breaks, a push that mends, and the invariants.

Small in the tests (`test_campaign.py`), at length by `make soak`. Every platform with a `Stand` takes part. A seed gives the
same campaign again.
"""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import sqlalchemy as sa

from activation import victim
from activation.stands import Desk
from activation.town import FRIDAY, Town
from audience.activation.push import erase
from audience.core.errors import DestinationRefused, DestinationUnavailable, LeaseLost
from audience.core.warehouse.models import Lease
from key import KEY

PEOPLE = [f"p{n}" for n in range(12)]

FAULTS = ("drop_before", "drop_after_accept", "truncate", "slow_body", "storm", "error", "down", "refuse_records")
"""What any call of any platform can meet; `storm` is a run of 429, `error` one 500, `down` 503 until it is mended."""

JOB_FAULTS = ("stuck_process", "fail_process", "half_process")


class Killed(BaseException):
    """Not an Exception: nothing may catch it on the way out."""


@dataclass
class Campaign:
    """One platform's campaign.

    Args:
        town, desk: with the platform in its first state.
        seed: of everything that is left to chance.
        processes: kill and freeze real processes too, a few seconds each.
    """

    town: Town
    desk: Desk
    seed: int
    processes: bool = False
    members: dict[str, set[str]] = field(default_factory=lambda: {"vip": {"p0", "p1"}, "new": {"p1", "p2"}})
    opted_out: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    newcomers: set[str] = field(default_factory=set)
    injections: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def run(self, turns: int) -> "Campaign":
        chance = random.Random(self.seed)
        self.town.people(*PEOPLE[:6])
        self.town.people(*PEOPLE[6:], consent=False)
        scenarios = self._scenarios(chance)
        for turn in range(turns):
            self._live(chance, turn)
            self.desk.forget_requests()
            name, breaks = next(scenarios)
            breaks()
            self.injections[name] += 1
            self._mend()
            self.violations += [f"seed {self.seed}, turn {turn}, {name}: {what}" for what in self._broken(turn)]
        return self

    # -- what happens ------------------------------------------------------------------------------------------------

    def _live(self, chance: random.Random, turn: int) -> None:
        """A few people join, leave, consent, withdraw, change their name, opt out there, are erased."""
        town = self.town
        for _ in range(4):
            name, segment = chance.choice(PEOPLE), chance.choice(["vip", "new"])
            match chance.randrange(10):
                case 0 | 1 | 2:
                    self.members[segment].add(name)
                case 3:
                    self.members[segment].discard(name)
                case 4 | 5:
                    town.people(name)
                case 6 | 7:
                    town.rename(name, f"N{turn}")
                case 8 if chance.random() < 0.4:
                    town.withdraw(name)
                case 9 if chance.random() < 0.3 and town.stand.can.tells_opt_outs and name not in self.erased:
                    self.desk.block(name)
                    self.opted_out.add(name)
                case 9 if chance.random() < 0.2 and name not in self.erased:
                    town.suppress(name, reason="erased")
                    self.erased.add(name)
        newcomer = f"t{turn}"  # so that no turn is without something to tell
        town.people(newcomer)
        self.newcomers = {newcomer}
        for segment, names in self.members.items():
            town.segment(segment, {*names, newcomer})

    def _scenarios(self, chance: random.Random) -> Iterator[tuple[str, Callable[[], None]]]:
        """Every scenario in turn, in an order of chance, and again."""
        stand = self.town.stand
        faults = [
            (call, kind)
            for call in sorted(stand.requests)
            for kind in FAULTS
            if stand.refuses or kind != "refuse_records"
        ]
        faults = [(call, kind) for call, kind in faults if _fits(call, kind)]
        faults += [("upsert", kind) for kind in JOB_FAULTS if stand.has_jobs]
        scenarios: list[tuple[str, Callable[[], None]]] = [
            (f"platform: {kind}", lambda call=call, kind=kind: self._fault(call, kind)) for call, kind in faults
        ]  # fmt: skip
        scenarios += [("crash between any two calls", lambda: self._crash(chance))] * 6
        scenarios += [("overtaken between any two calls", lambda: self._overtaken(chance))] * 3
        scenarios += [("somebody is erased after a crash", lambda: self._erasure(chance))] * 2
        scenarios += [("two runs at once", self._second_run), ("an older partition beside it", self._older)]
        scenarios += [("the clock jumps, the lease is gone", self._lease_expires)]
        scenarios += [("the database drops every connection", lambda: self._database(chance))] * 2
        if self.processes:
            scenarios += [("kill -9 of the task", lambda: self._kill(chance))] * 3
            scenarios += [("an orphan wakes up", lambda: self._orphan(chance))] * 3
        while True:
            chance.shuffle(scenarios)
            yield from scenarios

    def _push(self, **more: object) -> None:
        """A push that may fail in the ways that it is known to."""
        known = (DestinationUnavailable, DestinationRefused, LeaseLost, sa.exc.DBAPIError, Killed)
        with suppress(*known):
            self.town.push(approved=True, **more)  # type: ignore[arg-type]

    def _fault(self, call: str, kind: str) -> None:
        script: dict[str, object] = {
            "storm": {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 3},
            "error": {"kind": "status", "status": 500, "times": 1},
            "down": {"kind": "status", "status": 503, "times": None},
            "slow_body": {"kind": kind, "seconds": 0.05},
            "refuse_records": {"kind": kind, "body": ["p1@mailbox.example"], "times": 2},
        }.get(kind, {"kind": kind})
        self.desk.fault(self.town.stand.requests[call], **script)  # type: ignore[arg-type]
        self._push()

    def _crash(self, chance: random.Random) -> None:
        self._push(at_call=_at(chance.randrange(16), _die))

    def _erasure(self, chance: random.Random) -> None:
        """A run dies, and somebody whom it may have told asks to be erased: before anybody pushes again they are gone."""
        self._push(at_call=_at(chance.randrange(16), _die))
        town, name = self.town, chance.choice(PEOPLE)
        if name not in self.erased:
            town.suppress(name, reason="erased")
            self.erased.add(name)
        report = erase(
            town.stand.name, town.destination, warehouse=town.warehouse, key=KEY, holder="erasure", sleep=_at_once
        )
        if report is not None and report.waiting_seconds:
            return  # a job that never ends: the push that gives it up erases them
        self.violations += [f"seed {self.seed}: {one} is erased and still there" for one in self._still_there()]

    def _still_there(self) -> Iterator[str]:
        """Who was erased. Whom an opt-out there has made a contact is none of ours."""
        found = self.town.stand.attributes
        return (
            one
            for one in sorted(self.erased - self.opted_out)
            if found(self.desk.url, f"{one}@mailbox.example") is not None
        )

    def _second_run(self) -> None:
        def overtake() -> None:
            try:
                self.town.push(holder="run-2", approved=True)
            except LeaseLost:
                return
            self.violations.append("a second run pushed beside the first")

        self._push(at_call=_at(2, overtake))

    def _overtaken(self, chance: random.Random) -> None:
        """Somebody is renamed, another joins, the retry of the same task pushes; the run goes on where it stood."""
        self._push(at_call=_at(chance.randrange(16), lambda: self._take_over(chance)))

    def _take_over(self, chance: random.Random) -> None:
        self.town.rename(chance.choice(PEOPLE), f"N{chance.random():.6f}")
        self.members["vip"].add(chance.choice(PEOPLE))
        self.town.segment("vip", {*self.members["vip"], *self.newcomers})
        self.town.push(approved=True)

    def _older(self) -> None:
        before = len(self.desk.writes())
        with self.town.warehouse.begin() as connection:
            connection.execute(
                sa.text("INSERT INTO segments.evaluation VALUES ('later', :day, '1', 0, 0) ON CONFLICT DO NOTHING"),
                {"day": FRIDAY.next.day},
            )
        report = self.town.push(as_of=FRIDAY, approved=True)
        if not report.skipped or len(self.desk.writes()) != before:
            self.violations.append("an older partition was pushed")
        with self.town.warehouse.begin() as connection:
            connection.execute(sa.text("DELETE FROM segments.evaluation WHERE segment = 'later'"))

    def _lease_expires(self) -> None:
        def jump() -> None:
            with self.town.warehouse.begin() as connection:
                connection.execute(sa.update(Lease).values(expires_at=sa.func.now() - timedelta(hours=1)))

        self._push(at_call=_at(3, jump))

    def _database(self, chance: random.Random) -> None:
        def drop_connections() -> None:
            gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            with self.town.warehouse.engine.connect() as connection:
                connection.execute(sa.text(f"{gone} AND pid <> pg_backend_pid()"))

        self._push(at_call=_at(chance.randrange(12), drop_connections))

    def _kill(self, chance: random.Random) -> None:
        process = victim.start(self.town, self.desk.url, signal.SIGKILL, chance.randrange(12))
        process.wait(timeout=120)
        self._five_minutes_later()

    def _orphan(self, chance: random.Random) -> None:
        """Its supervisor is gone, it sleeps before a call, another run takes over, and then it wakes up."""
        process = victim.start(self.town, self.desk.url, signal.SIGSTOP, chance.randrange(6))
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                process.returncode = os.waitstatus_to_exitcode(status)
                return
            self._five_minutes_later()
            self._take_over(chance)
            writes = len(self.desk.writes())
            process.send_signal(signal.SIGCONT)
            if (ended := process.wait(timeout=120)) != victim.STOPPED_BY_LEASE:
                self.violations.append(f"an orphan ended with {ended}, expected that its lease stopped it")
            if len(self.desk.writes()) > writes + 1:  # the one request that was on its way
                self.violations.append(f"an orphan made {len(self.desk.writes()) - writes} calls")
        finally:
            if process.returncode is None:
                process.kill()
                process.wait(timeout=30)

    def _five_minutes_later(self) -> None:
        with self.town.warehouse.begin() as connection:
            connection.execute(sa.update(Lease).values(expires_at=sa.func.now()))

    # -- what must hold afterwards -----------------------------------------------------------------------------------

    def _mend(self) -> None:
        """The fault is over and the push is run again, by the same task or, hours later, for a job that never ended."""
        self.desk.mend()
        for _ in range(4):
            report = self.town.push(approved=True)
            if not report.waiting_seconds:
                return
            with self.town.warehouse.begin() as connection:
                connection.execute(sa.text("UPDATE push.job SET submitted_at = submitted_at - interval '6 hours'"))
        self.violations.append("a job was waited for for ever")

    def _broken(self, turn: int) -> Iterator[str]:
        town, desk = self.town, self.desk
        lists = {name: people for name, people in desk.lists().items() if people}
        desired, acknowledged = town.desired(), town.acknowledged()
        if lists != desired:
            yield f"the platform has {lists}, desired is {desired}"
        if acknowledged != desired:
            yield f"the ledger says {acknowledged}, desired is {desired}"
        told = {
            email.split("@")[0]
            for write in desk.writes()
            if write["call"] in ("upsert", town.stand.requests["upsert"])
            for email in write["emails"]
        }
        if not told <= (may := {*desired.get(town.base_list, set())}):
            yield f"{sorted(told - may)} were told of without consent"
        if again := self.opted_out - desk.blocked() - self.erased:
            yield f"{sorted(again)} opted out and were subscribed again"
        for name in self._still_there():
            yield f"{name} is erased and still there"
        violations = desk.journal()["violations"]
        if violations["resubscribes"]:
            yield f"statuses were written: {violations['details']}"
        if town.items("in_flight"):
            yield "items are left in flight"
        newcomer = town.stand.attributes(desk.url, f"t{turn}@mailbox.example") or {}
        if newcomer.get("FIRSTNAME") != f"T{turn}":
            yield f"attributes: found {newcomer}, expected those of t{turn}"


def _fits(call: str, kind: str) -> bool:
    return kind != "refuse_records" or call == "upsert"


def _at(step: int, act: Callable[[], None]) -> Callable[[str], None]:
    """An `at_call` that does something once, at the n-th moment around a call."""
    steps = count()

    def at_call(_: str) -> None:
        if next(steps) == step:
            act()

    return at_call


def _at_once(_: float) -> None:
    """Waits for nothing."""


def _die() -> None:
    raise Killed


def as_table(campaigns: list[Campaign]) -> str:
    """Scenarios and how often each was injected, by platform; violations last."""
    names = sorted({name for c in campaigns for name in c.injections})
    platforms = [c.town.stand.name for c in campaigns]
    lines = [f"| scenario | {' | '.join(platforms)} |", f"|---|{'---|' * len(platforms)}"]
    lines += [f"| {n} | {' | '.join(str(c.injections[n]) for c in campaigns)} |" for n in names]
    lines += [f"| **violations** | {' | '.join(str(len(c.violations)) for c in campaigns)} |"]
    return "\n".join(lines)
