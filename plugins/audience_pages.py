"""Registers the page Audience in Airflow's navigation; `audience.orchestration.pages` is the page."""

from airflow.plugins_manager import AirflowPlugin

from audience.orchestration.pages import PREFIX, Page, address


class AudiencePages(AirflowPlugin):
    name = "audience_pages"
    fastapi_apps = [{"app": Page(), "url_prefix": PREFIX, "name": "Audience"}]  # noqa: RUF012  # Airflow's own type
    external_views = [  # noqa: RUF012
        {"name": "Audience", "href": address(), "url_route": "audience", "destination": "nav", "category": "browse"}
    ]
