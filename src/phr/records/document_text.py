"""What can be read in a document, for the full-text index: PDF, HTML, RTF, C-CDA and other XML, JSON, plain text.

Pure: bytes in, words out. Bounded in bytes, characters and time, because the bytes are a stranger's; what cannot be
read has no words, and that is all that happens. Pictures are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.fhir import read
from phr.records import media_types, pdf_text, rtf_text, xml_text
from phr.records.narrative import one_line, plain
from phr.records.patience import within

MADE_BY = "1"
"""Raise it when more can be read than before: the next sync then reads the stored documents again."""
LIMIT = 200_000
"""Characters kept of one document: some eighty pages."""
BYTES = 60_000_000
SECONDS = 10.0
_TEXT_BYTES = 8_000_000
_SCRIPT = re.compile(r"<(script|style|head|template)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DocumentText:
    """`media_type` is what the first bytes show; `words` may be empty."""

    media_type: str | None
    words: str = field(repr=False)
    made_by: str = MADE_BY


def text_of(content: bytes, declared: str | None = None) -> DocumentText:
    """The words of a document. `declared` is what its source calls it. Never raises."""
    sniffed = media_types.sniff(content)
    if len(content) > BYTES:
        return DocumentText(sniffed, "")
    return DocumentText(
        sniffed, one_line(_words(content, media_types.settle(declared, sniffed), declared, 1))[:LIMIT]
    )


def _words(content: bytes, kind: str, declared: str | None, depth: int) -> str:
    if kind == media_types.PDF:
        return pdf_text.words(content, LIMIT)
    content = content[:_TEXT_BYTES]
    if kind in (media_types.CCDA, "application/xml", "text/xml", "application/cda+xml"):
        return within(SECONDS, lambda: _xml(content, depth), "")
    if kind in (media_types.RTF, "text/rtf", "application/x-rtf"):
        return within(SECONDS, lambda: rtf_text.words(content.decode("latin-1"), LIMIT), "")
    if kind in ("text/html", "application/xhtml+xml"):
        return within(SECONDS, lambda: html(media_types.decoded(content, declared)), "")
    if kind.endswith("json"):
        return within(SECONDS, lambda: _json(content), "")
    if kind.startswith("text/"):
        return media_types.decoded(content[: LIMIT * 4], declared)
    return ""


def html(markup: str) -> str:
    """The words of a page, without its scripts and styles."""
    return plain("".join(_spoken(markup)), LIMIT)


def _spoken(markup: str) -> Iterator[str]:
    """The markup without what no reader sees."""
    at, low = 0, markup.lower()
    while found := _SCRIPT.search(low, at):
        yield markup[at : found.start()] + " "
        end = low.find(f"</{found[1]}", found.end())
        if end < 0:
            return
        at = end
    yield markup[at:]


def _xml(content: bytes, depth: int) -> str:
    found = xml_text.words(content, LIMIT)
    if found.body is None or not depth:
        return found.words
    inside, declared = found.body
    packed = read.base64_bytes(inside)
    if packed is None:
        return found.words
    kind = media_types.settle(declared, media_types.sniff(packed))
    return f"{found.words}\n{_words(packed, kind, declared, depth - 1)}"


def _json(content: bytes) -> str:
    """The strings that hold more than a code: what somebody wrote."""
    parts: list[str] = []
    todo: list[Any] = [read.parse_json(content)]
    while todo and len(parts) < LIMIT // 4:
        one = todo.pop()
        if isinstance(one, dict):
            todo.extend(reversed([value for key, value in one.items() if key != "data"]))
        elif isinstance(one, list):
            todo.extend(reversed(one))
        elif isinstance(one, str):
            parts.append(plain(one) if "<" in one else one)
    return "\n".join(parts)
