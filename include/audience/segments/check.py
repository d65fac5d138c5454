"""A folder of segment files -> the declared segments, or every problem in them."""

from collections.abc import Collection
from pathlib import Path

from audience.core.errors import DeclarationError
from audience.segments.parse import InvalidSegment, parse
from audience.segments.segment import Segment


def check(folder: Path, destinations: Collection[str]) -> list[DeclarationError]:
    """Every problem of every file, in the order of the files; an empty list when all can be used.

    A segment has the name of its file, so two files cannot declare the same one.
    """
    return _read(folder, destinations)[1]


def declared(folder: Path, destinations: Collection[str]) -> tuple[Segment, ...]:
    """The segments of a folder, by name.

    All or none: a file left out because of a typing error would look like a segment that is no longer wanted, and
    its members would leave it.

    Raises:
        InvalidSegment: with every problem of every file.
    """
    segments, problems = _read(folder, destinations)
    if problems:
        raise InvalidSegment(problems)
    return tuple(segments)


def _read(folder: Path, destinations: Collection[str]) -> tuple[list[Segment], list[DeclarationError]]:
    segments: list[Segment] = []
    problems: list[DeclarationError] = []
    files = sorted(folder.glob("*")) if folder.is_dir() else []
    for file in files:
        if file.suffix == ".yaml":
            try:
                segments.append(_segment(file, destinations))
            except InvalidSegment as error:
                problems += error.problems
        elif not file.name.startswith((".", "README")):
            problems.append(DeclarationError(file.name, "is no segment file, expected <name>.yaml"))
    if not segments and not problems:
        problems.append(DeclarationError(str(folder), "found no segment file, expected at least one <name>.yaml"))
    return segments, problems


def _segment(file: Path, destinations: Collection[str]) -> Segment:
    try:
        text = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InvalidSegment([DeclarationError(file.name, f"cannot be read as UTF-8 text: {error}")]) from None
    return parse(text, file=file.name, destinations=destinations)
