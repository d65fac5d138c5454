"""# Ask a person about a push that is unusually large, or whose data are old

**Reads** why `activate_<destination>` held its push.

**Writes** nothing without a yes (Browse > Required Actions); with one, what that DAG would have pushed.

**If it fails** run it again, as `activate_<destination>`. A day without an answer means no. A question that a later push has
made moot is not asked, and its answer is not used. One question at a time is asked; the others wait behind it.

**To redo** trigger `activate_<destination>`: what is still too large is asked again.
"""

import os
from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, PartitionedAtRuntime

from audience.activation import destinations
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import is_still_asked, push_approved

for name in destinations.in_use(os.environ):
    with DAG(
        dag_id=f"approve_{name}",
        dag_display_name=f"Approve a push to {name.replace('_', ' ').title()}",
        schedule=PartitionedAtRuntime(),
        max_active_runs=1,
        # It runs only when a push is held, and then nobody should have to remember to switch it on.
        is_paused_upon_creation=False,
        **dag_arguments(__doc__),
    ) as dag:
        ask = ApprovalOperator(
            task_id="ask",
            subject=f"The push to {name} is held. Push it all the same?",
            body="{{ dag_run.conf['held'] }}",
            defaults="Reject",
            response_timeout=timedelta(days=1),
        )
        is_answer_wanted = is_still_asked.override(task_id="is_answer_wanted")(name)
        is_still_asked(name) >> ask >> is_answer_wanted >> push_approved.override(pool=name)(name)
    globals()[dag.dag_id] = dag
