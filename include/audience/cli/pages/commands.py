"""docs/cli.md: every command, as typer declares it."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from audience.cli import application
from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, table


def page() -> str:
    group = get_command(application())
    assert isinstance(group, typer.core.TyperGroup)
    return markdown.page(
        "Command line",
        "`audience COMMAND`, or `python -m audience COMMAND`. A command that names a DAG calls the same functions for"
        " the same window; stores and connections come from the environment ([settings](settings.md)).",
        "What can be mended is one line on stderr and exit code 1: the place, what was found, what was expected. A bug"
        " keeps its traceback. No command shows personal data but `quarantine show --reveal`, `identity explain --reveal` and"
        " `identity review export`, which writes a file; each time is recorded. A `person_id` is a pseudonym.",
        *(_section(name, command) for name, command in _commands(group)),
    )


def _commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Each command with its whole name: `quarantine list`."""
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from _commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    words = inspect.cleandoc(command.help or "")
    usage = " ".join(["audience", name, *(_name(p) for p in arguments), "[OPTIONS]" * bool(options)])
    rows = [(code(_name(p)), p.help or "", "yes") for p in arguments]
    rows += [(code(", ".join(p.opts)), p.help or "", "yes" if p.required else "") for p in options]
    listed = table(("Option", "Meaning", "Required"), rows) if rows else ""
    return "\n\n".join(part for part in (f"## {name}", f"```\n{usage.strip()}\n```", words, listed) if part)


def _name(argument: Any) -> str:
    return str(argument.name).upper()
