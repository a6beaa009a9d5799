"""Elements of a CDA document as plain values, and their way to bytes.

CDA R2 lives in `urn:hl7-org:v3`, its extensions in `urn:hl7-org:sdtc` (HL7 CDA R2, SDTC extensions).
An expression of nested `el()` calls has the shape of the document; parts that are None fall away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

V3 = "urn:hl7-org:v3"
SDTC = "urn:hl7-org:sdtc"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(slots=True)
class Element:
    """One element: its tag (`section`, `sdtc:raceCode`), attributes and content in document order."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str]


Child: TypeAlias = "Element | str | Iterable[Child] | None"

# What XML 1.0 (2.2) cannot hold: servers send form feeds and half surrogate pairs in notes.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTES = {"xsi_type": "xsi:type"}


def el(tag: str, *children: Child, **attributes: str | None) -> Element:
    """An element. Empty attributes and children that are None fall away; `xsi_type` stands for `xsi:type`."""
    return Element(
        tag,
        {
            _ATTRIBUTES.get(name, name): kept
            for name, value in attributes.items()
            if value is not None and (kept := clean(value))
        },
        list(_flat(children)),
    )


def clean(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return text if text.isascii() and text.isprintable() else _FORBIDDEN.sub("", text)


def _flat(children: Iterable[Child]) -> Iterator[Element | str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, (Element, str)):
            yield child
        else:
            yield from _flat(child)


def null(tag: str, flavor: str = "UNK", *children: Child) -> Element:
    """An element that says why there is no value (HL7 v3 NullFlavor)."""
    return el(tag, *children, nullFlavor=flavor)


def flag(value: bool) -> str:
    """A boolean attribute."""
    return "true" if value else "false"


def serialize(root: Element) -> bytes:
    """The document as UTF-8, indented where white space says nothing."""
    parts: list[str] = [DECLARATION]
    _write(Element(root.tag, NAMESPACES | root.attributes, root.children), parts, "\n")
    parts.append("\n")
    return "".join(parts).encode()


DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
INDENT = " "
"""One space: of a large document most of the bytes were layout."""
NAMESPACES = {"xmlns": V3, "xmlns:sdtc": SDTC, "xmlns:xsi": XSI}


def fragment(element: Element, depth: int) -> bytes:
    """One element on a line of its own, as it stands so deep in a document that is written in parts."""
    line = "\n" + INDENT * depth
    parts = [line]
    _write(element, parts, line)
    return "".join(parts).encode()


def pieces(element: Element, depth: int) -> Iterator[bytes]:
    """The same for an element without text of its own, child by child: it is empty afterwards, so memory stays low."""
    line = "\n" + INDENT * depth
    yield f"{line}{_start(element)}>".encode()
    element.children.reverse()
    while element.children:
        child = element.children.pop()
        if isinstance(child, Sealed):
            yield b"".join(each if isinstance(each, bytes) else each.whole for each in child.parts)
        elif isinstance(child, Element):
            yield fragment(child, depth + 1)
    yield f"{line}</{element.tag}>".encode()


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody who stands in full where he stands first in a document, and by his id after that."""

    id: str = field(repr=False)
    """What names him, for comparing."""
    description: str = field(repr=False)
    """All that is said of him, for comparing."""
    short: bytes = field(repr=False)
    whole: bytes = field(repr=False)


@dataclass(slots=True)
class Sealed(Element):
    """An element that is bytes already, which take a fraction of what its elements take."""

    parts: list[bytes | Introduced] = field(default_factory=list, repr=False)


def seal(element: Element, depth: int, known: dict[tuple[str, str], Introduced]) -> Sealed:
    """An element as it stands so deep; whoever is introduced in it (`assignedAuthor`) can still be shortened.

    `known` holds the descriptions that were met before, so that each is kept once.
    """
    found: list[bytes | Introduced] = []
    line = "\n" + INDENT * depth
    parts: list[str] = [line]

    def introduce(author: Element, line: str) -> None:
        found.append("".join(parts).encode())
        parts.clear()
        described = repr(author.children)
        if (described, line) not in known:
            ids = [each for each in author.children if isinstance(each, Element) and each.tag == "id"]
            texts = []
            for children in (ids, author.children):
                _write(Element(author.tag, author.attributes, list(children)), text := list[str](), line)
                texts.append("".join(text).encode())
            known[described, line] = Introduced(repr(ids), described, *texts)
        found.append(known[described, line])

    _write(element, parts, line, introduce)
    return Sealed(element.tag, {}, [], [*found, "".join(parts).encode()])


def _start(element: Element) -> str:
    """The start tag, but for its end."""
    attributes = (
        f' {name}="{_escape(value).replace(chr(34), "&quot;")}"' for name, value in element.attributes.items()
    )
    return f"<{element.tag}" + "".join(attributes)


def _write(
    element: Element,
    parts: list[str],
    line: str | None,
    introduce: Callable[[Element, str], None] | None = None,
) -> None:
    """`line` is what a new line starts with; None inside mixed content, where space would be text.

    `introduce` takes each `assignedAuthor` instead of it being written.
    """
    if introduce is not None and line is not None and element.tag == "assignedAuthor":
        introduce(element, line)
        return
    parts.append(_start(element))
    if not element.children:
        parts.append("/>")
        return
    parts.append(">")
    inner = None if line is None or any(type(child) is str for child in element.children) else line + INDENT
    for child in element.children:
        if isinstance(child, str):
            parts.append(_escape(child))
        else:
            if inner is not None:
                parts.append(inner)
            _write(child, parts, inner, introduce)
    if inner is not None and line is not None:
        parts.append(line)
    parts.append(f"</{element.tag}>")


def _escape(text: str) -> str:
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
