"""`python declared_by_airflow.py < COMMANDS`: what the installed Airflow knows, as JSON, from a process of its own.

COMMANDS is a JSON list of argument lists. Answers with `options`, every `section.key` of Airflow and its providers,
and `refused`, the argument lists that Airflow's own parser does not take.
"""

import contextlib
import io
import json
import sys


def main() -> None:
    from airflow.cli import cli_parser
    from airflow.configuration import conf
    from airflow.providers_manager import ProvidersManager

    ProvidersManager().initialize_providers_configuration()  # type: ignore[no-untyped-call]
    described = conf.configuration_description
    options = [f"{section}.{key}" for section, content in described.items() for key in content["options"]]
    parser = cli_parser.get_parser()
    refused = []
    for arguments in json.load(sys.stdin):
        try:
            with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                parser.parse_args(arguments)
        except SystemExit:
            refused.append(arguments)
    sys.stdout.write("\n" + json.dumps({"options": options, "refused": refused}))


if __name__ == "__main__":
    main()
