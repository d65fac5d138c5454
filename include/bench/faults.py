"""Replies of the sandbox corrupted in every way it knows: is each caught by the check that is meant for it, and only it?

Not a matter of time: what is printed is what was struck, what was caught, and what was refused or shown without a cause.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.injected import FIRST, Ran, Rows, Town, downstream, founded, ingest
from bench.intended import INTENDED, Intended
from bench.place import Place
from bench.sandbox_server import running_sandbox, url_of

if TYPE_CHECKING:
    from sandbox.server.corruptions import Corruption

PEOPLE = 500
"""Buyers: about 90 orders with 800 lines a day, enough for every check to have something to judge."""

SEED = 7

FOLLOWED = ("wrong_type", "missing_field", "out_of_range", "anonymous_event", "unknown_answer", "doubled_record", "mojibake",
            "retyped_field", "empty_reply")  # fmt: skip
"""Those whose people, features and segments are computed too; a computed day takes seconds."""


@dataclass(frozen=True)
class Verdict:
    """What became of one corruption.

    Args:
        struck: records that were spoilt.
        caught: those of them that were met as intended.
        false_alarms: clean rows that are not published as they should be, and checks that failed without a cause.
        is_as_clean: whether people, features and segments are those of the clean extraction without the refused rows, or,
            where it was blocked, of no extraction at all; None: not computed.
    """

    name: str
    intended: Intended
    struck: int
    caught: int
    false_alarms: tuple[str, ...]
    is_as_clean: bool | None = None


class Injector:
    """Corrupts extractions of one town; what each source gives when nothing is wrong is asked once."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._clean: dict[str, Ran] = {}

    def clean(self, source: str) -> Ran:
        from audience.sources.contract import source_named

        if source not in self._clean:
            with self.town.copied() as house:
                self._clean[source] = ingest(house, source_named(source), FIRST[source])
        return self._clean[source]

    def verdict(self, corruption: "Corruption", *, is_followed: bool = False) -> Verdict:
        """Corrupts one extraction and compares it with the clean one."""
        from audience.sources.contract import source_named

        source = source_of(corruption)
        with self.town.copied() as house:
            with self._corrupted(corruption) as struck:
                found = ingest(house, source_named(source), FIRST[source])
                records = struck()
            if is_followed:
                self._ingest_others(house, source)
                after = downstream(house)
        is_as_clean = None
        if is_followed:
            with self.town.copied() as house:
                if not found.error:
                    refused = missing(self.clean(source).rows, found.rows)
                    ingest(house, source_named(source), FIRST[source], without=refused)
                self._ingest_others(house, source)
                is_as_clean = downstream(house) == after
        caught, alarms = judged(INTENDED[corruption.name], self.clean(source), found, records)
        return Verdict(corruption.name, INTENDED[corruption.name], len(records), caught, alarms, is_as_clean)

    def _ingest_others(self, house: Any, source: str) -> None:
        from audience.sources.contract import source_named

        for other in FIRST:
            if other != source:
                assert not ingest(house, source_named(other), FIRST[other]).error

    @contextmanager
    def _corrupted(self, corruption: "Corruption") -> Iterator[Any]:
        """The sandbox corrupts its replies as long as the block runs; gives what tells which records were struck."""
        import httpx

        faults = f"{self.town.sandbox}/_control/faults"
        script = {
            "match": corruption.call,
            "kind": "corrupt",
            "corruption": corruption.name,
            "seed": SEED,
            "times": None,
        }
        httpx.post(faults, json=script).raise_for_status()
        try:
            yield lambda: frozenset(httpx.get(faults).raise_for_status().json()["faults"][0]["struck"])
        finally:
            httpx.delete(faults).raise_for_status()


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
        return len(struck) if is_stopped else 0, tuple(alarms)
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
        "mended": len(struck) - len(hit),
        "noted": len(struck) if intended.check in found.added else 0,
    }
    return caught[intended.outcome], tuple(alarms)


def missing(clean: Rows, found: Rows) -> Rows:
    """The clean rows that were not published as they are."""
    return {e: {k: row for k, row in rows.items() if found[e].get(k) != row} for e, rows in clean.items()}


def _record_of(key: tuple[Any, ...]) -> str:
    """The id of the record that gave a row: a sign-up's consents are `<id>:<purpose>`."""
    return str(key[1]).split(":", 1)[0]


def verdicts(
    town: Town, names: Iterable[str] = tuple(INTENDED), followed: Iterable[str] = FOLLOWED
) -> Iterator[Verdict]:
    """Each corruption in turn."""
    from sandbox.server.corruptions import BY_NAME

    injector = Injector(town)
    for name in names:
        yield injector.verdict(BY_NAME[name], is_followed=name in followed)


def as_markdown(found: Sequence[Verdict]) -> str:
    """A table: a line for each corruption, and how many were caught."""
    from bench.table import markdown

    same = {None: "", True: "yes", False: "NO"}
    rows = [
        (v.name, v.intended.outcome, f"{v.intended.table}: {v.intended.check}".strip(": ") or "the clean rows",
         str(v.struck), str(v.caught), str(len(v.false_alarms)), same[v.is_as_clean])
        for v in found
    ]  # fmt: skip
    caught = sum(v.struck > 0 and v.caught == v.struck for v in found)
    alarms = sum(len(v.false_alarms) for v in found)
    head = ("corruption", "is", "by", "struck", "caught", "false alarms", "segments as clean")
    return f"{markdown(head, rows)}\n\n{caught} of {len(found)} caught as intended, {alarms} false alarms"


def report_faults(place: Place) -> str:
    """Runs every case against a sandbox of its own."""
    folder = place.folder / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    with running_sandbox(place, people=PEOPLE), TemporaryDirectory(dir=folder) as inside:
        with founded(url_of(place), Path(inside), place.server_url) as town:
            return as_markdown(list(verdicts(town)))
