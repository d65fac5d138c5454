"""# Train the models of one week

**Reads** features and orders as of the week's Sunday.

**Writes** model versions in MLflow; the alias `champion` moves only to a better model. Beside the tables of the lake, the
model by which similar records are one person in the week that follows, and what guesses unknown values from then on.

**If it fails** the champions stay and go on scoring. Too little history is not a failure: the report says so.

**To redo** trigger it with the partition key of the week's Monday. The same data gives the same models, and equal is
not better: nothing is promoted twice.
"""

from datetime import timedelta

from airflow.sdk import DAG, Param, PartitionedAssetTimetable, RollupMapper, StartOfWeekMapper, WeekWindow

from audience.orchestration.assets import SEGMENTS
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.tasks import train

WEEK = RollupMapper(
    upstream_mapper=StartOfWeekMapper(input_format="%Y-%m-%d", output_format="%Y-%m-%d"), window=WeekWindow()
)

with DAG(
    dag_id="train_models",
    dag_display_name="Train the models",
    schedule=PartitionedAssetTimetable(assets=SEGMENTS, default_partition_mapper=WEEK),
    max_active_runs=1,
    params={"as_of": Param(None, type=["null", "string"], format="date", description="instead of the week's Sunday")},
    **dag_arguments(__doc__),
):
    train.override(execution_timeout=timedelta(hours=3))()
