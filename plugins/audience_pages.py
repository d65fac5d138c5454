"""Registers *Audience* and *Erasure* in Airflow's navigation, *Data quality* and *Lists* beside DAGs and runs:
`audience.orchestration.pages`."""

from airflow.plugins_manager import AirflowPlugin

from audience.orchestration.pages import PREFIX, Page, address


class AudiencePages(AirflowPlugin):
    name = "audience_pages"
    fastapi_apps = [{"app": Page(), "url_prefix": PREFIX, "name": "Audience"}]  # noqa: RUF012  # Airflow's own type
    external_views = [  # noqa: RUF012
        {"name": "Audience", "href": address(), "url_route": "audience", "destination": "nav", "category": "browse"},
        {
            "name": "Erasure",
            "href": address("erasure"),
            "url_route": "erasure",
            "destination": "nav",
            "category": "browse",
        },
        {"name": "Data quality", "href": address("dags/{DAG_ID}"), "url_route": "quality", "destination": "dag"},
        {
            "name": "Data quality",
            "href": address("dags/{DAG_ID}/runs/{RUN_ID}"),
            "url_route": "quality-of-run",
            "destination": "dag_run",
        },
        {"name": "Lists", "href": address("lists/{DAG_ID}"), "url_route": "lists", "destination": "dag"},
        {
            "name": "Lists",
            "href": address("lists/{DAG_ID}/runs/{RUN_ID}"),
            "url_route": "lists-of-run",
            "destination": "dag_run",
        },
    ]
