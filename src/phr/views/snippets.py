"""The words around what matched, for the few hits that are shown.

The full-text index keeps no text (it is contentless), so the words are taken from where they came from: the row, the
person's notes, the text of attached documents, and the words inside the resource itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from phr.views.concepts import Concept
from phr.views.events import Event
from phr.views.words import fold

WIDTH = 140
_LONGEST = 200_000
"""So much of a document is looked through."""
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+")
_MARKUP = re.compile(r"<[^>]*>")
_NOTES = (
    "SELECT n.text FROM record_source rs JOIN note n ON n.resource_id = rs.resource_id WHERE rs.record_id = ?"
    " UNION ALL SELECT t.tag FROM record_source rs JOIN tag t ON t.resource_id = rs.resource_id WHERE rs.record_id = ?"
)
_DOCUMENTS = (
    "SELECT d.text FROM record_source rs JOIN attachment a ON a.resource_id = rs.resource_id"
    " JOIN document_text d ON d.document_id = a.document_id WHERE rs.record_id = ?"
)
_RAW = "SELECT x.raw FROM record_source rs JOIN resource x ON x.id = rs.resource_id WHERE rs.record_id = ? LIMIT 3"
_NO_WORDS = frozenset(
    ("id", "reference", "url", "system", "data", "versionId", "lastUpdated", "resourceType", "contentType")
)
Places = list[list[int]]


class Snippets:
    """Makes the snippets of one search."""

    def __init__(self, db: Any, concepts: Sequence[Concept]) -> None:
        self._db = db
        self._each = [
            (re.compile(rf"(?<![^\W_])(?:{one.pattern()})"), one.kinds) for one in concepts if one.ways
        ]
        self.pattern = "|".join(one.pattern() for one in concepts if one.ways)
        self._any = re.compile(rf"(?<![^\W_])(?:{self.pattern})") if self.pattern else None

    def of(self, event: Event, *, everything_above: bool) -> tuple[str, Places]:
        """`(words, where in them the matches stand)`. `everything_above`: the row itself holds every word."""
        title, description = plain(event["title"]), plain(event["description"])
        if self._any is None or all(event["kind"] in kinds for _, kinds in self._each):
            return description[:WIDTH] or title, []
        each = [
            one for one, kinds in self._each if event["kind"] not in kinds
        ]  # of this kind, so an answer: no words needed
        best: tuple[int, str] | None = None
        texts = (
            self._near(event, title, description)
            if everything_above
            else self._far(event, title, description)
        )
        for text in texts:
            held = sum(bool(one.search(fold(text))) for one in each)
            if held and (best is None or held > best[0]):
                best = (held, text)
                if held == len(each):
                    break
        if best is None:
            return (description or title)[:WIDTH], []
        return self._cut(best[1])

    def _near(self, event: Event, title: str, description: str) -> Iterator[str]:
        yield description
        yield from (plain(row[0]) for row in self._db.execute(_NOTES, (event["id"], event["id"])))
        yield title
        yield from (plain(code["display"]) for code in event["codes"])
        yield plain(
            " · ".join(str(event[key]) for key in ("value_text", "facility", "performer") if event[key])
        )
        yield plain(" ".join(str(code["code"]) for code in event["codes"]))

    def _far(self, event: Event, title: str, description: str) -> Iterator[str]:
        yield from (plain(row[0]) for row in self._db.execute(_NOTES, (event["id"], event["id"])))
        yield from (plain(str(row[0])[:_LONGEST]) for row in self._db.execute(_DOCUMENTS, (event["id"],)))
        for (raw,) in self._db.execute(_RAW, (event["id"],)):
            try:
                data = orjson.loads(raw)
            except ValueError:
                continue
            yield from (plain(text[:_LONGEST]) for text in _strings(data))
        yield from self._near(event, title, description)

    def _cut(self, text: str) -> tuple[str, Places]:
        """The stretch of the text in which most of the words stand."""
        assert self._any is not None  # noqa: S101
        folded = fold(text)
        spans = [found.span() for found in self._any.finditer(folded)][:200]
        if not spans:
            return text[:WIDTH], []
        begin, end = 0, len(text)
        if len(text) > WIDTH:
            start = max(
                spans, key=lambda span: (self._held(folded[span[0] : span[0] + WIDTH - 30]), -span[0])
            )[0]
            begin = _word_edge(text, max(0, min(start - 30, len(text) - WIDTH)))
            end = begin + WIDTH
            end = (
                text.rfind(" ", begin + 1, end)
                if end < len(text) and " " in text[begin + 60 : end]
                else min(end, len(text))
            )
        lead = "…" if begin else ""
        cut = lead + text[begin:end] + ("…" if end < len(text) else "")
        shift = begin - len(lead)
        return cut, [[a - shift, b - shift] for a, b in spans if a >= begin and b <= end]

    def _held(self, text: str) -> int:
        return sum(bool(one.search(text)) for one, _ in self._each)


def _word_edge(text: str, at: int) -> int:
    """The beginning of a word, here or a little further on."""
    if at == 0:
        return 0
    blank = text.find(" ", at, at + 20)
    return blank + 1 if blank >= 0 else at


def plain(text: object) -> str:
    """On one line, without what a terminal would obey, without markup."""
    if not text:
        return ""
    words = str(text)
    if "<" in words:
        words = _MARKUP.sub(" ", words)
    return " ".join(_UNSAFE.sub(" ", words).split())


def _strings(value: object, name: str = "") -> Iterator[str]:
    """Every text inside a resource that a person may have written."""
    if isinstance(value, str):
        if name not in _NO_WORDS:
            yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, name)
