"""The words of a resource (`text.div`) in a document that others open: formatting only, nothing that acts.

FHIR R4 2.4.2 (Narrative, txt-1): the basic elements of HTML 4.0 with their attributes, links, images and styles that
hold all themselves; no script, form, frame, object, base or link, no event attributes. Who breaks that rule may do it by
mistake or on purpose, and the page of a receiver shows a div as it is: such a `text` is left out as a whole. A div has
to mean the same to a reader of XML and of HTML, so comments, CDATA, processing instructions and prefixes count as unsafe.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from lxml import etree

from phr.ccda.xhtml import NAMESPACE
from phr.exporters.composition import digits
from phr.fhir import read

UNSAFE = (
    "its own words (text.div) hold what FHIR does not allow there, such as a script or something to load: they are left"
    " out, all else stands"
)
_ELEMENTS = frozenset(
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol"
    " p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var".split()
)
_ATTRIBUTES = frozenset(
    "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset cite"
    " class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel rev"
    " rowspan rules scope shape span src start style summary tabindex title type valign value vspace width".split()
) | {"{http://www.w3.org/XML/1998/namespace}lang", "{http://www.w3.org/XML/1998/namespace}id"}
_ADDRESSES = ("href", "cite", "longdesc")
_SCHEME = re.compile(r"\s*([^/?#:]*):")
_SCHEMES = frozenset(("http", "https", "mailto", "tel"))
_PICTURE = re.compile(r"#|data:image/(png|gif|jpeg|webp|bmp);base64,[A-Za-z0-9+/=\s]*$")
_STYLE = re.compile(r"[\\@<]|/\*|url|expression|binding|behavio|import|script|image-set|(?<!-)position", re.I)
_DIV = re.compile(rb'"div"\s*:')
_Place = tuple[Any, Any, Any]
"""A node, the place above it, and under which key it stands there."""


def safe(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without any `text` that is not safe: of its own, of its sections, of what it contains.

    The very same object where there is nothing to leave out.
    """
    made = _safe(resource)
    return made if isinstance(made, dict) else resource


def safe_bytes(raw: bytes) -> bytes:
    """The same for bytes; the very same object where there is nothing to leave out. Other digits stay."""
    if not _DIV.search(raw) and b"\\u00" not in raw:  # a key can be spelled in escapes
        return raw
    try:
        resource = read.parse_as_written(raw)
    except ValueError:
        return raw
    made = _safe(resource)
    if made is resource:
        return raw
    try:
        return orjson.dumps(made, default=digits)
    except orjson.JSONEncodeError:  # deeper than it writes
        return _written(made)


def _written(node: Any) -> bytes:
    """As JSON, however deep."""
    done: list[bytes] = []
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, bytes):  # a piece that is written already
            done.append(one)
        elif isinstance(one, dict):
            parts = [part for key, value in one.items() for part in (b",", orjson.dumps(key) + b":", value)]
            waiting += reversed([b"{", *parts[1:], b"}"])
        elif isinstance(one, list):
            waiting += reversed([b"[", *[part for value in one for part in (b",", value)][1:], b"]"])
        else:
            done.append(orjson.dumps(one, default=digits))
    return b"".join(done)


def _safe(node: Any) -> Any:
    """The node without what acts; the very same object where there is nothing. Without recursion: trees may be deep."""
    acting: list[_Place] = []
    waiting: list[_Place] = [(node, None, None)]
    while waiting:
        place = waiting.pop()
        here = place[0]
        acts = isinstance(here, dict) and _acts(here.get("text"))
        if acts:
            acting.append(place)
        inside = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        waiting += [
            (value, place, key)
            for key, value in inside
            if isinstance(value, dict | list) and not (acts and key == "text")
        ]
    copies: dict[int, Any] = {}
    for place in acting:
        _copied(place, copies).pop("text", None)
    return copies.get(id(node), node)


def _copied(place: _Place, copies: dict[int, Any]) -> Any:
    """A copy of what stands here, hung into copies of all that is above it; of each there is one."""
    made = copy = copies.setdefault(id(place[0]), place[0].copy())
    while place[1] is not None:
        _, above, key = place
        under, copy = copy, copies.setdefault(id(above[0]), above[0].copy())
        copy[key] = under
        place = above
    return made


def _acts(narrative: object) -> bool:
    """Whether this is a Narrative that a receiver had better not show."""
    return isinstance(narrative, dict) and "div" in narrative and not is_safe(narrative["div"])


def is_safe(div: object) -> bool:
    """Whether it is one XHTML `div` of formatting alone."""
    if not isinstance(div, str) or "<!" in div or "<?" in div or not div.lstrip().startswith("<div"):
        return False
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(div.strip().encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return False
    return all(map(_is_plain, root.iter()))


def _is_plain(node: Any) -> bool:
    """Whether an element and its attributes only format."""
    if not isinstance(node.tag, str) or node.prefix is not None:
        return False
    name = etree.QName(node)
    if name.namespace != NAMESPACE or name.localname not in _ELEMENTS:
        return False
    return all(_is_harmless(key, value) for key, value in node.attrib.items())


def _is_harmless(name: str, value: str) -> bool:
    if name not in _ATTRIBUTES:
        return False
    if name == "src":
        return _PICTURE.match(value) is not None
    if name == "style":
        return _STYLE.search(value) is None
    if name in _ADDRESSES:
        scheme = _SCHEME.match(value)
        return scheme is None or scheme[1].strip().lower() in _SCHEMES
    return True
