"""docs/destinations.md: every platform, as its file says and declares."""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from audience.activation import destinations
from audience.activation.destination import Capabilities
from audience.cli.pages import markdown
from audience.cli.pages.markdown import code, table
from audience.core.system import STANDARD, Field
from audience.sources.contract import all_sources


def page() -> str:
    names = destinations.names()
    return markdown.page(
        "Destinations",
        "One file in `include/audience/activation/destinations/` is one platform; its name is that of its DAG"
        " (`activate_<name>`), its pool and its connection. `AUDIENCE_DESTINATIONS` names those in use. A segment says with"
        " `deliver_to` where it goes; one that needs what a platform lacks is refused when it is planned.",
        table(("", *(f"[{name}](#{name})" for name in names)), _matrix([_capabilities(name) for name in names])),
        *(part for name in names for part in _destination(name)),
    )


def _capabilities(name: str) -> Capabilities:
    found: Capabilities = destinations.find(name).capabilities  # type: ignore[attr-defined]
    return found


def _matrix(can: list[Capabilities]) -> Iterator[list[str]]:
    yield ["Contacts per upsert", *(f"{c.upsert_batch:,}" for c in can)]
    yield ["Contacts per addition to a list", *(f"{c.add_batch:,}" for c in can)]
    yield ["Contacts per removal from a list", *(f"{c.remove_batch:,}" for c in can)]
    yield ["Jobs at once", *(str(c.jobs_at_once) for c in can)]
    yield ["Lists", *("any number" if c.most_lists is None else f"{c.most_lists:,}" for c in can)]
    yield ["Characters of a list's name", *(str(c.list_name_length) for c in can)]
    yield ["List of everybody we manage", *(code(c.base_list) for c in can)]
    yield ["Is read back and compared", *(_yes(c.reads_back) for c in can)]
    yield ["Tells who opted out there", *(_yes(c.tells_opt_outs) for c in can)]
    yield ["Erases", *(_yes(c.erases) for c in can)]
    yield ["Knows contacts by our key", *(_yes(c.knows_by_key) for c in can)]
    yield ["Opens and clicks come from the source", *(code(c.engagement) if c.engagement else "none" for c in can)]


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _destination(name: str) -> Iterator[str]:
    yield f"## {name}\n\n{inspect.getdoc(importlib.import_module(f'audience.activation.destinations.{name}'))}"
    destination: Any = destinations.find(name)
    form = {code(f"extra.{n}"): meaning for n, meaning in destination.settings.items()}
    also = f"the fields that [the source](sources.md#{name}) has, and"
    if name not in {source.system.type for source in all_sources()}:
        own = {code(f.name if f.name in STANDARD else f"extra.{f.name}"): _field(f) for f in destination.form}
        form, also = own | form, "these fields"
    if form:
        yield f"Connection `{name}` of type `audience_{name}`: {also}"
        yield table(("In Airflow", "Meaning"), form.items())


def _field(field: Field) -> str:
    help_ = f": {field.help}" if field.help else ""
    return f"{field.label}{help_}" + (f", such as {code(field.example)}" if field.example else "")
