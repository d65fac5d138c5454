"""One element of a SOAP request, read without its namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@dataclass(frozen=True)
class Node:
    """`kind` is its `xsi:type`; a path names elements below it, as in `Keys/Key/Value`."""

    element: ElementTree.Element

    @property
    def kind(self) -> str:
        return self.element.get(TYPE, "").rpartition(":")[2]

    @property
    def own(self) -> str:
        return (self.element.text or "").strip()

    def text(self, path: str) -> str:
        return (self.element.findtext(_anywhere(path)) or "").strip()

    def all(self, path: str) -> list[Node]:
        return [Node(found) for found in self.element.iterfind(_anywhere(path))]


def _anywhere(path: str) -> str:
    return "/".join(f"{{*}}{part}" for part in path.split("/"))
