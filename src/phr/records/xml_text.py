"""The narrative of a C-CDA document (HL7 CDA R2, section 4.3.5) or the words of any other XML, and its gist.

expat alone, without a tree: memory stays flat. A document type declaration is refused, so there are no entities to
expand; what came before a flaw counts. Never raises for what stands in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from xml.parsers import expat

_DEPTH = 500
# In the header of a document that is generated anew on each read, these differ (Epic).
_OF_THIS_COPY = frozenset({"id", "effectiveTime", "setId", "versionNumber"})
_PARTICIPANTS = frozenset(
    {"author", "dataEnterer", "legalAuthenticator", "authenticator", "informationRecipient", "custodian"}
)
_PERFORMANCE = "performance information"
_BLOCKS = frozenset({"section", "table", "list", "paragraph"})
_BODY_LIMIT = 80_000_000


class _StopError(Exception):
    """Enough has been read, or no more should be."""


@dataclass(frozen=True, slots=True)
class Words:
    """`body`: the base64 text of a nonXMLBody and its media type."""

    words: str = field(repr=False)
    body: tuple[str, str | None] | None = field(default=None, repr=False)


def words(content: bytes, limit: int) -> Words:
    """The words of titles and narratives; of XML that is no clinical document, all character data."""
    reader = _WordReader(limit)
    _parse(content, reader.begin, reader.end, reader.data)
    body = "".join(reader.body)
    return Words("".join(reader.parts)[:limit], (body, reader.body_type) if body else None)


def _parse(
    content: bytes,
    begin: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    data: Callable[[str], None],
) -> bool:
    """Whether it came to its end."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, _StopError, ValueError, LookupError):
        return False
    return True


def _refuse(*_: object) -> None:
    raise _StopError


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _WordReader:
    def __init__(self, limit: int) -> None:
        self.parts: list[str] = []
        self.body: list[str] = []
        self.body_type: str | None = None
        self._limit = limit
        self._size = self._body_size = 0
        self._path: list[str] = []
        self._clinical = False
        self._spoken = 0
        """How many title and text elements are open."""

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        self._clinical = self._clinical or local == "ClinicalDocument"
        if len(self._path) >= _DEPTH:
            raise _StopError
        if self._in_body() and local == "text":
            self.body_type = attributes.get("mediaType")
        self._path.append(local)
        if self._opens(local):
            self._spoken += 1
        self.parts.append(" ")

    def end(self, name: str) -> None:
        if self._opens(_local(name)):
            self._spoken -= 1
        self._path.pop()
        self.parts.append(" ")

    def data(self, text: str) -> None:
        if "nonXMLBody" in self._path[-2:]:
            self._body_size += len(text)
            if self._body_size > _BODY_LIMIT:
                raise _StopError
            self.body.append(text)
        elif self._spoken or not self._clinical:
            self.parts.append(text)
            self._size += len(text)
            if self._size > self._limit:
                raise _StopError

    def _in_body(self) -> bool:
        return bool(self._path) and self._path[-1] == "nonXMLBody"

    def _opens(self, local: str) -> bool:
        """`title` and `text` of the document and of its sections; not the text of an entry, which only points there."""
        return local == "title" or (local == "text" and ("section" in self._path[-2:]))


def gist(content: bytes) -> bytes | None:
    """A fingerprint of a document without what tells this copy from the one before; None where it is not well-formed.

    Left out: id, effectiveTime, setId and versionNumber of the header, the time at which each participant of the
    header signed, and a block that is headed "Performance Information".
    """
    reader = _GistReader()
    if not _parse(content, reader.begin, reader.end, reader.data):
        return None
    return sha256("\x00".join(reader.kept(0)).encode("utf-8", "surrogatepass")).digest()


class _GistReader:
    def __init__(self) -> None:
        self._path: list[str] = []
        self._silent = 0
        self._blocks: list[list[str]] = [[]]

    def kept(self, at: int) -> list[str]:
        """What counts of a block."""
        return self._blocks[at]

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if len(self._path) >= _DEPTH:
            raise _StopError
        self._path.append(local)
        if self._silent or self._of_this_copy():
            self._silent += 1
            return
        if local in _BLOCKS:
            self._blocks.append([])
        said = "\x01".join(f"{key}={value}" for key, value in sorted(attributes.items()))
        self._blocks[-1].append(f"<{local} {said}")

    def end(self, name: str) -> None:
        local = self._path.pop()
        if self._silent:
            self._silent -= 1
            return
        self._blocks[-1].append(f"/{local}")
        if local in _BLOCKS:
            block = self._blocks.pop()
            if not _is_performance(block):
                self._blocks[-1].extend(block)

    def data(self, text: str) -> None:
        words = " ".join(text.split())
        if words and not self._silent:
            self._blocks[-1].append(f"'{words}")

    def _of_this_copy(self) -> bool:
        path = self._path
        if path[0] != "ClinicalDocument":
            return False
        if len(path) == 2:
            return path[1] in _OF_THIS_COPY
        return len(path) == 3 and path[1] in _PARTICIPANTS and path[2] == "time"


def _is_performance(block: list[str]) -> bool:
    """Whether the first words of a block are that heading."""
    first = next((line[1:] for line in block if line.startswith("'")), "")
    return re.sub(r"[^a-z ]", "", first.casefold()).strip() == _PERFORMANCE
