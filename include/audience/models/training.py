"""Fit, compare, promote. Whatever fails, the model that was there stays."""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import ibis
from ibis.backends.duckdb import Backend

from audience.core.errors import ModelError
from audience.core.partition import Partition
from audience.models import clusters, promotion, propensity
from audience.models.code_version import code_version
from audience.models.frame import fingerprint, people
from audience.models.history import FeaturesAt, History, history
from audience.models.promotion import Verdict
from audience.models.registry import Registry, Version
from audience.models.report import Outcome, TrainingReport
from audience.models.target import CLUSTER, TARGETS, Target


def train(
    session: Backend, registry: Registry, *, as_of: Partition, features_at: FeaturesAt, orders: ibis.Table
) -> TrainingReport:
    """Trains every model as of the end of a day.

    Args:
        features_at: the rows of FEATURES as of the end of a partition; asked for `as_of` and for the cut-offs of each
            target, all before it.
        orders: one row per order: `person_id`, `ordered_at` (UTC), `status`. Those at or after the end of `as_of` are
            the future and change nothing.

    Raises:
        ModelError: a model could not be trained; says which and why. The others were trained, and days are still
            scored by the model that was there.
    """
    trainings: list[Callable[[], Outcome]] = [
        partial(train_target, session, registry, target, as_of=as_of, features_at=features_at, orders=orders)
        for target in TARGETS
    ]
    trainings.append(partial(train_clusters, session, registry, as_of=as_of, features_at=features_at))
    outcomes, problems = [], []
    for training in trainings:
        try:
            outcomes.append(training())
        except ModelError as problem:
            problems.append(str(problem))
    if problems:
        trained = ", ".join(o.model for o in outcomes) or "nothing"
        raise ModelError(f"training as of {as_of}: {'; '.join(problems)} (trained: {trained})")
    return TrainingReport(as_of, tuple(outcomes))


def train_target(
    session: Backend,
    registry: Registry,
    target: Target,
    *,
    as_of: Partition,
    features_at: FeaturesAt,
    orders: ibis.Table,
) -> Outcome:
    """Trains one probability; promoted when it ranks the hold-out better than the incumbent does.

    The incumbent is the model that would score the next day. It was trained as of `as_of` or before, so it has not
    learnt from the hold-out's labels either.

    Raises:
        ModelError: not enough history; see `history`.
    """
    known = history(session, target, as_of=as_of, features_at=features_at, orders=orders)
    training_hash = known.fingerprint
    if repeated := _repeated(registry, target.name, as_of, training_hash):
        return repeated
    fitted = propensity.fit(known.past)
    judged = propensity.judge(fitted, known.hold_out, called_from=known.past.rate)
    incumbent = registry.for_day(target.name, as_of.next)
    try:
        verdict = _against(registry, incumbent, known, judged.roc_auc)
    except ModelError as problem:
        return _kept(target.name, incumbent, problem, asdict(judged))
    version = registry.register(
        target.name, fitted, as_of=as_of, promoted=verdict.promoted, training_hash=training_hash,
        code_version=code_version(), metrics=asdict(judged),
        params={"estimator": "logistic regression", "horizon_days": target.horizon_days,
                "training_rows": len(known.past.did), "hold_out_rows": len(known.hold_out.did),
                "hold_out": target.hold_out(as_of), "learnt_from": ", ".join(map(str, target.learnt_from(as_of)))},
        tags={"features": json.dumps(propensity.INPUTS), "reason": verdict.reason},
    )  # fmt: skip
    return _outcome(registry, version, is_rerun=False)


def train_clusters(session: Backend, registry: Registry, *, as_of: Partition, features_at: FeaturesAt) -> Outcome:
    """Trains the clusters on the customers of the day; promoted unless clearly less sharp than the incumbent.

    Raises:
        ModelError: too few customers; see `clusters.fit`.
    """
    everybody = people(session, features_at(as_of))
    customers = clusters.customers_of(everybody)
    training_hash = fingerprint(customers[list(clusters.BEHAVIOUR)])
    if repeated := _repeated(registry, CLUSTER, as_of, training_hash):
        return repeated
    fitted = clusters.fit(customers)
    metrics = {"silhouette": fitted.silhouette}
    incumbent = registry.for_day(CLUSTER, as_of.next)
    try:
        verdict = _as_sharp(registry, incumbent, fitted, as_of)
    except ModelError as problem:
        return _kept(CLUSTER, incumbent, problem, metrics)
    version = registry.register(
        CLUSTER, fitted.model, as_of=as_of, promoted=verdict.promoted, training_hash=training_hash,
        code_version=code_version(), metrics=metrics,
        params={"estimator": "k-means", "clusters": len(fitted.names),
                "training_rows": min(len(customers), clusters.SAMPLE)},
        tags={"features": json.dumps(clusters.BEHAVIOUR), "names": json.dumps(fitted.names), "reason": verdict.reason},
    )  # fmt: skip
    return _outcome(registry, version, is_rerun=False)


def _against(registry: Registry, incumbent: Version | None, known: History, challenger: float) -> Verdict:
    """Raises ModelError when the incumbent cannot be loaded or cannot read today's columns."""
    if incumbent is None:
        return promotion.FIRST
    model = registry.load(incumbent)
    try:
        measured = propensity.roc_auc(model, known.hold_out)
    except ValueError as error:
        raise ModelError(f"{incumbent}: does not read today's features: {error}") from error
    return promotion.by_ranking(challenger=challenger, incumbent=measured)


def _as_sharp(registry: Registry, incumbent: Version | None, fitted: clusters.Clustering, as_of: Partition) -> Verdict:
    """Raises ModelError when the incumbent cannot be loaded or cannot read today's columns."""
    if incumbent is None:
        return promotion.FIRST
    model = registry.load(incumbent)
    try:
        measured = clusters.silhouette(model, fitted.model, fitted.sample)
    except ValueError as error:
        raise ModelError(f"{incumbent}: does not read today's features: {error}") from error
    return promotion.by_silhouette(
        challenger=fitted.silhouette, incumbent=measured, is_rerun=incumbent.trained_as_of == as_of
    )


def _repeated(registry: Registry, model: str, as_of: Partition, training_hash: str) -> Outcome | None:
    """The outcome of an earlier training of the same day, data and code."""
    version = registry.same(model, as_of=as_of, training_hash=training_hash, code_version=code_version())
    return None if version is None else _outcome(registry, version, is_rerun=True)


def _outcome(registry: Registry, version: Version, *, is_rerun: bool) -> Outcome:
    return Outcome(
        model=version.model, version=str(version), promoted=version.promoted, is_rerun=is_rerun,
        champion=str(registry.for_day(version.model, version.trained_as_of.next)),
        reason=version.tags["reason"], metrics=registry.metrics(version),
    )  # fmt: skip


def _kept(model: str, incumbent: Version | None, problem: ModelError, metrics: dict[str, float]) -> Outcome:
    """Nothing is registered: when the incumbent is repaired and the day is trained again, they are compared."""
    return Outcome(
        model=model, version="", promoted=False, champion=str(incumbent), is_rerun=False,
        reason=f"kept {incumbent}: {problem}", metrics=metrics,
    )  # fmt: skip
