"""The review queue: pairs that a person has to look at, as a file, and what they decided."""

import csv
import os
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import sqlalchemy as sa
from ibis import _
from ibis.backends.duckdb import Backend

from audience.core.engine import batches, keep
from audience.core.errors import DeclarationError, nearest
from audience.core.lake import Lake
from audience.core.partition import Partition
from audience.core.tables import PERSON_KEY
from audience.core.warehouse.models import IdentityDecision
from audience.core.warehouse.models.identity import DECISIONS
from audience.identity.clusters import ADDRESS, Decisions
from audience.identity.cut import Label
from audience.identity.decisions import Decision
from audience.identity.identify import Identified

SHOWN = ("first_name", "last_name", "birth_date", "gender", "email", "phone_e164", "postal_code", "city", "country",
         "customer_ref", "updated_at")  # fmt: skip
"""What a reviewer compares, once for each record of a pair."""

KEYS = ("as_of", "left_key", "right_key", "why_asked", "match_probability")
ANSWERS = ("decision", "why")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "|", "%")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


def queue(found: Identified, pairs: ir.Table | None, decisions: Decisions, *, review: float, most: int) -> ir.Table:
    """Pairs of records of different people that may be one: the likeliest first.

    Those are pairs that the model finds worth a look and does not accept, and links that were given up because something
    contradicts them. Two people are asked about once, by the likeliest pair. What a reviewer decided already is left out.

    Takes  `pairs`: the columns of `match_pair`; `review`: the least probability that is asked about.
    Gives  `left_key`, `right_key`, `why_asked`, `match_probability` (null for links given up).
    """
    nodes = found.clusters.nodes.select("rank", "record_key")
    left, right = nodes.select(left="rank", left_key="record_key"), nodes.select(right="rank", right_key="record_key")
    lost = found.clusters.given_up.join(left, "left").join(right, "right").filter(_.why != "decided")
    asked = lost.select(
        left_key=ibis.least(lost.left_key, lost.right_key),
        right_key=ibis.greatest(lost.left_key, lost.right_key),
        why_asked=lost.kind + ", but " + lost.why,
        match_probability=ibis.null("float64"),
    )
    if pairs is not None:
        similar = pairs.filter(_.match_probability >= review)
        asked = ibis.union(asked, similar.select("left_key", "right_key", "match_probability", why_asked=ibis.literal("similar"))
                           .relocate("left_key", "right_key", "why_asked"))  # fmt: skip
    known = [f"{one}\x1f{other}" for one, other in decisions.same + decisions.different]
    owner = found.owned.select("record_key", "person_id")
    of_two = asked.join(owner.select(left_key="record_key", one="person_id"), "left_key").join(
        owner.select(right_key="record_key", other="person_id"), "right_key"
    )
    open_ = of_two.filter(of_two.one != of_two.other, (of_two.left_key + "\x1f" + of_two.right_key).notin([*known, ""]))
    best = ibis.window(
        group_by=[ibis.least(open_.one, open_.other), ibis.greatest(open_.one, open_.other)],
        order_by=[*_likeliest(open_), open_.why_asked],
    )
    once = open_.mutate(place=ibis.row_number().over(best)).filter(_.place == 0)
    return once.select(*KEYS[1:]).order_by(_likeliest(once)).limit(most)


def _likeliest(pairs: ir.Table) -> list[ir.Value]:
    """Links that were given up, then pairs by their probability, then by their keys."""
    return [ibis.desc(pairs.match_probability.fill_null(1.0)), pairs.left_key, pairs.right_key]


def export(session: Backend, found: Identified, asked: ir.Table, partition: Partition, out: Path) -> int:
    """Writes the queue with the values of both records, personal ones too, readable by its owner only. Gives its length.

    A value that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    told = found.owned.select("record_key", *(found.owned[c].cast("string").name(c) for c in SHOWN))
    rows = asked.mutate(as_of=ibis.literal(partition.key))
    for side in ("left", "right"):
        names = {f"{side}_{column}": column for column in SHOWN}
        rows = rows.left_join(told.select(**{f"{side}_key": "record_key"}, **names), f"{side}_key")
    columns = [*KEYS, *(f"{side}_{column}" for column in SHOWN for side in ("left", "right"))]
    kept = keep(session, rows.select(*columns))
    in_order = kept.order_by(_likeliest(kept))
    written = 0
    aside = out.with_name(f".{out.name}.part")
    aside.unlink(missing_ok=True)
    # Made with the mode it has to have: a file that is closed to others later was open to them before.
    with os.fdopen(
        os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow([*columns, *ANSWERS])
        for batch in batches(session, in_order, size=5_000):
            for row in batch.to_pylist():
                writer.writerow([*(_harmless(row[column]) for column in columns), *("" for _answer in ANSWERS)])
                written += 1
    aside.replace(out)
    return written


def _harmless(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def read_decisions(file: Path, *, since: date | None = None) -> list[tuple[int, Decision]]:
    """The answers of a file, each with its line; a row without an answer is left out.

    Args:
        since: the first day that they count for; the day of the queue they answer (`as_of`) when it is not given.

    Raises:
        DeclarationError: a column is missing, or a row is not readable.
    """
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        for column in ("left_key", "right_key", "decision", *(() if since else ("as_of",))):
            if column not in (rows.fieldnames or ()):
                raise DeclarationError(file.name, f"no column {column!r}{nearest(column, rows.fieldnames or ())}")
        return [(rows.line_num, _read(f"{file.name} line {rows.line_num}", row, since)) for row in rows if _told(row)]


def _told(row: Mapping[str, str | None]) -> bool:
    return bool((row["decision"] or "").strip())


def _read(place: str, row: Mapping[str, str | None], since: date | None) -> Decision:
    decision = (row["decision"] or "").strip().lower()
    if decision not in DECISIONS:
        raise DeclarationError(f"{place}: decision", f"found {decision!r}, expected {', '.join(DECISIONS)}")
    one, other = ((row[side] or "").strip().removeprefix("'") for side in ("left_key", "right_key"))
    if not one or not other or one == other:
        raise DeclarationError(place, f"found the records {one!r} and {other!r}, expected two")
    day = since or Partition.parse((row["as_of"] or "").strip()).day
    return Decision(one, other, decision, day, (row.get("why") or "").strip() or None)


def check_known(lake: Lake, session: Backend, file: str, decided: Iterable[tuple[int, Decision]]) -> None:
    """Raises DeclarationError for a record or address that the day of the decision does not know."""
    by_day: dict[date, dict[Label, int]] = defaultdict(dict)
    for line, decision in decided:
        for label in decision.pair:
            by_day[decision.since].setdefault(label, line)
    for day, labels in sorted(by_day.items()):
        keys = lake.read(session, PERSON_KEY, Partition(day))
        named = keys.select(label=(keys.kind == "email").ifelse(ADDRESS + keys.key, keys.key))
        known = set(session.to_pyarrow(named.filter(named.label.isin(list(labels))))["label"].to_pylist())
        for label, line in labels.items():
            if label not in known:
                raise DeclarationError(f"{file} line {line}", f"no record or address {label!r} on {day}")


def check_consistent(connection: sa.Connection, file: str, decided: Sequence[tuple[int, Decision]]) -> None:
    """Raises DeclarationError when two records are told to be different people and, over others, one person.

    What was decided before counts too, unless the file decides anew.
    """
    told: dict[tuple[Label, Label], tuple[str, str]] = {}
    for row in connection.execute(sa.select(IdentityDecision).order_by(IdentityDecision.id)).mappings():
        told[row["left_label"], row["right_label"]] = (row["decision"], f"a decision of {row['decided_at']:%Y-%m-%d}")
    here: dict[tuple[Label, Label], tuple[str, str]] = {}
    for line, decision in decided:
        before = here.setdefault(decision.pair, (decision.decision, f"line {line}"))
        if before[0] != decision.decision:
            one, other = decision.pair
            raise DeclarationError(
                f"{file} line {line}",
                f"{one} and {other} are {decision.decision!r} here and {before[0]!r} in {before[1]}",
            )
    told |= here
    beside: dict[Label, dict[Label, str]] = defaultdict(dict)
    for (one, other), (decision_, place) in told.items():
        if decision_ == "same":
            beside[one][other] = beside[other][one] = place
    for (one, other), (decision_, place) in told.items():
        if decision_ == "different" and (places := _chain(beside, one, other)):
            raise DeclarationError(
                file, f"{one} and {other} are different by {place}, and the same by {', '.join(places)}"
            )


def _chain(beside: Mapping[Label, Mapping[Label, str]], one: Label, other: Label) -> list[str]:
    """Where it is said that two labels are the same: the shortest chain, empty when there is none."""
    reached: dict[Label, list[str]] = {one: []}
    waiting = deque([one])
    while waiting:
        label = waiting.popleft()
        for following, place in sorted(beside.get(label, {}).items()):
            if following not in reached:
                reached[following] = [*reached[label], place]
                waiting.append(following)
    return reached.get(other, [])
