"""# Give up quarantined rows of one source

**Reads** `quarantine_<source>`: the open rows that the form names. Trigger `show_quarantine` with the same form first.

**Writes** `ops.quarantine_decision`: who gave the rows up, when and why. The rows stay in the lake.

**If it fails** clear it: rows that were given up are not counted again.

**To redo** nothing is to be done: a row that was given up is closed, also for later replays.
"""

import os

from airflow.sdk import DAG, Param

from audience.orchestration.defaults import dag_arguments
from audience.orchestration.forms import quarantined_rows
from audience.orchestration.tasks import discard
from audience.sources.contract import sources_in_use

with DAG(
    dag_id="discard_quarantine",
    dag_display_name="Give up quarantined rows",
    schedule=None,
    max_active_runs=1,
    params=quarantined_rows(sources_in_use(os.environ))
    | {"why": Param(type="string", minLength=3, description="for whoever asks later; name no person")},
    **dag_arguments(__doc__),
):
    discard()
