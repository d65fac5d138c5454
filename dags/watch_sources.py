"""# Watch that sources are not late

**Reads** the newest published day of each source (`ops.landing`) and how old it may be (`fresh_hours` of its file).

**Writes** `ops.alert`: a required source that is late opens an alert, and its next day closes it. Both are told once: in
the log, and by e-mail and webhook where `AUDIENCE_ALERTS_EMAIL` and `AUDIENCE_ALERTS_WEBHOOK` name them. An optional
source that is late is left out of the day and marked stale wherever its numbers are shown.

**If it fails** with `AlertNotSent`, a channel did not take its message: mend the connection `smtp_default` or the webhook.
The next run tells that channel what it missed, and no other channel twice.

**To redo** trigger it: what was told is not told again.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import watch

with DAG(
    dag_id="watch_sources",
    dag_display_name="Watch that sources are not late",
    schedule=CronTriggerTimetable("15 * * * *", timezone="UTC"),
    max_active_runs=1,
    **dag_arguments(__doc__),
):
    watch()
