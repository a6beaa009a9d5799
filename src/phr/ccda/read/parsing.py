"""Bytes to the tree of a CDA document: leniently about how it is written, strictly about attacks.

Follows XML 1.0 and HL7 CDA R2 (section 1.5, namespaces). A pass of expat over the text counts before a tree is
built: no document type (so no entities), no depth, no element count that a clinical document would not have.
Slips of EHR software are mended and named: a wrong encoding, a bare ampersand, a control character, undeclared
prefixes. What is cut off is not mended: nobody knows what it said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from xml.parsers import expat

from lxml import etree

from phr.ccda.read.encodings import decode
from phr.ccda.read.nodes import SDTC, XSI_TYPE, Node, child
from phr.ccda.read.pieces import document
from phr.ccda.read.times import OFFSET, is_ambiguous, offset_of
from phr.errors import UnreadableFile

LIMIT = 100 * 1024 * 1024
DEEPEST = 200
MOST = 4_000_000
"""Elements and attributes; a tree of them takes half a gigabyte."""

_TIMES = ("effectiveTime", "time", "low", "high", "center", "birthTime", "value")
"""Elements whose value may be a time."""
_V3 = "urn:hl7-org:v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DECLARED = {"xsi": _XSI, "sdtc": SDTC}
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BARE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(?:(\w{2,31});)?")
_DECLARATION = re.compile(r"<\?xml\b[^>]{0,300}?\?>", re.IGNORECASE)
_HINT = "Ask whoever gave you the file for it once more, and import that: phr import FILE"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as a tree: tags of CDA without namespace, always under a ClinicalDocument."""

    root: Node = field(repr=False)
    remarks: tuple[str, ...] = ()
    """What was mended."""
    whole: bool = True
    """False for a piece of a document, which has no header."""


def parse(content: bytes, name: str = "") -> Parsed:
    """The tree of a CDA document, or of a piece of one. Raises UnreadableFile for anything else."""
    called = name or "The file"
    if len(content) > LIMIT:
        raise UnreadableFile(f"{called} is larger than {LIMIT // 1024**2} MB: no clinical document is.")
    text, remarks = decode(content)
    text = _bare_text(text, called)
    text = _checked(text, called, remarks)
    root, odd, whole = document(_tree(text, called), called)
    root.tail = None  # it stays in its tree: lxml takes hours to free one that was cut out of another
    _note_offset(root)
    return Parsed(root, (*remarks, *odd, *_unclear_dates(root)), whole)


def _bare_text(text: str, called: str) -> str:
    """Without what surrounds the document: white space, NUL, the XML declaration."""
    text = text.lstrip("\ufeff\0 \t\r\n").rstrip("\0\x1a \t\r\n")
    if not text:
        raise UnreadableFile(f"{called} is empty.", hint=_HINT)
    if not text.startswith("<"):
        raise UnreadableFile(f"{called} is not XML.", hint=_HINT)
    found = _DECLARATION.match(text)
    return text[found.end() :].lstrip() if found else text


# ── text that is safe to build a tree of ──────────────────────────────────────────────────────────


class _FlawError(Exception):
    """What expat says against a text, and at which element depth."""

    def __init__(self, depth: int, error: expat.ExpatError | None) -> None:
        super().__init__()
        self.depth, self.error = depth, error


def _checked(text: str, called: str, remarks: list[str]) -> str:
    _refuse_doctype(text, called)
    try:
        prefixes, end = _scan(text, called)
    except _FlawError:
        mended = _mended(text)
        try:
            prefixes, end = _scan(mended, called)
        except _FlawError as flaw:
            raise _broken(flaw, called, text) from None
        remarks.append("Characters that XML does not allow were mended.")
        text = mended
    text, trailing = _without_trailing(text, end)
    if trailing:
        remarks.append("Text behind the end of the document was left out.")
    names = {"": _V3} | {prefix: _DECLARED.get(prefix, _V3) for prefix in sorted(prefixes)} | _DECLARED
    declared = "".join(f' xmlns{":" if prefix else ""}{prefix}="{uri}"' for prefix, uri in names.items())
    return f"<document{declared}>{text}</document>"


def _refuse_doctype(text: str, called: str) -> None:
    """A document type may define entities (billion laughs, external files): CDA has none."""
    start = _misc(text, 0)
    if text.startswith(("<!--", "<?"), start):
        raise UnreadableFile(f"{called} ends in the middle: it was cut off.", hint=_HINT)
    if text[start : start + 14].lower() == "<!doctype html":
        raise UnreadableFile(f"{called} is no clinical document (C-CDA): it is a web page.")
    if text.startswith("<!", start):
        raise UnreadableFile(
            f"{called} holds a document type declaration. Clinical documents have none, attacks do: it is not read.",
            hint=_HINT,
        )


def _misc(text: str, start: int) -> int:
    """Where white space, comments and processing instructions end (XML 1.0, 2.8: Misc)."""
    length = len(text)
    while start < length:
        if text[start].isspace():
            start += 1
        elif text.startswith("<!--", start) or text.startswith("<?", start):
            close = "-->" if text.startswith("<!--", start) else "?>"
            end = text.find(close, start + 2)
            if end < 0:
                return start
            start = end + len(close)
        else:
            return start
    return start


def _scan(text: str, called: str) -> tuple[set[str], int]:
    """The prefixes in use and where the first root ends (in bytes); raises for what is too much."""
    parser = expat.ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.buffer_text = True
    depth = count = 0
    end = 0
    prefixes: set[str] = set()

    def begin(tag: str, attributes: list[str]) -> None:
        nonlocal depth, count
        depth += 1
        count += 1 + len(attributes) // 2
        if depth > DEEPEST + 1:
            raise UnreadableFile(f"{called} is nested more than {DEEPEST} elements deep: it is not read.")
        if count > MOST:
            raise UnreadableFile(f"{called} holds more than {MOST:,} elements: it is not read.")
        for written in (tag, *attributes[::2]):
            prefix, colon, _ = written.partition(":")
            if colon and prefix not in ("xml", "xmlns"):
                prefixes.add(prefix)

    def close(_: str) -> None:
        nonlocal depth, end
        depth -= 1
        if depth == 1 and end == 0:
            end = parser.CurrentByteIndex

    def refuse(*_: object) -> None:
        raise UnreadableFile(f"{called} holds entity declarations: it is not read.", hint=_HINT)

    parser.StartElementHandler, parser.EndElementHandler = begin, close
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    opening = b"<document>"
    try:
        parser.Parse(opening, False)
        parser.Parse(text.encode("utf-8", "replace"), False)
        if depth > 1:
            raise _FlawError(depth, None)
        parser.Parse(b"</document>", True)
    except expat.ExpatError as error:
        raise _FlawError(depth, error) from None
    return prefixes, end - len(opening)


def _broken(flaw: _FlawError, called: str, text: str) -> UnreadableFile:
    if flaw.error is None or text.rfind("<") > text.rfind(">"):
        return UnreadableFile(f"{called} ends in the middle: it was cut off.", hint=_HINT)
    what = expat.ErrorString(flaw.error.code)
    return UnreadableFile(
        f"{called} is not well-formed XML (line {flaw.error.lineno}: {what}).",
        hint=_HINT,
    )


def _mended(text: str) -> str:
    """Without control characters; ampersands that begin no reference written out; names of HTML as characters."""

    def written(found: re.Match[str]) -> str:
        known = html5.get(f"{found[1]};") if found[1] else None
        return known if known and known not in "<>&" else f"&amp;{found[0][1:]}"

    return "".join(
        piece if literal else _BARE.sub(written, piece)
        for piece, literal in _sections(_FORBIDDEN.sub("", text))
    )


def _sections(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is a CDATA section, whose ampersands are meant (XML 1.0, 2.7)."""
    start = 0
    while (begin := text.find("<![CDATA[", start)) >= 0 and (end := text.find("]]>", begin)) >= 0:
        yield text[start:begin], False
        yield text[begin : end + 3], True
        start = end + 3
    yield text[start:], False


def _without_trailing(text: str, end: int) -> tuple[str, bool]:
    """Cut behind the first root, unless another element follows: then it is a list of pieces."""
    encoded = text.encode("utf-8", "replace")
    close = encoded.find(b">", end)
    rest = encoded[close + 1 :].decode("utf-8", "replace")
    if close < 0 or rest[(start := _misc(rest, 0)) : start + 1] in ("", "<"):
        return text, False
    return encoded[: close + 1].decode("utf-8", "replace"), True


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────


def _tree(text: str, called: str) -> Node:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=True,  # a PDF in base64 is one text of 20 MB; depth and count are bounded above
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        wrapper = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        raise UnreadableFile(f"{called} is not well-formed XML{where}.", hint=_HINT) from None
    _plain_names(wrapper)
    return wrapper


def _plain_names(wrapper: Node) -> None:
    """CDA's namespace off every tag; of other namespaces only the SDTC extensions keep theirs."""
    for node in wrapper.iter():
        tag = str(node.tag)
        if tag.startswith("{") and not tag.startswith(f"{{{SDTC}}}"):
            node.tag = tag.rpartition("}")[2]
        if (
            node.get(XSI_TYPE) is None
            and (kind := node.get("type"))
            and node.tag in ("value", "effectiveTime")
        ):
            node.set(XSI_TYPE, kind)  # the prefix was forgotten


def _note_offset(root: Node) -> None:
    """The one offset that all times of day have. One of the header alone says nothing: it is the server's clock."""
    offsets, within = _offsets(root), _offsets(child(root, "component"))
    if len(offsets) == 1 and within:
        root.getroottree().getroot().set(OFFSET, offsets.pop())  # what `when` sees from any element


def _unclear_dates(root: Node) -> list[str]:
    values = (node.get("value") for tag in _TIMES for node in root.iter(tag))
    count = sum(is_ambiguous(value) for value in values if value)
    if not count:
        return []
    told = "A date does" if count == 1 else f"{count:,} dates do"
    return [f"{told} not say which number is the day and which the month: only the year was taken."]


def _offsets(top: Node | None) -> set[str]:
    values = (node.get("value") for node in (top.iter() if top is not None else ()))
    times = (value for value in values if value and len(value) > 9 and value[:4].isdigit())
    return {found for value in times if (found := offset_of(value))}
