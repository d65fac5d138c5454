"""The gate of one table: what was counted of its rows, judged by its suite."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audience.core.errors import AudienceError, AuditFailed
from audience.core.partition import Partition
from audience.quality.expectation import (
    Accepted,
    Between,
    Columns,
    Expectation,
    Fresh,
    Keeps,
    Matches,
    NotInFuture,
    NotNull,
    OfType,
    OneOf,
    Plausible,
    Refers,
    RefusedShare,
    Stable,
    SumsTo,
    Unique,
    Usable,
    Volume,
)
from audience.quality.one_pass import Group
from audience.quality.past import Past
from audience.quality.stability import stability_index

Records = Callable[[tuple[str, ...]], tuple[int, int]]

SMALL = 20
"""Below this many rows a share says nothing."""

DISTRIBUTED = 500
"""Rows, now and before, from which on a distribution is judged: chance alone moves the index of 12 buckets by 0.04
(its mean is (buckets - 1) * (1 / rows + 1 / rows before))."""


@dataclass(frozen=True)
class Finding:
    """One expectation, judged. It holds no row values.

    Args:
        rows: rows that were asked.
        failed: rows that break it; 0 where it is no matter of single rows.
        observed: the number that was compared: a share, hours, rows, an index. None: there was too little to judge.
    """

    expectation: Expectation
    rows: int
    failed: int
    observed: float | None
    passed: bool

    @property
    def words(self) -> str:
        """What did not hold, with what was found."""
        rows = f"{self.failed} of {self.rows} rows" if self.failed else ""
        number = f"{self.observed:.4g}" if self.observed is not None else ""
        return f"{self.expectation.words}: found {rows or number or 'others'}"


@dataclass(frozen=True)
class Audit:
    """The result of one gate.

    Args:
        table: its address: `raw_shop__order`.
        rows: rows that came in.
        findings: in the order of the suite.
        histograms: rows by day, column and bucket, of the rows to publish.
    """

    table: str
    partition: Partition
    rows: int
    findings: tuple[Finding, ...]
    histograms: Mapping[tuple[str, str, str], int]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.passed and f.expectation.severity == "block")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.passed and f.expectation.severity == "warn")

    @property
    def passed(self) -> bool:
        return not self.blocking


def audit(
    table: str,
    columns: Sequence[str],
    suite: Sequence[Expectation],
    groups: Sequence[Group],
    *,
    past: Past,
    last: Partition,
    broken: Mapping[str, int],
    records: Records | None = None,
) -> Audit:
    """Judges a table.

    Args:
        columns: the columns that the rows to publish have.
        groups: its judged rows, counted by `one_pass`.
        past: what its earlier partitions were like.
        broken: records that could not be tidied, by reason; they came in too.
        records: counts records by the columns that name them, as `one_pass.refused_records`; asked only where the share
            of the rows would block. None: a row is a record.

    Raises:
        AudienceError: a row that breaks a rule of severity reject was not refused: an error of ours.
    """
    unread = sum(broken.values())
    rows = sum(g.rows for g in groups) + unread
    reasons = dict(broken)
    for group in groups:
        if group.reason is not None:
            reasons[group.reason] = reasons.get(group.reason, 0) + group.rows
    known: dict[str, Any] = {"columns": columns, "groups": groups, "reasons": reasons, "rows": rows, "past": past,
                             "records": records, "unread": unread}  # fmt: skip
    findings = [found for e in suite if (found := _judge(e, **known, last=last)) is not None]
    rejecting = [e for e in suite if e.severity == "reject"]
    others = {reason for reason in reasons if not any(reason_of(e, reason) for e in rejecting)}
    findings += [Finding(Accepted(r), rows, reasons[r], _share(reasons[r], rows), False) for r in sorted(others)]
    histograms: dict[tuple[str, str, str], int] = {}
    for group in groups:
        for stable, counted in group.histograms.items() if group.is_published else ():
            assert isinstance(stable, Stable)
            for bucket, number in counted.items():
                place = (group.day, stable.column, bucket)
                histograms[place] = histograms.get(place, 0) + number
    return Audit(table, last, rows, tuple(findings), histograms)


def reason_of(expectation: Expectation, reason: str) -> bool:  # noqa: PLR0911 - one case for each kind
    """Whether admission gives this reason for rows that break the expectation."""
    match expectation:
        case OfType(column=column):
            return reason.startswith((f"{column}: not of type ", f"{column}: not a ", f"{column}: not an "))
        case Plausible(column=column):
            told = ("in the future", "before 1970-01-02", "longer ago than a life")
            return reason in {f"{column}: {why}" for why in told}
        case NotNull(column=column, field=field):
            return reason in (f"{field or column}: missing", f"{field or column}: not usable")
        case OneOf(column=column):
            return reason.startswith(f"{column}: not one of ")
        case Between(column=column):
            return reason.startswith((f"{column}: below ", f"{column}: above "))
        case Matches(column=column):
            return reason.startswith(f"{column}: not of the form ")
        case _:
            return False


def _judge(  # noqa: PLR0911, PLR0912 - one case for each kind
    expectation: Expectation,
    *,
    columns: Sequence[str],
    groups: Sequence[Group],
    reasons: Mapping[str, int],
    rows: int,
    past: Past,
    last: Partition,
    records: Records | None,
    unread: int,
) -> Finding | None:
    """None: it could not be asked, its source has no such rows."""
    published = [g for g in groups if g.is_published]
    good = sum(g.rows for g in published)
    match expectation:
        case Columns(names=names):
            return Finding(expectation, rows, 0, float(len(columns)), set(columns) == set(names))
        case _ if expectation.severity == "reject":
            if let_in := sum(g.broken.get(expectation, 0) for g in published):
                raise AudienceError(f"{expectation.words}: {let_in} rows that break it were not refused")
            failed = sum(number for reason, number in reasons.items() if reason_of(expectation, reason))
            return Finding(expectation, rows, failed, _share(failed, rows), failed == 0)
        case RefusedShare(at_most=at_most, per=per):
            of_rows = _of_share(expectation, rows, sum(reasons.values()), at_most)
            if of_rows.passed or not per or records is None:
                return of_rows
            refused, told = records(per)
            of_records = _of_share(expectation, told + unread, refused + unread, at_most)
            return replace(of_rows, observed=of_records.observed, passed=of_records.passed)
        case Unique(mostly=mostly):
            superseded = sum(g.rows for g in groups if g.reason is None and not g.is_newest)
            return _of_share(expectation, good + superseded, superseded, 1 - mostly)
        case Volume(low=low, high=high):
            today = sum(g.rows for g in published if g.day == last.key)
            usual = past.usual_volume
            if usual is None:
                return Finding(expectation, today, 0, None, True)
            times = today / usual
            holds = low <= times and (high is None or times <= high)
            return Finding(expectation, today, 0, times, holds or abs(today - usual) <= past.usual_spread)
        case Fresh(hours=hours):
            age = _age_hours(expectation, published, past, last)
            if not good and past.usual_volume is None:
                age = None  # a table that often has a day without rows is not old by one
            return Finding(expectation, good, 0, age, age is None or age <= hours)
        case Stable(column=column, below=below):
            found: dict[str, int] = {}
            for group in published:
                for bucket, number in group.histograms[expectation].items() if group.day == last.key else ():
                    found[bucket] = found.get(bucket, 0) + number
            before = past.histograms.get(column, {})
            today = sum(found.values())
            if today < DISTRIBUTED or sum(before.values()) < DISTRIBUTED:
                return Finding(expectation, today, 0, None, True)
            index = stability_index(found, before)
            return Finding(expectation, today, 0, index, index < below)
        case NotNull() | OneOf() | Between() | Matches() | Usable() | NotInFuture() | Refers() | Keeps() | SumsTo():
            if any(expectation not in g.broken for g in published):
                return None
            failed = sum(g.broken[expectation] for g in published)
            return _of_share(expectation, good, failed, 1 - expectation.mostly)
        case OfType() | Plausible() | Accepted():
            raise AudienceError(f"{expectation.words}: found severity {expectation.severity}, expected reject")


def _of_share(expectation: Expectation, rows: int, failed: int, at_most: float) -> Finding:
    """A limit of 0 allows no row; any other limit is a share, of which few rows say nothing."""
    holds = failed == 0 if at_most == 0 else rows < SMALL or failed <= at_most * rows
    return Finding(expectation, rows, failed, _share(failed, rows), holds)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _age_hours(expectation: Fresh, published: Iterable[Group], past: Past, last: Partition) -> float | None:
    """Hours from the newest value to the end of the partition; None when nothing was ever known."""
    newest = [g.newest[expectation] for g in published if expectation in g.newest]
    if not newest and past.last_rows_on is not None:
        end = past.last_rows_on + timedelta(days=1)
        newest = [datetime(end.year, end.month, end.day, tzinfo=UTC)]
    if not newest:
        return None
    return max((last.as_of - max(newest)).total_seconds() / 3600, 0.0)


def refuse(audits: Iterable[Audit]) -> None:
    """Raises AuditFailed, naming every expectation that blocks, when one of the audits did not pass."""
    problems = [f"{a.table}: {finding.words}" for a in audits for finding in a.blocking]
    if problems:
        raise AuditFailed("nothing was published; " + "; ".join(problems))
