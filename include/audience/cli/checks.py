"""Every problem in what people declare, each as one line: place, found, expected, nearest name."""

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from audience.core.errors import AudienceError, DeclarationError
from audience.core.settings import Settings


def in_settings(environment: Mapping[str, str]) -> list[str]:
    """The first problem of the environment; nothing is read from it but its own variables."""
    try:
        Settings.read(environment)
    except AudienceError as error:
        return [str(error)]
    return []


def in_sources() -> list[str]:
    """Problems of source files. A file that does not even import is one problem; the others are read all the same."""
    import audience.sources
    from audience.sources.contract import all_sources

    problems = []
    for module in pkgutil.iter_modules(audience.sources.__path__):
        try:
            importlib.import_module(f"audience.sources.{module.name}")
        except DeclarationError as error:
            problems.append(f"sources/{module.name}.py: {error}")
        except (ImportError, NameError, SyntaxError, TypeError) as error:
            problems.append(f"sources/{module.name}.py: does not import: {type(error).__name__}: {error}")
    if problems:
        return problems
    try:
        all_sources()
    except DeclarationError as error:
        return [str(error)]
    return []


def in_tables() -> list[str]:
    """Problems of declared tables that the declarations themselves do not refuse."""
    from audience.core.tables import DERIVED, ENTITIES

    problems = [
        f"tables: {table.name}.{column}: found personal data, expected it in raw tables, quarantine and vault only"
        for table in DERIVED.values()
        for column in table.personal
    ]
    for table in (*ENTITIES.values(), *DERIVED.values()):
        problems += [
            f"tables: {table.name}.{c.name}: found no words, expected its meaning" for c in table.columns if not c.doc
        ]
    return problems


def in_suites() -> list[str]:
    """Problems of what is expected of the tables. A name that Python does not know is one problem.

    Every suite is made with Great Expectations too, once nothing else is wrong: importing it takes seconds.
    """
    try:
        from audience.quality import reference
        from audience.quality.suites import problems
    except (AttributeError, ImportError, NameError, SyntaxError, TypeError) as error:
        return [f"suites: quality/suites.py or quality/reference.py does not import: {type(error).__name__}: {error}"]
    found = [*problems(), *reference.problems()]
    if found:
        return found
    from audience.quality.gx_objects import not_accepted

    return not_accepted()


def in_segments(folder: Path) -> list[str]:
    """Problems of segment files."""
    from audience.activation import destinations
    from audience.segments.check import check

    return [str(problem) for problem in check(folder, destinations.names())]


def segments_folder(environment: Mapping[str, str]) -> Path:
    """Where segment files are, also when the environment lacks the secrets that checking them does not need."""
    named = {k: environment[k] for k in ("AUDIENCE_SEGMENTS",) if k in environment}
    return Settings.read(named | {"AUDIENCE_PSEUDONYM_KEY": "-" * 32}).segments
