"""Narrative blocks as XHTML: the same words for a browser, and for the `text.div` of a FHIR resource.

FHIR R4 2.4.2 (Narrative) allows the basic elements of HTML 4 and no active content; what is made here keeps to
them: no script, no form, no picture, links to http(s) and mail only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from phr.ccda.xml import Element, clean

NAMESPACE = "http://www.w3.org/1999/xhtml"
_TAGS = {"paragraph": "p", "item": "li", "linkHtml": "a", "footnote": "span", "content": "span"} | {
    tag: tag for tag in "table thead tbody tfoot tr th td caption br sub sup".split()
}
_STYLES = {"Bold": "b", "Italics": "i", "Underline": "u", "Emphasis": "em"}
_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}( [0-9:]{5}( UTC)?)?( to .{4,10})?")
"""A date, which should not be broken into two lines."""
_SCHEMES = ("http://", "https://", "mailto:")


def div(blocks: Iterable[Element], *, styled: bool = False) -> str:
    """The blocks inside one XHTML `div`, as FHIR's Narrative has it."""
    return f'<div xmlns="{NAMESPACE}">{fragment(blocks, styled=styled)}</div>'


def fragment(blocks: Iterable[Element], *, styled: bool = False) -> str:
    """The blocks one after the other; `styled` keeps style codes as classes for a style sheet."""
    parts: list[str] = []
    for block in blocks:
        _write(block, parts, styled)
    return "".join(parts)


def words(value: str) -> str:
    """Text that is safe between tags and inside quotes."""
    return escape(clean(value), quote=True)


def _write(element: Element, parts: list[str], styled: bool) -> None:
    if element.tag == "renderMultiMedia":
        return
    tag, attributes = _start(element, styled)
    if tag == "br":
        parts.append("<br/>")
        return
    parts.append(f"<{tag}{attributes}>")
    for child in element.children:
        if isinstance(child, str):
            parts.append(words(child))
        else:
            _write(child, parts, styled)
    parts.append(f"</{tag}>")


def _start(element: Element, styled: bool) -> tuple[str, str]:
    """The tag in HTML and its attributes."""
    if element.tag == "list":
        return ("ol" if element.attributes.get("listType") == "ordered" else "ul"), ""
    tag = _TAGS.get(element.tag, "span")
    codes = element.attributes.get("styleCode", "").split()
    attributes = "".join(
        f' {name}="{words(element.attributes[name])}"'
        for name in ("colspan", "rowspan")
        if element.attributes.get(name, "").isdigit()
    )
    target = element.attributes.get("href", "")
    if tag == "a":
        if not target.lower().startswith(_SCHEMES):
            return "span", ""
        attributes += f' href="{words(target)}"'
    if tag == "span":
        tag = next((_STYLES[code] for code in codes if code in _STYLES), tag)
    plain = [code for code in codes if code.isidentifier() and code not in _STYLES]
    if styled and tag == "td" and len(element.children) == 1 and _DAY.fullmatch(str(element.children[0])):
        plain.append("day")
    if styled and plain:
        attributes += f' class="{" ".join(plain)}"'
    return tag, attributes
