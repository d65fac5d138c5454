"""# Push the newest segment tables to one e-mail platform

**Reads** the newest segment tables, consent, suppression, and what the platform acknowledged before.

**Writes** to the platform: only what changed, removals too, and only people who consented; the push ledger.

**If it fails** run it again: what was acknowledged is not sent twice, what is unknown is sent with its current value.
`PushHeld`: the change is too large; the task `ask` says why and waits under Browse > Required Actions; a day without an
answer means no.
`DestinationRefused`: check the connection. `LeaseLost`: another run is pushing, nothing to do.

**To redo** trigger it; it always pushes the newest partition, never an older one.
"""

import os
from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, PartitionedAssetTimetable

from audience.activation import destinations
from audience.orchestration.assets import SEGMENTS
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import push, push_approved

for name in destinations.in_use(os.environ):
    with DAG(
        dag_id=f"activate_{name}",
        dag_display_name=f"Push to {name.replace('_', ' ').title()}",
        schedule=PartitionedAssetTimetable(assets=SEGMENTS),
        max_active_runs=1,
        **dag_arguments(__doc__),
    ) as dag:
        ask = ApprovalOperator(
            task_id="ask",
            subject=f"The change for {name} is unusually large. Push it?",
            body="{{ ti.xcom_pull(task_ids='push', key='held') }}",
            defaults="Reject",
            response_timeout=timedelta(days=1),
        )
        push.override(pool=name)(name) >> ask >> push_approved.override(pool=name)(name)
    globals()[dag.dag_id] = dag
