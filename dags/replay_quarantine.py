"""# Replay quarantined rows of one source

**Reads** `quarantine_<source>`: rows that were refused, and records that could not be tidied. The DAG `show_quarantine`
counts them by day and reason, and shows them by shape.

**Writes** what passes now into the partition of its own day, as a further generation of `raw_<source>__<entity>`; the
decisions into `ops.quarantine_decision`, the numbers into `ops.landing`. Announces the computed days that became stale,
so that `refresh_audience` computes them again.

**If it fails** clear it: rows that landed before are found there and counted once. What still does not pass is no
failure: it stays in quarantine with its new reason.

**To redo** trigger it again: doing it twice changes nothing. Mend the source file or the declaration first.
"""

import os

from airflow.sdk import DAG, PartitionedAtRuntime

from audience.orchestration.assets import required
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.forms import quarantined_rows
from audience.orchestration.tasks import announce_stale, replay
from audience.sources.contract import sources_in_use

with DAG(
    dag_id="replay_quarantine",
    dag_display_name="Replay quarantined rows",
    schedule=PartitionedAtRuntime(),
    max_active_runs=1,
    params=quarantined_rows(sources_in_use(os.environ)),
    **dag_arguments(__doc__),
):
    announce_stale.override(outlets=required())(replay())
