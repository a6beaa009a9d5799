"""The narrative of a section as simple HTML, and whether it says anything.

Follows the NarrativeBlock of CDA R2 (4.3.5): tables, lists, paragraphs, content, sub, sup, links, footnotes. The
HTML is made of a closed set of elements without scripts, styles or images, so that it can be shown anywhere.
"""

from __future__ import annotations

import re
from html import escape

from phr.ccda.read.nodes import Node, attr, child
from phr.ccda.read.people import text

_ELEMENTS = {
    "paragraph": "p", "list": "ul", "item": "li", "table": "table", "thead": "thead", "tbody": "tbody",
    "tfoot": "tfoot", "tr": "tr", "th": "th", "td": "td", "caption": "caption", "sub": "sub", "sup": "sup",
    "footnote": "small", "title": "h3", "p": "p", "ul": "ul", "ol": "ol", "li": "li", "div": "div", "b": "b", "i": "i",
}  # fmt: skip
_STYLES = {"bold": "b", "italics": "i", "underline": "u", "emphasis": "em"}
_SPANS = ("colspan", "rowspan")
_SAFE = re.compile(r"(https?://|mailto:|tel:|#)\S+", re.IGNORECASE)

_NOTHING = re.compile(
    r"""(there\ (is|are)\ )?(currently\ )?(none|nothing|no|not)\ ?(known\ )?
    (information|data|records?|entries|results?|content|documentation|details?|items?)?
    (\ (is|are|was|were|has\ been|have\ been))?
    (\ (available|on\ file|recorded|found|documented|entered|provided|reported|returned|exists?|to\ display|known|present))*
    (\ (for|in|about|at|from)\ .{0,80})?""",
    re.VERBOSE | re.IGNORECASE,
)
_UNAVAILABLE = re.compile(
    r"[\w ,/()-]{0,80}\b(is|are|was|were) (currently )?(not available|unavailable)"
    r"|documented (as of|in|during) this (encounter|visit)",
    re.IGNORECASE,
)
_EMPTY = frozenset(
    ("", "n/a", "na", "none", "unknown", "not available", "not recorded", "null", "nil", "-", "--", "tbd")
)
_SAID = re.compile(
    r"\b(information|data|records?|entries|content|documentation|details?|items?|available|on file|to display"
    r"|recorded|documented|found)\b",
    re.IGNORECASE,
)
"""Words about the record: "no information" says nothing, "no known allergies" is a statement."""


def html(node: Node, *, without: Node | None = None) -> str:
    """The content of a narrative block as HTML, without one of its children if that is its heading."""
    parts: list[str] = []
    _write(node, parts, outermost=True, without=without)
    lines = (line.strip() for line in "".join(parts).splitlines())
    return "\n".join(line for line in lines if line)


def page(title: str | None, body: str) -> bytes:
    """A piece of HTML as a page that any browser shows."""
    heading = escape(title or "")
    shown = f"<h1>{heading}</h1>\n" if heading else ""
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{heading}</title></head>\n'
        f"<body>\n{shown}{body}\n</body></html>\n"
    ).encode()


def _write(node: Node, parts: list[str], *, outermost: bool = False, without: Node | None = None) -> None:
    name = "" if outermost and node.tag not in ("table", "list", "paragraph") else _element(node)
    if node.tag == "br":
        parts.append("<br>")
    elif node.tag == "renderMultiMedia":
        parts.append("[picture]")
    else:
        if name:
            parts.append(f"<{name}{_attributes(node)}>")
        parts.append(escape(node.text or "", quote=False))
        for each in node:
            if each is not without:
                _write(each, parts)
            parts.append(escape(each.tail or "", quote=False))
        if name:
            parts.append(f"</{name}>")
        if node.tag in ("paragraph", "table", "list", "item", "tr", "thead", "tbody"):
            parts.append("\n")


def _element(node: Node) -> str:
    if node.tag == "list" and (attr(node, "listType") or "").lower() == "ordered":
        return "ol"
    if node.tag == "content":
        styles = (attr(node, "styleCode") or "").lower().split()
        return next((_STYLES[style] for style in styles if style in _STYLES), "")
    if node.tag == "caption":
        parent = node.getparent()
        return "caption" if parent is not None and parent.tag == "table" else "b"
    if node.tag in ("linkHtml", "a"):
        return "a" if _SAFE.fullmatch(attr(node, "href") or "") else ""
    return _ELEMENTS.get(str(node.tag), "")


def _attributes(node: Node) -> str:
    if node.tag in ("linkHtml", "a"):
        return f' href="{escape(attr(node, "href") or "")}"'
    if node.tag == "table":
        return ' border="1"'
    if node.tag in ("td", "th"):
        return "".join(
            f' {name}="{value}"' for name in _SPANS if (value := attr(node, name)) and value.isdigit()
        )
    return ""


def says_something(section: Node) -> bool:
    """Whether the narrative holds words that are more than "no information"."""
    block = child(section, "text")
    words = text(block)
    if words is None or block is None:
        return block is not None and next(block.iter("renderMultiMedia"), None) is not None
    return is_information(words)


def is_information(words: str) -> bool:
    """Whether words are more than "no information"."""
    plain = words.strip(" .:;-*\u2022").lower()
    if plain in _EMPTY or _UNAVAILABLE.fullmatch(plain):
        return False
    return not (len(plain) < 160 and _NOTHING.fullmatch(plain) and _SAID.search(plain))
