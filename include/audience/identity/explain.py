"""Why two records are, or are not, one person."""

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import Any

import ibis
import numpy as np
from ibis import _

from audience.core.errors import NotPublished, nearest
from audience.core.partition import Partition
from audience.identity.clusters import ADDRESS, Decisions
from audience.identity.cut import Edge
from audience.identity.fuzzy import TrainedModel
from audience.identity.fuzzy.blocking import Blocks
from audience.identity.fuzzy.candidates import Candidates
from audience.identity.fuzzy.scoring import judged
from audience.identity.identify import Identified, Identity

_ANY = 1e-300
"""A match probability below every pair's."""


@dataclass(frozen=True)
class Link:
    """Evidence between two records: its kind, and its bits where a model gives them; `given_up` says why it does not hold."""

    left_key: str
    right_key: str
    kind: str
    bits: float | None = None
    given_up: str | None = None


@dataclass(frozen=True)
class Said:
    """One comparison of the two records: its level, in words, and what that is worth, bits."""

    comparison: str
    level: str
    bits: float


@dataclass(frozen=True)
class Explanation:
    """Two records of one partition.

    Args:
        same: whether they are one person.
        path: the strongest links that lead from one to the other, when they are.
        given_up: links between their two people that do not hold, when they are not.
        said: what the model's comparisons say of the two, whether or not they were ever compared.
        probability: of one person, by these comparisons; None without a model.
        may_be_relative: whether they are asked about however probable, `Comparison.no_relative_from`.
    """

    same: bool
    path: tuple[Link, ...]
    given_up: tuple[Link, ...]
    said: tuple[Said, ...] = ()
    probability: float | None = None
    prior_bits: float | None = None
    may_be_relative: bool = False


def explain(identity: Identity, partition: Partition, decisions: Decisions, one: str, other: str) -> Explanation:
    """Compares two records (`crm:C-1`) as of a partition.

    Raises:
        NotPublished: the partition does not know one of them.
    """
    found = identity.of(partition, decisions)
    ranks = _ranks(identity, found, partition, one, other)
    people = found.clusters.labels.filter(_.rank.isin(list(ranks.values())))
    labels = {r["rank"]: r["label"] for r in identity.session.to_pyarrow(people).to_pylist()}
    mates = found.clusters.labels.filter(_.label.isin(sorted(set(labels.values()))))
    few = found.clusters.only(identity.session, mates.select("rank"))
    names = {
        r["rank"]: r["record_key"]
        for r in identity.session.to_pyarrow(few.nodes.select("rank", "record_key")).to_pylist()
    }
    is_same = len(set(labels.values())) == 1
    edges = [Edge(**row) for row in identity.session.to_pyarrow(few.links()).to_pylist()]
    path = _path(edges, ranks[one], ranks[other]) if is_same else ()
    lost = identity.session.to_pyarrow(few.given_up.order_by(["left", "right"])).to_pylist()
    links = tuple(Link(names[e.left], names[e.right], e.kind, e.bits or None) for e in path)
    given_up = tuple(Link(names[r["left"]], names[r["right"]], r["kind"], given_up=r["why"]) for r in lost)
    model = identity.matching.stored(partition)
    both = found.owned.filter(_.record_key.isin([one, other]))
    if model is None or ADDRESS in (one[: len(ADDRESS)], other[: len(ADDRESS)]):
        return Explanation(is_same, links, () if is_same else given_up)
    said, pair = _compared(identity, both, model)
    return Explanation(
        is_same,
        links,
        () if is_same else given_up,
        said,
        pair["match_probability"],
        model.prior_weight,
        pair["may_be_relative"],
    )


def _ranks(identity: Identity, found: Identified, partition: Partition, *keys: str) -> dict[str, int]:
    nodes = found.clusters.nodes.filter(_.record_key.isin(list(keys))).select("record_key", "rank")
    ranks = {r["record_key"]: r["rank"] for r in identity.session.to_pyarrow(nodes).to_pylist()}
    for key in keys:
        if key not in ranks:
            source = key.partition(":")[0]
            alike = found.clusters.nodes.filter(_.record_key.startswith(f"{source}:")).select("record_key").limit(2_000)
            known = identity.session.to_pyarrow(alike)["record_key"].to_pylist()
            hint = nearest(key, known) if len(known) < 2_000 else ""
            raise NotPublished(
                f"person_key: partition {partition} has no record {key!r}{hint if 'mean' in hint else ''}"
            )
    return ranks


def _path(edges: list[Edge], start: int, end: int) -> tuple[Edge, ...]:
    """The way whose weakest link is the strongest: links are added, the strongest first, until there is a way."""
    beside: dict[int, list[tuple[int, Edge]]] = defaultdict(list)
    for edge in sorted(edges, key=lambda e: e.order):
        beside[edge.left].append((edge.right, edge))
        beside[edge.right].append((edge.left, edge))
        if way := _way(beside, start, end):
            return way
    return ()


def _way(beside: dict[int, list[tuple[int, Edge]]], start: int, end: int) -> tuple[Edge, ...]:
    reached: dict[int, tuple[Edge, ...]] = {start: ()}
    waiting = deque([start])
    while waiting:
        record = waiting.popleft()
        for following, edge in beside.get(record, ()):
            if following not in reached:
                reached[following] = (*reached[record], edge)
                waiting.append(following)
    return reached.get(end, ())


def _compared(identity: Identity, both: Any, model: TrainedModel) -> tuple[tuple[Said, ...], dict[str, Any]]:
    """What each comparison says of two records, as if they shared a block."""
    lenient = replace(model, rules=replace(model.rules, review=_ANY))
    candidates = Candidates.of(identity.session, both, lenient.rules)
    together = Blocks((np.ones(2, dtype=np.uint64),), candidates.blocks.found[:1])
    (pair,) = identity.session.to_pyarrow(judged(replace(candidates, blocks=together), lenient)).to_pylist()
    said = tuple(
        Said(
            c.column,
            "not known" if (level := pair[f"level_{c.column}"]) < 0 else c.levels[level],
            pair[f"weight_{c.column}"],
        )
        for c in model.rules.comparisons
    )
    return said, pair


def shown(
    identity: Identity, partition: Partition, keys: tuple[str, ...], columns: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The values of records, personal ones too: for who asked to see them."""
    rows = identity.records(partition)
    told = rows.filter(rows.record_key.isin(list(keys))).select(
        "record_key", *(rows[c].cast("string").name(c) for c in columns)
    )
    found: list[dict[str, Any]] = identity.session.to_pyarrow(told.order_by(ibis.asc(_.record_key))).to_pylist()
    return found
