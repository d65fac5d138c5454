"""# Watch that sources are not late and not blocked

**Reads** the newest published day of each source (`ops.landing`), how old it may be (`fresh_hours` of its file), what the
gates found last of each day (`ops.quality_day`), and whether the newest people are like the population (`ops.validation`).

**Writes** `ops.alert`: a required source that is late opens an alert, and its next day closes it; so does a day of it that a
gate stopped, and its publication closes it; and people who are unlike the population, until those of a later day are like it.
Both ends are told once, whatever is tried again meanwhile: in the log, and by e-mail and webhook where `AUDIENCE_ALERTS_EMAIL`
and `AUDIENCE_ALERTS_WEBHOOK` name them. An optional source is only shown as stale or blocked. `ops.source`: what the sources
in use promise.

**If it fails** with `AlertNotSent`, a channel did not take its message: mend the connection `smtp_default` or the webhook.
The next run tells that channel what it missed, and no other channel twice.

**To redo** trigger it: what was told is not told again.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import watch

with DAG(
    dag_id="watch_sources",
    dag_display_name="Watch that sources are not late and not blocked",
    schedule=CronTriggerTimetable("15 * * * *", timezone="UTC"),
    max_active_runs=1,
    **dag_arguments(__doc__),
):
    watch()
