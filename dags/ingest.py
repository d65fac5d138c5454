"""# Ingest one source, one UTC day at a time

**Reads** the source's API, through the Airflow connection that has the source's name: the half-open window of the day.

**Writes** `raw_<source>__<entity>` and `quarantine_<source>` in the lake, `ops.landing`, `ops.validation` and
`ops.histogram` in the warehouse; announces the day as the asset `raw_<source>`.

**If it fails** the day is not announced, nothing of it is published, other sources go on and the last good partitions
stay in use. `SourceRefused`: check the connection. `SourceUnavailable`: the system was down, clear the task.
`AuditFailed`: the message names table and expectation; the run's tab *Data quality* shows what was found; look at the
quarantine, mend the source, clear the run.

**To redo** a range of days: Trigger > Backfill, or `airflow backfill create --dag-id ingest_<source> --from-date D1
--to-date D2T23:59:59`. For a first load of a long history trigger one run with the last day as partition key and `since`.
"""

import os

from airflow.sdk import DAG, CronPartitionTimetable, Param

from audience.orchestration.assets import raw_asset
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import extract, publish
from audience.sources.contract import sources_in_use

for source in sources_in_use(os.environ):
    with DAG(
        dag_id=f"ingest_{source.name}",
        dag_display_name=f"Ingest: {source.title}",
        schedule=CronPartitionTimetable(source.cron, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"),
        max_active_runs=4,
        params={
            "since": Param(
                None, type=["null", "string"], format="date", description="first load: the first day to fetch"
            )
        },
        **dag_arguments(__doc__),
    ) as dag:
        extracted = extract.override(pool=source.name)(source.name)
        publish.override(outlets=[raw_asset(source)])(extracted)
    globals()[dag.dag_id] = dag
