"""# Forget what is kept for long enough

**Reads** the newest computed day: when each person last made a contact themselves (a click, an order, a form; never an open).

**Writes** nothing of a person: it notes a request of erasure for people who were not heard of for three years, and triggers
`erase_contact` with its number. It removes quarantined rows after 90 days, staged files after 7, and the log of calls to
platforms after 30.

**If it fails** with `AudienceError: retention: ...`, more people than usual would be forgotten at once. That is what a source
that lost its orders looks like: look at the sources first. When it is right: `audience retention --approve`.

**To redo** trigger it: who was forgotten is not found again.
"""

import os

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, CronTriggerTimetable

from audience.activation import destinations
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.forgetting import apply_retention, is_anybody_forgotten

with DAG(
    dag_id="apply_retention",
    dag_display_name="Forget what is kept for long enough",
    schedule=CronTriggerTimetable("30 4 * * *", timezone="UTC"),
    max_active_runs=1,
    **dag_arguments(__doc__),
):
    erase = TriggerDagRunOperator(
        task_id="erase",
        trigger_dag_id="erase_contact",
        trigger_run_id="retention_{{ ti.xcom_pull(task_ids='apply_retention')['request'] }}",
        conf={"request": "{{ ti.xcom_pull(task_ids='apply_retention')['request'] }}"},
        skip_when_already_exists=True,
    )
    is_anybody_forgotten(apply_retention(destinations.in_use(os.environ))) >> erase
