"""Versions of models in MLflow, and which one scores a day.

A version is written once, whole, with everything that decides about it as tags: `trained_as_of`, `promoted`,
`training_hash`, `code_version`. A day is scored by the newest version that was promoted and trained as of an earlier
day, so a past day can be computed again to the same content however often models were trained since; the training day
itself was scored before the training could begin. The alias `champion` shows the newest promoted version to people;
nothing here reads it.

Models are stored in the skops format and loaded with the types trusted below. MLflow's own loader is not used: it
takes the list of trusted types from the stored model itself, and wants pickles to be allowed.
"""

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audience.core.errors import ModelError
from audience.core.partition import Partition
from audience.models.mlflow_client import mlflow_client, unless_it_exists

TRUSTED = ("numpy.dtype",)
"""Types that skops does not trust by itself and that our pipelines hold."""

CHAMPION = "champion"
_PAGE = 200


@dataclass(frozen=True)
class Version:
    """One registered version of a model."""

    model: str
    number: int
    trained_as_of: Partition
    promoted: bool
    run_id: str
    tags: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.model}/{self.number}"


class Registry:
    """The registry behind one MLflow tracking URL.

    Args:
        tracking_url: `postgresql+psycopg://...` (a database or, with `?options=-csearch_path=mlflow`, a schema of its
            own: MLflow keeps a table `alembic_version`, which must not be the warehouse's),
            `sqlite:///...` or `http(s)://...`. Missing tables are made.
        artifacts_url: folder or object-store URL below which model files are written, one folder per experiment.
    """

    def __init__(self, tracking_url: str, artifacts_url: str) -> None:
        self._client = mlflow_client(tracking_url)
        self._artifacts = artifacts_url.rstrip("/")

    # -- which version ---------------------------------------------------------------------------------------------

    def versions(self, model: str) -> list[Version]:
        """Every version, oldest training day first, then by number. A model nobody registered has none."""
        found: list[Version] = []
        page = None
        while page is None or page:
            answer = self._client.search_model_versions(f"name = '{model}'", max_results=_PAGE, page_token=page)
            found += [
                Version(v.name, int(v.version), Partition.parse(v.tags["trained_as_of"]), v.tags["promoted"] == "true",
                        v.run_id, dict(v.tags))
                for v in answer if {"trained_as_of", "promoted"} <= v.tags.keys()
            ]  # fmt: skip
            page = answer.token or ""
        return sorted(found, key=lambda v: (v.trained_as_of, v.number))

    def for_day(self, model: str, partition: Partition) -> Version | None:
        """The version that scores this partition: the newest promoted one that was trained as of an earlier day."""
        usable = [v for v in self.versions(model) if v.promoted and v.trained_as_of < partition]
        return usable[-1] if usable else None

    def same(self, model: str, *, as_of: Partition, training_hash: str, code_version: str) -> Version | None:
        """The first version that was trained as of this day from this data by this code."""
        wanted = {"trained_as_of": as_of.key, "training_hash": training_hash, "code_version": code_version}
        return next((v for v in self.versions(model) if wanted.items() <= v.tags.items()), None)

    def metrics(self, version: Version) -> dict[str, float]:
        """What was measured when the version was trained."""
        return dict(sorted(self._client.get_run(version.run_id).data.metrics.items()))

    # -- the models themselves -------------------------------------------------------------------------------------

    def load(self, version: Version) -> Any:
        """The fitted pipeline. Raises ModelError when its file is gone, damaged, or holds a type nobody trusts."""
        import skops.io

        try:
            with tempfile.TemporaryDirectory() as folder:
                file = self._client.download_artifacts(version.run_id, "model/model.skops", folder)
                return skops.io.load(file, trusted=list(TRUSTED))
        except Exception as error:  # whatever the store, the file or the format raises: the model is not to be had
            raise ModelError(
                f"{version}: found no model that loads ({type(error).__name__}), expected the stored one"
            ) from error

    def register(self, model: str, fitted: Any, *, as_of: Partition, promoted: bool, training_hash: str,
                 code_version: str, params: Mapping[str, object], metrics: Mapping[str, float],
                 tags: Mapping[str, str]) -> Version:  # fmt: skip
        """Logs a run with the fitted pipeline and registers it.

        The version appears in one statement, after its run and files are complete and with its tags: a crash before
        leaves a run without a version, which nobody reads.
        """
        from mlflow.entities import Metric, Param, RunTag

        facts = {"trained_as_of": as_of.key, "promoted": str(promoted).lower(), "training_hash": training_hash,
                 "code_version": code_version, **tags}  # fmt: skip
        run = self._client.create_run(self._experiment(model), run_name=as_of.key).info
        now = run.start_time
        self._client.log_batch(
            run.run_id,
            metrics=[Metric(k, float(v), now, 0) for k, v in sorted(metrics.items())],
            params=[Param(k, str(v)) for k, v in sorted(params.items())],
            tags=[RunTag(k, v) for k, v in sorted(facts.items())],
        )
        self._store(fitted, run.run_id)
        self._client.set_terminated(run.run_id, status="FINISHED")
        self._make_registered_model(model)
        made = self._client.create_model_version(
            model, source=f"{run.artifact_uri}/model", run_id=run.run_id, tags=facts
        )
        self._point_champion(model)
        return Version(model, int(made.version), as_of, promoted, run.run_id, facts)

    def _store(self, fitted: Any, run_id: str) -> None:
        import mlflow.sklearn

        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's pyfunc warns about its own type hints when it is imported
            mlflow.sklearn.save_model(
                fitted, f"{folder}/model", serialization_format="skops", skops_trusted_types=list(TRUSTED),
                pip_requirements=["scikit-learn", "skops"],
            )  # fmt: skip
            self._client.log_artifacts(run_id, f"{folder}/model", "model")

    def _point_champion(self, model: str) -> None:
        promoted = [v for v in self.versions(model) if v.promoted]
        if promoted:
            self._client.set_registered_model_alias(model, CHAMPION, str(promoted[-1].number))

    def _experiment(self, model: str) -> str:
        name = f"audience/{model}"
        known = self._client.get_experiment_by_name(name)
        if known is None:
            unless_it_exists(lambda: self._client.create_experiment(name, f"{self._artifacts}/{model}"))
            known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id)

    def _make_registered_model(self, model: str) -> None:
        unless_it_exists(lambda: self._client.create_registered_model(model))
