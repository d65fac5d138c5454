"""The part of YAML that a segment file may use: mappings, lists and plain values, read without surprises.

Differences from usual YAML readers, each for a cause:
- a key that stands twice is an error: elsewhere the last one silently wins;
- only true and false are booleans: elsewhere the country NO (Norway) is read as false;
- 010 and 1:30 are texts: elsewhere they are the numbers 8 and 90;
- anchors, aliases and tags are errors: aliases make small files enormous, tags can name program code;
- the text is read event by event and never recursively, with limits on size and depth.
"""

import re
from collections.abc import Iterator

import yaml

from audience.core.errors import DeclarationError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 200
"""Mappings and lists within one another; a rule may be 64 deep, which takes at most three of them each."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_REAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def read_yaml(text: str) -> object:
    """The one document in a text, as dict, list, str, int, float, bool and None.

    Raises:
        DeclarationError: not such a document; the place is the line.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise DeclarationError("line 1", f"found a file of more than {MAX_BYTES // 1024} KiB, expected a segment")
    document = _Document()
    try:
        for event in _events(text):
            document.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DeclarationError(f"line {line}", f"not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise DeclarationError("line 1", f"not YAML: {str(error).splitlines()[0]}") from None
    return document.root


def _events(text: str) -> Iterator[yaml.Event]:
    return iter(yaml.parse(text, Loader=yaml.SafeLoader))


class _Document:
    """Builds plain data from parser events, keeping the open mappings and lists on a stack."""

    def __init__(self) -> None:
        self.root: object = None
        self._documents = 0
        self._open: list[dict[str, object] | list[object]] = []
        self._keys: list[str | None] = []  # of each open mapping: the key that waits for its value

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise DeclarationError(f"line {line}", "found a second document, expected one")
            case yaml.AliasEvent():
                raise DeclarationError(f"line {line}", f"found the alias *{event.anchor}, expected the value itself")
            case yaml.ScalarEvent():
                _no_decoration(event, line)
                self._scalar(event, line)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                _no_decoration(event, line)
                self._enter({} if isinstance(event, yaml.MappingStartEvent) else [], line)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
                self._keys.pop()

    def _enter(self, container: dict[str, object] | list[object], line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise DeclarationError(f"line {line}", f"found more than {MAX_DEPTH} levels, expected fewer")
        self._put(container, line)
        self._open.append(container)
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        _printable(event.value, line)
        if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
            if event.value in self._open[-1]:
                raise DeclarationError(f"line {line}", f"found the key {event.value!r} a second time")
            self._keys[-1] = event.value
        else:
            self._put(_resolved(event.value) if event.style is None else event.value, line)

    def _put(self, value: object, line: int) -> None:
        if not self._open:
            self.root = value
            return
        into = self._open[-1]
        if isinstance(into, list):
            into.append(value)
            return
        key = self._keys[-1]
        if key is None:
            raise DeclarationError(f"line {line}", "found a key that is a list or a mapping, expected a name")
        into[key] = value
        self._keys[-1] = None


def _no_decoration(event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
    if event.anchor is not None:
        raise DeclarationError(f"line {line}", f"found the anchor &{event.anchor}, expected none")
    if event.tag is not None:
        raise DeclarationError(f"line {line}", f"found the tag {event.tag}, expected none")


def _printable(text: str, line: int) -> None:
    """PostgreSQL cannot keep a NUL, and half a surrogate pair is no text anywhere."""
    if any((c < " " and c not in "\t\n") or "\ud800" <= c <= "\udfff" for c in text):
        raise DeclarationError(f"line {line}", "found a control character, expected text")


def _resolved(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text):
        return float(text)
    return text
