"""# Restate a range of days

**Reads** nothing.

**Writes** nothing itself: announces each day of the range again for every required source, so that `refresh_audience`
computes it again from what is in the lake. For a new segment, a mended feature, a model that was trained late.

**If it fails** clear it: a day that was computed meanwhile is left alone.

**To redo** trigger it with the range.
"""

from airflow.sdk import DAG, Param, PartitionedAtRuntime

from audience.orchestration.assets import required
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import announce

with DAG(
    dag_id="restate",
    dag_display_name="Restate past days",
    schedule=PartitionedAtRuntime(),
    params={
        "first": Param(type="string", format="date", description="first UTC day"),
        "last": Param(type="string", format="date", description="last UTC day, included"),
    },
    **dag_arguments(__doc__),
):
    announce.override(outlets=required())()
