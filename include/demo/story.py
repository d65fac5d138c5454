"""What the demo does, in order. Each chapter asks Airflow for runs and waits until they and what they wake are done."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from audience.house import House
from audience.steps import days_to_compute
from demo.airflow_api import AirflowApi
from demo.place import DemoProblem, Place
from demo.processes import Processes
from demo.progress import Progress
from demo.runs import Runs

SOURCES = ("crm", "shop", "newsletter")
INGEST = tuple(f"ingest_{source}" for source in SOURCES)
DAGS = (*INGEST, "refresh_audience", "train_models", "restate", "activate_brevo")


@dataclass(frozen=True)
class Story:
    """One demo in the making."""

    place: Place
    house: House
    airflow: AirflowApi
    processes: Processes
    progress: Progress

    @property
    def runs(self) -> int:
        """Runs of a first demo, for the progress bar: loads, backfill, two restatements and refreshes, training, push."""
        return len(SOURCES) * (self.place.backfilled_days + 1) + 6

    def tell(self, since: date) -> None:
        """All chapters. Told a second time it changes nothing."""
        self.load_history(since)
        self.backfill_and_train()
        self.recompute()
        self.push()

    def load_history(self, since: date) -> None:
        """One run per source for everything before the days that are backfilled, and the audience of the last of them."""
        last = self.place.first_load_until.isoformat()
        for dag in (*INGEST, "train_models", "restate"):
            self.airflow.unpause(dag)
        if all(self.airflow.runs().have(dag, [last]) for dag in INGEST):
            self.progress.say(f"history until {last}: loaded by an earlier demo")
        else:
            self.progress.chapter(f"loading the history in one run per source: {since} to {last}")
            for dag in INGEST:
                self.airflow.trigger(dag, last, {"since": since.isoformat()})
            self._wait("the first load", lambda runs: all(runs.have(dag, [last]) for dag in INGEST))
        self.airflow.unpause("refresh_audience")
        if not self.airflow.runs().have("refresh_audience", [last]):
            self.progress.chapter(f"refreshing the audience of {last}")
            self._restate(last)

    def backfill_and_train(self) -> None:
        """The last days through Airflow's own backfill; beside it, models of the history before them.

        Days that an earlier demo has backfilled are backfilled again: the refresh is awake and finds nothing to do. In a
        first demo it sleeps, so that days are not computed again and again while they land in any order.
        """
        days, until = self.place.backfilled, self.place.first_load_until.isoformat()
        before = self.airflow.runs()
        missing = [dag for dag in INGEST if not before.have(dag, days)]
        woken = () if missing else ("refresh_audience",)
        self.progress.chapter(
            f"backfilling {days[0]} to {days[-1]}{'' if missing else ' again'}, training on what was known on {until}"
        )
        if missing:
            self.airflow.pause("refresh_audience")
        training = self.airflow.trigger("train_models", until, {"as_of": until})
        for dag in missing or INGEST:
            self._wait("the end of an earlier backfill", lambda _, dag=dag: not self.airflow.is_backfilling(dag))  # type: ignore[misc]
            self.airflow.backfill(dag, days[0], days[-1], again=not missing)

        def done(runs: Runs) -> bool:
            new = 0 if missing else len(days)
            return (
                runs.has_succeeded("train_models", training)
                and all(
                    runs.are_idle(dag) and runs.have(dag, days) and runs.succeeded(dag) >= before.succeeded(dag) + new
                    for dag in INGEST
                )
                and all(runs.are_idle(dag) and runs.succeeded(dag) >= before.succeeded(dag) + new for dag in woken)
            )

        self._wait("the backfill", done)

    def recompute(self) -> None:
        """The days that wait for their audience: the oldest is restated, and its run computes the later ones too."""
        self.airflow.unpause("refresh_audience")
        for _ in range(3):
            days = list(days_to_compute(self.house, self.place.first_load_until.isoformat())["days"])
            if not days:
                return
            self.progress.chapter(f"computing the audiences of {days[0]} to {days[-1]}")
            self._restate(days[0])
        raise DemoProblem(f"days still wait after three rounds: {', '.join(days)}")

    def push(self) -> None:
        """The newest segment tables to the e-mail platform."""
        self.progress.chapter("pushing what changed to the e-mail platform")
        self.airflow.unpause("activate_brevo")
        run = self.airflow.trigger("activate_brevo", self.place.until.isoformat())
        self._wait(
            "the push", lambda runs: runs.has_succeeded("activate_brevo", run) and runs.are_idle("activate_brevo")
        )

    def _restate(self, day: str) -> None:
        """Announces a day again and waits for the refresh that this wakes."""
        before = self.airflow.runs().succeeded("refresh_audience")
        self.airflow.trigger("restate", conf={"first": day, "last": day})
        self._wait(
            f"refreshing {day}",
            lambda runs: runs.succeeded("refresh_audience") > before and runs.are_idle("refresh_audience"),
        )

    def _wait(self, what: str, done: Callable[[Runs], bool], *, seconds: float = 900) -> None:
        """Shows what is running until it is done; stops at the first run that failed for good."""
        deadline = time.monotonic() + seconds
        while True:
            runs = self.airflow.runs()
            running = self.airflow.running_tasks() if self.progress.is_live else ()
            self.progress.update(runs.ended, self.runs, Counter(running))
            for dag, run in runs.failed:
                task = self.airflow.failed_task(dag, run)
                raise DemoProblem(f"{dag} {run}: task {task} failed; its log is in the Airflow UI")
            if done(runs):
                return
            self.processes.check()
            if time.monotonic() > deadline:
                raise DemoProblem(f"{what} took longer than {seconds:.0f} s; the Airflow UI shows where it stands")
            time.sleep(1)
