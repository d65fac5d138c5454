"""# Show quarantined rows of one source

**Reads** `quarantine_<source>`: rows that were refused, and records that could not be tidied, as long as nobody decided
about them.

**Writes** nothing. The log of its task counts the open rows by day, entity and reason and shows the first ones by shape:
letters are x, digits are 9, so that no personal value is in a log. Values are shown by `audience quarantine show --reveal`
alone, which records who looked.

**If it fails** clear it.

**To redo** trigger it again.
"""

import os

from airflow.sdk import DAG, Param

from audience.orchestration.defaults import dag_arguments
from audience.orchestration.forms import quarantined_rows
from audience.orchestration.tasks import show
from audience.sources.contract import sources_in_use

with DAG(
    dag_id="show_quarantine",
    dag_display_name="Show quarantined rows",
    schedule=None,
    params=quarantined_rows(sources_in_use(os.environ))
    | {"most": Param(20, type="integer", minimum=1, maximum=1000, description="show at most so many rows")},
    **dag_arguments(__doc__),
):
    show()
