"""A target is judged by time: on a cut-off that is later than every label it learnt from."""

import subprocess
import sys
from datetime import timedelta

from audience.core.partition import Partition
from audience.core.tables import SCORES
from audience.models.target import MODELS, P_BUY_30D, TARGETS

DAY = Partition.parse("2026-11-20")


def test_the_hold_out_is_later_than_every_label_that_is_learnt_from() -> None:
    for target in TARGETS:
        last_label_before = [c.as_of + timedelta(days=target.horizon_days) for c in target.learnt_from(DAY)]
        assert max(last_label_before) <= target.hold_out(DAY).as_of


def test_the_labels_of_the_hold_out_are_complete_on_the_training_day() -> None:
    assert P_BUY_30D.hold_out(DAY).as_of + timedelta(days=30) == DAY.as_of


def test_the_cut_offs_are_a_horizon_apart() -> None:
    assert [c.key for c in P_BUY_30D.learnt_from(DAY)] == ["2026-09-21", "2026-08-22", "2026-07-23"]
    assert P_BUY_30D.hold_out(DAY).key == "2026-10-21"


def test_every_model_has_its_column_and_its_version_among_the_scores() -> None:
    assert {*MODELS, *(f"{m}_model" for m in MODELS)} <= set(SCORES.names)


def test_declaring_targets_imports_nothing_heavy() -> None:
    heavy = "{'pandas', 'sklearn', 'mlflow', 'skops'} & sys.modules.keys()"
    code = f"import sys; import audience.models.target; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
