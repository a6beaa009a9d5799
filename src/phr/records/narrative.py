"""Plain words out of marked-up ones: narratives, notes and inline attachments, for the full-text index.

FHIR narratives are XHTML (FHIR R4, Narrative); notes of some systems hold HTML or RTF where plain text belongs.
Nothing here is shown as it is, so a rough reading is enough; it is bounded, and never raises.
"""

from __future__ import annotations

from html import unescape
from typing import Any

from phr.fhir import read

NARRATIVE_LIMIT = 20_000
ATTACHMENT_LIMIT = 200_000
"""Characters kept of one resource's narrative, and of all its inline attachments."""

_SILENT = ("style", "script", "head", "title", "!--")
_TAG_STARTS = frozenset("/!?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def plain(markup: str, limit: int = NARRATIVE_LIMIT) -> str:
    """The words of HTML, RTF or plain text, one space between them, at most `limit` characters."""
    markup = markup[: limit * 8]
    if markup.startswith("{\\rtf"):
        return one_line(_rtf(markup))[:limit]
    if "<" in markup:
        markup = _without_tags(markup)
    if "&" in markup:
        markup = unescape(markup)
    return one_line(markup)[:limit]


def _without_tags(markup: str) -> str:
    """Cut at each `<`: ten times the speed of a parser, and a narrative on every result is common.

    A `<` that begins no tag, as in "TSH <5", is a word.
    """
    before, *pieces = markup.split("<")
    parts = [before]
    for piece in pieces:
        tag, closed, words = piece.partition(">")
        if not closed or piece[0] not in _TAG_STARTS:
            parts.append(f"<{piece}")
        elif not tag.startswith(_SILENT):
            parts.append(words)
    return " ".join(parts)


def one_line(words: str) -> str:
    """The same words with single spaces and no line ends."""
    return " ".join(words.split())


def _rtf(markup: str) -> str:
    """RTF without its control words; groups and escapes are read only as far as words need it."""
    parts: list[str] = []
    for piece in markup.replace("{", " ").replace("}", " ").replace("\\par", " ").split("\\"):
        _, _, words = piece.partition(" ")
        parts.append(words)
    return " ".join(parts)


def narrative(resource: dict[str, Any]) -> str:
    """The words of `text.div`; empty if there are none."""
    element = resource.get("text")
    div = element.get("div") if isinstance(element, dict) else None
    return plain(div) if isinstance(div, str) else ""


def inline_words(media_type: str | None, data: str | None) -> str:
    """The words of an inline attachment if it is text of any kind, else nothing."""
    if not data or not media_type or not _is_text(media_type):
        return ""
    raw = read.base64_bytes("".join(data.split())[: ATTACHMENT_LIMIT * 2])  # cut between groups of four
    return plain(raw.decode("utf-8", "replace"), ATTACHMENT_LIMIT) if raw else ""


def _is_text(media_type: str) -> bool:
    kind = media_type.lower()
    return kind.startswith(("text/plain", "text/html", "text/rtf", "application/rtf", "text/markdown"))
