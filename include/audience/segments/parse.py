"""The text of a segment file -> Segment, or every problem in it at once."""

import re
from collections.abc import Callable, Collection
from pathlib import PurePath
from typing import get_args

from audience.core.errors import DeclarationError, nearest
from audience.core.tables.entities import PURPOSES
from audience.segments.parse_rule import RuleReader
from audience.segments.rule import Rule
from audience.segments.segment import Expect, Objective, Refresh, Segment
from audience.segments.strict_yaml import read_yaml
from audience.segments.value import shown

KEYS = ("name", "title", "why", "consent", "members", "expect", "objective", "refresh", "deliver_to")
"""What a segment file says; every key is required and no other is known."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


class InvalidSegment(DeclarationError):
    """A segment file that cannot be used; `problems` has each with its place, the message has all of them."""

    def __init__(self, problems: list[DeclarationError]) -> None:
        others = "".join(f"\n{p}" for p in problems[1:])
        super().__init__(problems[0].place, problems[0].problem + others)
        self.problems = problems


def parse(text: str, *, file: str, destinations: Collection[str]) -> Segment:
    """Reads one segment file.

    Args:
        file: its name, such as `vip.yaml`; the segment has the same name.
        destinations: what `deliver_to` may name.

    Raises:
        InvalidSegment: with every problem that was found.
    """
    found, problems = _keys(text)
    readers: dict[str, Callable[[object], object]] = {
        "name": lambda v: _name(v, PurePath(file).stem),
        "title": _line,
        "why": _line,
        "consent": lambda v: _one_of(v, PURPOSES),
        "members": _members,
        "expect": _expect,
        "objective": lambda v: _one_of(v, get_args(Objective)),
        "refresh": lambda v: _one_of(v, get_args(Refresh)),
        "deliver_to": lambda v: _deliver_to(v, destinations),
    }
    read: dict[str, object] = {}
    for key, value in found.items():
        try:
            read[key] = readers[key](value)
        except InvalidSegment as several:
            problems += several.problems
        except DeclarationError as error:
            problems.append(DeclarationError(f"{key}{error.place}", error.problem))
    if problems:
        raise InvalidSegment([DeclarationError(_place(file, p.place), p.problem) for p in problems])
    return Segment(**read)  # type: ignore[arg-type]  # each reader gives its key's type


def _place(file: str, place: str) -> str:
    return f"{file}: {place}" if place else file


def _keys(text: str) -> tuple[dict[str, object], list[DeclarationError]]:
    try:
        found = read_yaml(text)
    except DeclarationError as error:
        return {}, [error]
    if not isinstance(found, dict):
        return {}, [DeclarationError("", f"found {shown(found)}, expected the keys {', '.join(KEYS)}")]
    problems = [DeclarationError("", f"no key {k!r}{nearest(k, KEYS)}") for k in found if k not in KEYS]
    if missing := [k for k in KEYS if k not in found]:
        problems.append(DeclarationError("", f"missing: {', '.join(missing)}"))
    return {k: found[k] for k in KEYS if k in found}, problems


def _name(found: object, stem: str) -> str:
    if not isinstance(found, str) or not _NAME.fullmatch(found):
        raise DeclarationError("", f"found {shown(found)}, expected lower-case letters, digits and _, at most 60")
    if found != stem:
        raise DeclarationError("", f"found {found!r}, expected the name of the file, {stem!r}")
    return found


def _line(found: object) -> str:
    if not isinstance(found, str) or not found.strip():
        raise DeclarationError("", f"found {shown(found)}, expected a text")
    return " ".join(found.split())


def _one_of(found: object, known: Collection[str], place: str = "") -> str:
    if not isinstance(found, str) or found not in known:
        raise DeclarationError(place, f"found {shown(found)}{nearest(str(found), known)}")
    return found


def _members(found: object) -> Rule:
    reader = RuleReader()
    rule = reader.rule(found, "members")
    if rule is None:
        raise InvalidSegment(reader.problems)
    return rule


def _expect(found: object) -> Expect:
    if not isinstance(found, dict) or set(found) != {"size", "overlap_below"}:
        form = "{size: {between: [200, 20000]}, overlap_below: 0.5}"
        raise DeclarationError("", f"found {shown(found)}, expected such as {form}")
    size, below = found["size"], found["overlap_below"]
    bounds = size.get("between") if isinstance(size, dict) and len(size) == 1 else None
    if not isinstance(bounds, list) or [type(b) for b in bounds] != [int, int] or not 0 <= bounds[0] <= bounds[1]:
        raise DeclarationError(".size", f"found {shown(size)}, expected such as {{between: [200, 20000]}}")
    if type(below) not in {int, float} or not 0 < below <= 1:
        raise DeclarationError(".overlap_below", f"found {shown(below)}, expected a share above 0 and at most 1")
    return Expect(size=(bounds[0], bounds[1]), overlap_below=float(below))


def _deliver_to(found: object, destinations: Collection[str]) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise DeclarationError("", f"found {shown(found)}, expected a list of destinations")
    names = tuple(_one_of(name, destinations, f"[{i}]") for i, name in enumerate(found))
    if len(set(names)) < len(names):
        raise DeclarationError("", f"found {shown(found)}, expected each destination once")
    return names
