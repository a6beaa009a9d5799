"""How records that are withheld are called: by their source, in each of its words and codes, and by the person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import orjson

from phr.fhir import read
from phr.records.lines import COLUMNS
from phr.store.db import batches, marks
from phr.store.rows import said
from phr.views.discreet_parts import bodies, parsed
from phr.views.phrases import Names, named, united

_NAMED_BY_TYPE = frozenset(
    ("encounter", "clinical_note", "document", "message", "task", "appointment", "coverage", "claim", "other")
)
"""Kinds whose title says what sort of thing they are (“Progress note”), and so names none of them."""
_COLUMN_NAMES = COLUMNS.replace(" ", "").split(",")
_ABOUT = ("code", "medicationCodeableConcept", "vaccineCode", "procedureCode")
_FOUND = ("valueCodeableConcept", "valueString")
"""Elements that say what a resource is about, and what was found (FHIR R4)."""


def called(db: Any, rows: Sequence[int], marked: Collection[int]) -> tuple[Names, set[bytes]]:
    """Names and codes of these resources. Short names count of those that are `marked` themselves alone: `Na` of a
    panel stands everywhere."""
    names: list[Names] = []
    codes: set[bytes] = set()
    of_source = {id_: line.columns for id_, line in said(db, rows).items()}
    texts = {row: parsed(raw) for row, _, _, raw in bodies(db, rows)}
    for part in batches(rows):
        shown = db.execute(
            f"SELECT id, kind, title, codes, value FROM record WHERE supporting <> 1 AND id IN ({marks(part)})",
            part,
        ).fetchall()
        for id_, kind, title, listed, value in shown:
            line: dict[str, Any] = dict(zip(_COLUMN_NAMES, of_source.get(id_, ()), strict=False))
            if (line.get("kind") or kind) in _NAMED_BY_TYPE:
                continue
            known = [*orjson.loads(listed), *orjson.loads(line.get("codes") or "[]")]
            body = texts.get(id_, {})
            displays = (display for _, _, display in known)
            names += [
                named(words, short=id_ in marked)
                for words in (title, line.get("title"), *displays, *_words(body, _ABOUT))
            ]
            names += [named(words) for words in (value, line.get("value"), *_words(body, _FOUND))]
            codes |= {orjson.dumps(code) for _, code, _ in known if code and len(code) > 2}
    return united(names), codes


def _words(body: dict[str, Any], elements: Sequence[str]) -> Iterator[str]:
    """The words of its concepts: as they are said, and of each code."""
    for name in elements:
        for concept in read.listed(body.get(name)):
            if isinstance(concept, str):
                yield concept
            elif isinstance(concept, dict):
                yield from filter(None, (read.text(concept.get("text")), read.text(concept.get("display"))))
                yield from (code.display for code in read.codings(concept) if code.display)
