"""Replies of the sandbox corrupted in every way it knows: is each caught by the check that is meant for it, and only it?

Not a matter of time: what is printed is what was struck, what was caught, and what was refused or shown without a cause.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from bench.injected import FIRST, PERSON_AT, Ran, Rows, Town, downstream, founded, ingest, lay, with_others
from bench.intended import INTENDED, Intended, Outcome
from bench.place import Place
from bench.sandbox_server import running_sandbox, url_of

if TYPE_CHECKING:
    from audience.house import House
    from sandbox.server.corruptions import Corruption

PEOPLE = 500
"""Buyers: about 90 orders with 800 lines a day, enough for every check to have something to judge."""

SEED = 7

COMPARED: Mapping[Outcome, str] = {
    "rejected": "the clean extraction without the refused rows",
    "warned": "the published rows laid into the lake by themselves",
    "mended": "the clean extraction",
    "noted": "the clean extraction",
    "blocked": "no extraction of the source",
}
"""What people, features and memberships of a corrupted extraction have to be equal to."""


@dataclass(frozen=True)
class Verdict:
    """What became of one corruption.

    Args:
        struck: records that were spoilt.
        caught: those of them that were met as intended.
        false_alarms: clean rows that are not published as they should be, and checks that failed without a cause.
        is_as_compared: whether people, features and memberships are those of `COMPARED`; None: not computed.
        reached: people of whom anything differs from the clean extraction; 0 where that was not asked.
    """

    name: str
    intended: Intended
    struck: int
    caught: int
    false_alarms: tuple[str, ...]
    is_as_compared: bool | None = None
    reached: int = 0

    def __add__(self, other: Self) -> "Verdict":
        """The same corruption by two seeds."""
        both = (self.is_as_compared, other.is_as_compared)
        return Verdict(
            self.name,
            self.intended,
            self.struck + other.struck,
            self.caught + other.caught,
            self.false_alarms + other.false_alarms,
            None if None in both else all(both),
            self.reached + other.reached,
        )


class Ground:
    """One source's extraction to come, in a town where everything else has arrived. What does not depend on the
    corruption is computed once."""

    def __init__(self, town: Town, source: str) -> None:
        self.town, self.source = town, source

    @cached_property
    def clean(self) -> Ran:
        with self.town.copied() as house:
            return self.ingest(house)

    @cached_property
    def after_clean(self) -> dict[str, Any]:
        return self.after(self.ingest)

    @cached_property
    def after_none(self) -> dict[str, Any]:
        with self.town.copied() as house:
            return downstream(house)

    def after(self, fill: "Callable[[House], object]") -> dict[str, Any]:
        """The day as it is computed when a house has got this."""
        with self.town.copied() as house:
            fill(house)
            return downstream(house)

    def ingest(self, house: "House", without: Rows | None = None) -> Ran:
        from audience.sources.contract import source_named

        return ingest(house, source_named(self.source), FIRST[self.source], without=without)


class Injector:
    """Corrupts extractions of one town. To be closed: `with Injector(town) as injector`."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._open = ExitStack()
        self._grounds: dict[str, Ground] = {}
        self._bare: dict[str, Ground] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def ground(self, source: str) -> Ground:
        if source not in self._grounds:
            self._grounds[source] = Ground(self._open.enter_context(with_others(self.town, source)), source)
        return self._grounds[source]

    def bare_ground(self, source: str) -> Ground:
        """Where the other sources' extractions are to come, too: nothing can be followed there."""
        return self._bare.setdefault(source, Ground(self.town, source))

    def verdict(self, corruption: "Corruption", *, seed: int = SEED) -> Verdict:
        """Corrupts one extraction and compares it with the clean one."""
        with self._run(self.bare_ground(source_of(corruption)), corruption, seed) as (verdict, _house, _found):
            return verdict

    def followed(self, corruption: "Corruption", *, seed: int = SEED, is_measured: bool = False) -> Verdict:
        """The same, followed to people, features and memberships; `is_measured`: and how many of them it reached."""
        ground = self.ground(source_of(corruption))
        with self._run(ground, corruption, seed) as (verdict, house, found):
            after = downstream(house)
            expected = _expected(verdict.intended.outcome, ground, house, found)
        reached = _people_of_whom_differ(after, ground.after_clean) if is_measured else 0
        return replace(verdict, is_as_compared=after == expected, reached=reached)

    @contextmanager
    def _run(self, ground: Ground, corruption: "Corruption", seed: int) -> "Iterator[tuple[Verdict, House, Ran]]":
        intended = INTENDED[corruption.name]
        with ground.town.copied() as house:
            with self._corrupted(corruption, seed) as struck:
                found = ground.ingest(house)
                records = struck()
            caught, alarms = judged(intended, ground.clean, found, records)
            yield Verdict(corruption.name, intended, len(records), caught, alarms), house, found

    @contextmanager
    def _corrupted(self, corruption: "Corruption", seed: int) -> Iterator[Any]:
        """The sandbox corrupts its replies as long as the block runs; gives what tells which records were struck."""
        import httpx

        faults = f"{self.town.sandbox}/_control/faults"
        script = {
            "match": corruption.call,
            "kind": "corrupt",
            "corruption": corruption.name,
            "seed": seed,
            "times": None,
        }
        httpx.post(faults, json=script).raise_for_status()
        try:
            yield lambda: frozenset(httpx.get(faults).raise_for_status().json()["faults"][0]["struck"])
        finally:
            httpx.delete(faults).raise_for_status()


def _expected(outcome: Outcome, ground: Ground, house: "House", found: Ran) -> dict[str, Any]:
    """As `COMPARED` says."""
    match outcome:
        case "rejected" if found.error:
            return {}  # nothing that a day could be compared with
        case "rejected":
            refused = missing(ground.clean.rows, found.rows)
            return ground.after(lambda other: ground.ingest(other, without=refused))
        case "warned":
            return ground.after(lambda other: lay(other, ground.source, told=house))
        case "blocked":
            return ground.after_none
        case "mended" | "noted":
            return ground.after_clean


def _people_of_whom_differ(found: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """How many people have another row, or another membership, or are only in one of the two."""
    differing = set()
    for name, place in PERSON_AT.items():
        differing |= {row[place] for row in set(found[name]) ^ set(other[name])}
    return len(differing)


def source_of(corruption: "Corruption") -> str:
    """The source whose replies a corruption is about."""
    return {"/shop": "shop", "/crm": "crm", "/brevo": "newsletter"}[f"/{corruption.call.split('/')[1]}"]


def judged(intended: Intended, clean: Ran, found: Ran, struck: frozenset[str]) -> tuple[int, tuple[str, ...]]:
    """How many of the struck records were met as intended, and the false alarms.

    Args:
        struck: ids of records, as the source knows them.
    """
    told = {place for place, rows in found.failing.items() if rows != clean.failing.get(place)}
    alarms = [f"{e}: {words}" for e, words in sorted(told) if words not in (intended.check, *intended.also)]
    if found.taken != found.kept:
        alarms.append(f"{found.taken} rows in, {found.kept} loaded, quarantined or superseded")
    if found.error:
        is_stopped = intended.outcome == "blocked" and intended.check in found.error
        return (len(struck), tuple(alarms)) if is_stopped else (0, (*alarms, f"nothing was published: {found.error}"))
    gone = missing(clean.rows, found.rows)
    hit = {record for rows in gone.values() for key in rows if (record := _record_of(key)) in struck}
    alarms += [
        f"{e}: not published: {key}" for e, rows in gone.items() for key in rows if _record_of(key) not in struck
    ]
    is_told = (intended.table, intended.check) in told
    caught = {
        "rejected": len(hit) if is_told else 0,
        "blocked": 0,
        "warned": len(struck) if is_told else 0,
        "mended": len(struck) - len(hit) if is_told or not intended.check else 0,
        "noted": len(struck) if intended.check in found.added else 0,
    }
    return caught[intended.outcome], tuple(alarms)


def missing(clean: Rows, found: Rows) -> Rows:
    """The clean rows that were not published as they are."""
    return {e: {k: row for k, row in rows.items() if found[e].get(k) != row} for e, rows in clean.items()}


def _record_of(key: tuple[Any, ...]) -> str:
    """The id of the record that gave a row: a sign-up's consents are `<id>:<purpose>`."""
    return str(key[1]).split(":", 1)[0]


def verdicts(town: Town, names: Iterable[str] = tuple(INTENDED), seeds: Sequence[int] = (SEED,)) -> Iterator[Verdict]:
    """Each corruption in turn, by every seed."""
    from sandbox.server.corruptions import BY_NAME

    with Injector(town) as injector:
        for name in names:
            first, *more = (injector.followed(BY_NAME[name], seed=seed, is_measured=True) for seed in seeds)
            yield sum(more, first)


def as_markdown(found: Sequence[Verdict]) -> str:
    """A table: a line for each corruption, and how many were caught."""
    from bench.table import markdown

    same = {None: "", True: "yes", False: "NO"}
    rows = [
        (v.name, v.intended.outcome, f"{v.intended.table}: {v.intended.check}".strip(": ") or "the clean rows",
         str(v.struck), str(v.caught), str(len(v.false_alarms)), str(v.reached), same[v.is_as_compared])
        for v in found
    ]  # fmt: skip
    caught = sum(v.struck > 0 and v.caught == v.struck for v in found)
    alarms = [f"{v.name}: {alarm}" for v in found for alarm in v.false_alarms]
    followed = sum(v.is_as_compared is True for v in found)
    idle = [
        v.name for v in found if v.is_as_compared and not v.reached and v.intended.outcome not in ("mended", "noted")
    ]
    head = ("corruption", "is", "by", "struck", "caught", "false alarms", "people reached", "as compared")
    told = (
        f"{caught} of {len(found)} caught as intended, {len(alarms)} false alarms, {followed} followed and as compared,"
        f" {len(idle)} of them worth nothing because they reach nobody{': ' if idle else ''}{', '.join(idle)}"
    )
    return "\n".join([markdown(head, rows), "", told, *alarms[:_SHOWN]])


_SHOWN = 20


def report_faults(place: Place, seeds: int) -> str:
    """Runs every case against a sandbox of its own, by so many seeds."""
    folder = place.folder / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    with running_sandbox(place, people=PEOPLE), TemporaryDirectory(dir=folder) as inside:
        with founded(url_of(place), Path(inside), place.server_url) as town:
            return as_markdown(list(verdicts(town, seeds=range(SEED, SEED + seeds))))
