"""# Push the newest segment tables to one e-mail platform

**Reads** the newest segment tables, consent, suppression, and what the platform acknowledged before.

**Writes** to the platform: only what changed, removals too, and only people who consented; the push ledger.

**If it fails** run it again: what was acknowledged is not sent twice, what is unknown is sent with its current value.
A task `push` that is "up for reschedule" waits for the platform, without a worker. A change that is too large is held: the
run ends, and `approve_<destination>` asks a person; whoever said no is taken off all the same.
`DestinationRefused`: check the connection. `LeaseLost`: another run is pushing, nothing to do.

**To redo** trigger it; it always pushes the newest partition, never an older one.
"""

import os

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, PartitionedAssetTimetable

from audience.activation import destinations
from audience.orchestration.assets import SEGMENTS
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import is_held, push

for name in destinations.in_use(os.environ):
    with DAG(
        dag_id=f"activate_{name}",
        dag_display_name=f"Push to {name.replace('_', ' ').title()}",
        schedule=PartitionedAssetTimetable(assets=SEGMENTS),
        max_active_runs=1,
        **dag_arguments(__doc__),
    ) as dag:
        # In a run of its own, so that the next push does not wait for the answer.
        ask = TriggerDagRunOperator(
            task_id="ask",
            trigger_dag_id=f"approve_{name}",
            trigger_run_id="plan_{{ ti.xcom_pull(task_ids='push')['plan_id'] }}",
            conf={n: f"{{{{ ti.xcom_pull(task_ids='push')['{n}'] }}}}" for n in ("plan_id", "as_of", "held")},
            skip_when_already_exists=True,
        )
        is_held(push.override(pool=name)(name)) >> ask
    globals()[dag.dag_id] = dag
