"""What this distribution tells Airflow about itself: its connection types (entry point `apache_airflow_provider`)."""

from typing import Any


def provider_info() -> dict[str, Any]:
    """Follows Airflow's provider_info.schema.json."""
    from audience.orchestration.connections import connection_type, systems

    return {
        "package-name": "audience",
        "name": "audience",
        "description": "E-mail audience segmentation: connection types of the systems that sources read and pushes write to.",
        "connection-types": [connection_type(system) for system in systems().values()],
    }
