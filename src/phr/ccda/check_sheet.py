"""A document opened for its check: what stands where, looked up once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

from lxml import etree

from phr.ccda.xml import SDTC, V3, XSI

Node: TypeAlias = etree._Element
Fault: TypeAlias = tuple[str, str]
"""Where, and what is wrong, without content."""

TEMPLATES = "2.16.840.1.113883.10.20.22."
_KINDS = {"1.2": "ccd", "1.14": "referral-note"}
STATEMENTS = frozenset(
    f"{{{V3}}}{tag}"
    for tag in "act encounter observation organizer procedure substanceAdministration supply".split()
)
_XSI_TYPE = f"{{{XSI}}}type"


@lru_cache(maxsize=1024)
def path(steps: str) -> str:
    """`a/b` as lxml wants it; `sdtc:` names the extensions."""
    return "/".join(
        f"{{{SDTC}}}{step[5:]}"
        if step.startswith("sdtc:")
        else step
        if step in (".", "..")
        else f"{{{V3}}}{step}"
        for step in steps.split("/")
    )


def kid(node: Node, steps: str) -> Node | None:
    """The first descendant at these steps."""
    return node.find(path(steps))


def kids(node: Node, steps: str) -> list[Node]:
    """All descendants at these steps."""
    return list(node.findall(path(steps)))


def said(node: Node | None) -> bool:
    """Whether an element is there and is not null."""
    return node is not None and node.get("nullFlavor") is None


def xsi_type(node: Node) -> str | None:
    """The data type that a value says it has."""
    found = node.get(_XSI_TYPE)
    return found.rpartition(":")[2] if found else None


def name(node: Node) -> str:
    """The tag without its namespace."""
    return str(etree.QName(node).localname)


class Sheet:
    """The parts of a document by what they are."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.sections: list[Node] = []
        self.statements: list[Node] = []
        self._by_template: dict[str, list[Node]] = {}
        self._titles: dict[Node, str] = {}
        for section in root.iter(path("section")):
            self.sections.append(section)
        for templated in root.iter(path("templateId")):
            parent, number = templated.getparent(), templated.get("root")
            if parent is None or number is None:
                continue
            found = self._by_template.setdefault(number.removeprefix(TEMPLATES), [])
            if not found or found[-1] is not parent:
                found.append(parent)
        for tag in STATEMENTS:
            self.statements.extend(root.iter(tag))
        dates = {each.get("extension") or "" for each in root.findall(path("templateId"))}
        self.modern = any(date >= "2014" for date in dates)
        """Whether it claims C-CDA R2.0 or later."""
        known = (each.get("root") or "" for each in root.findall(path("templateId")))
        kinds = [_KINDS[short] for each in known if (short := each.removeprefix(TEMPLATES)) in _KINDS]
        self.kind = (kinds[0] if kinds else "c-cda") if self.modern else "cda"

    def of(self, *templates: str) -> Iterator[Node]:
        """Everything that follows one of these templates, such as `4.16`."""
        for template in templates:
            yield from self._by_template.get(template, ())

    def section(self, *codes: str) -> Node | None:
        """The first section with one of these LOINC codes."""
        return next((one for one in self.sections if code_of(one) in codes), None)

    def where(self, node: Node) -> str:
        """The title of the section that a node stands in, else `header`."""
        section = node if node.tag == path("section") else next(node.iterancestors(path("section")), None)
        if section is None:
            return "header"
        if section not in self._titles:
            self._titles[section] = title_of(section)
        return self._titles[section]


def code_of(node: Node) -> str | None:
    """The code of a section or statement."""
    found = kid(node, "code")
    return found.get("code") if found is not None else None


def title_of(section: Node) -> str:
    """What a section is called: its title is fixed text in a document, else its code."""
    found = kid(section, "title")
    words = "".join(str(each) for each in found.itertext()).strip() if found is not None else ""
    return words[:60] or code_of(section) or "section"
