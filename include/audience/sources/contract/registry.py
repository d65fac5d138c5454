"""The registry is the folder: every module beside this package that declares `SOURCE`."""

import importlib
import pkgutil
from collections.abc import Mapping

import audience.sources
from audience.core.errors import DeclarationError, nearest
from audience.sources.contract.declaration import Source


def all_sources() -> tuple[Source, ...]:
    """Every source, sorted by name.

    Raises:
        DeclarationError: a file declares no SOURCE, or one with another name than the file.
    """
    found = []
    for module in pkgutil.iter_modules(audience.sources.__path__):
        if module.ispkg:
            continue
        source = getattr(importlib.import_module(f"audience.sources.{module.name}"), "SOURCE", None)
        if not isinstance(source, Source):
            raise DeclarationError(f"sources/{module.name}.py", "found no SOURCE, expected SOURCE = Source(...)")
        if source.name != module.name:
            raise DeclarationError(
                f"sources/{module.name}.py", f"found a source named {source.name!r}, expected {module.name!r}"
            )
        found.append(source)
    return tuple(sorted(found, key=lambda s: s.name))


def sources_in_use(environment: Mapping[str, str]) -> tuple[Source, ...]:
    """The sources that AUDIENCE_SOURCES names, every one when it is not set; sorted by name.

    Raises:
        DeclarationError: it names a source that does not exist.
    """
    named = [n.strip() for n in environment.get("AUDIENCE_SOURCES", "").split(",") if n.strip()]
    known = {s.name: s for s in all_sources()}
    for name in named:
        if name not in known:
            raise DeclarationError("AUDIENCE_SOURCES", f"no source {name!r}{nearest(name, known)}")
    return tuple(s for s in known.values() if not named or s.name in named)


def source_named(name: str) -> Source:
    """Raises DeclarationError with the nearest name when there is no such source."""
    sources = {s.name: s for s in all_sources()}
    if name not in sources:
        raise DeclarationError("sources", f"no source {name!r}{nearest(name, sources)}")
    return sources[name]
