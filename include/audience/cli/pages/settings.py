"""docs/settings.md: the environment variables."""

from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, table
from audience.core.settings import VARIABLES

_CONNECTION = """AIRFLOW_CONN_SHOP='{"conn_type": "http", "host": "https://shop.example.com/api", "password": "..."}'"""


def page() -> str:
    return markdown.page(
        "Settings",
        "Settings are environment variables and are checked when they are read: a missing one, an unusable value and a"
        " misspelt name are errors. `audience check` says which are set and never shows a value.",
        table(("Variable", "Meaning"), ((code(name), meaning) for name, meaning in VARIABLES.items())),
        "Connections are `AIRFLOW_CONN_<NAME>` in Airflow's JSON form, for Airflow and for the command line alike;"
        " inside Airflow any of its connection stores will do. `<NAME>` is the source or destination in capitals:",
        f"```\n{_CONNECTION}\n```",
    )
