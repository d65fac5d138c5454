"""What a listing of Airflow's runs says about a DAG."""

from demo.runs import Runs


def runs(*listed: tuple[str, str, str]) -> Runs:
    """Runs from DAG, partition and state; the id of a run is its place in the list."""
    return Runs(
        tuple(
            {"dag_id": dag, "dag_run_id": f"run-{n}", "partition_key": partition, "state": state}
            for n, (dag, partition, state) in enumerate(listed)
        )
    )


def test_a_partition_is_there_once_a_run_of_it_succeeded() -> None:
    seen = runs(("ingest_crm", "2026-11-20", "failed"), ("ingest_crm", "2026-11-20", "success"),
                ("ingest_crm", "2026-11-21", "running"), ("ingest_shop", "2026-11-21", "success"))  # fmt: skip
    assert seen.have("ingest_crm", ["2026-11-20"])
    assert not seen.have("ingest_crm", ["2026-11-20", "2026-11-21"])


def test_a_dag_is_idle_when_none_of_its_runs_waits_or_works() -> None:
    seen = runs(("ingest_crm", "2026-11-20", "success"), ("ingest_shop", "2026-11-20", "queued"))
    assert seen.are_idle("ingest_crm") and seen.are_idle("train_models")
    assert not seen.are_idle("ingest_shop")


def test_runs_that_failed_are_named() -> None:
    seen = runs(("ingest_crm", "2026-11-20", "success"), ("ingest_shop", "2026-11-20", "failed"))
    assert seen.failed == [("ingest_shop", "run-1")]
    assert (seen.ended, seen.succeeded("ingest_crm"), seen.succeeded("ingest_shop")) == (2, 1, 0)
    assert seen.has_succeeded("ingest_crm", "run-0") and not seen.has_succeeded("ingest_shop", "run-1")
