"""# Refresh the audience of one day

**Reads** everything the required sources published up to the day.

**Writes** `person_key`, `customers`, `golden_source`, `identity_change`, `match_pair`, `features`, `imputed`, `scores` in the
lake; the vault, the consent ledger and the segment tables in the warehouse, with what was found of the people in
`ops.validation`; announces each day that it computed as the asset `segments`.

**If it fails** the day's segment tables stay as they were and nothing is pushed from them. Clear the failed task: each
step replaces its own partition, so doing it again is safe.

**To redo** past days without extracting: trigger `restate`. A run also computes, up to 14, the later days that saw less
than is known now and the days that have landed since; their own runs then find nothing to do and are skipped. It computes
earlier days too, those that its sources read again (`reread_days`), when late rows changed them. A day whose input (data,
models, segments, reviewers' decisions, code) has not changed is left alone: the same input gives the same content.
"""

from airflow.sdk import DAG, AssetAll, PartitionedAssetTimetable

from audience.orchestration.assets import SEGMENTS, required
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import features, identity, review, scores, segments

with DAG(
    dag_id="refresh_audience",
    dag_display_name="Refresh the audience",
    schedule=PartitionedAssetTimetable(assets=AssetAll(*required())),
    # One at a time: a run may compute later days again, and two must not write the same day.
    max_active_runs=1,
    **dag_arguments(__doc__),
):
    people = features(identity())
    review(people)
    segments.override(outlets=[SEGMENTS])(scores(people))
