"""What every DAG and task has: an owner, retries by kind of failure, a time limit."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

START = datetime(2024, 1, 1, tzinfo=UTC)

_HOPELESS = (
    "audience.core.errors.SourceRefused",
    "audience.core.errors.DestinationRefused",
    "audience.core.errors.AuditFailed",
    "audience.core.errors.DeclarationError",
    "audience.core.errors.SettingsError",
    "audience.core.errors.PartitionError",
    "audience.core.errors.PushHeld",
)
"""Failures that another try cannot mend: credentials, a gate that said no, a declaration, a missing partition."""

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "audience",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=1),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(exception=list(_HOPELESS), action=RetryAction.FAIL, reason="another try cannot help"),
        ]
    ),
}


def dag_arguments(doc: str, **more: Any) -> dict[str, Any]:
    """Arguments of every DAG: `doc` is the file's runbook, shown in the UI."""
    return {
        "start_date": START,
        "catchup": False,
        "default_args": DEFAULT_ARGS,
        "doc_md": doc,
        "tags": ["audience"],
    } | more
