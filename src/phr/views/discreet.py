"""What has to stay out of an export so that it does not tell what is withheld, seen with the eyes of who wants to know.

A record that is withheld is named in other places: a report leads to it, a letter tells it, the C-CDA document that it was
read from holds it, a visit has it as its reason. So these go with it:

- what is part of it: results of a withheld report, members of a withheld panel;
- documents that were read into it, that are attached to it, or whose words name it;
- records that lead to it and still name it in words once the reference is gone; reports of nothing else;
- in all that is handed on: each reference to it with its display, narratives and conclusions beside such a reference,
  narratives that name it, attachments with the same bytes or with its name in them (`phr.views.redaction`).

What another record says in words of its own, without leading there, is that record's statement: the report names it
(`Discretion.naming`), and the person decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from phr.fhir import read
from phr.store.db import batches, marks
from phr.views.redaction import NO_SECRETS, Secrets, identifiers, plain, redacted, references
from phr.views.selection import MARKED, SENSITIVITIES, Selection

_PARTS = {"DiagnosticReport": ("result",), "Observation": ("hasMember",)}
"""By type the elements that lead to what a resource is made of."""
_PAPERS = frozenset(("DocumentReference", "DocumentManifest", "Media", "Composition"))
"""Types that are their document: without it nothing is left."""
_NAMED_BY_TYPE = frozenset(
    ("encounter", "clinical_note", "document", "message", "task", "appointment", "coverage", "claim", "other")
)
"""Kinds whose title says what sort of thing they are (“Progress note”), and so names none of them."""
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Discretion:
    """What an export keeps to itself."""

    rows: frozenset[int] = frozenset()
    """Resources that stay out."""
    touched: frozenset[int] = frozenset()
    """Resources that are handed on without what leads to one of these."""
    naming: frozenset[int] = frozenset()
    """Resources that say something of the same name or code by themselves: their own statement, so they go along."""
    secrets: Secrets = NO_SECRETS

    def __bool__(self) -> bool:
        return bool(self.rows)


NONE = Discretion()


def closed(db: Any, selection: Selection) -> tuple[Selection, Discretion]:
    """The selection without what would tell what it withholds, and what that is. Raises UsageError."""
    rows = _withheld(db, selection)
    if not rows:
        return selection, NONE
    search = _Search(db, rows)
    search.run()
    found = search.rows
    records: set[int] = set()
    for part in batches(sorted(found)):
        shown = f"SELECT DISTINCT record_id FROM record_source WHERE resource_id IN ({marks(part)})"
        records.update(row[0] for row in db.execute(shown, part))
    for part in batches(sorted(records)):
        telling = f"SELECT resource_id FROM record_source WHERE record_id IN ({marks(part)})"
        found.update(row[0] for row in db.execute(telling, part))
    done = Discretion(
        frozenset(found),
        frozenset(search.touched - found),
        frozenset(search.naming - found),
        search.secrets(),
    )
    return replace(selection, without=tuple(sorted(records))), done


def _withheld(db: Any, selection: Selection) -> set[int]:
    """Resources of all records that the selection's level keeps out, whatever else it asks. Never a Patient: without
    one nobody knows whose record it is."""
    allowed = selection.sensitivities()
    if len(allowed) < len(SENSITIVITIES):
        condition, values = f"record.sensitivity NOT IN ({marks(allowed)})", list(allowed)
    elif selection.sensitivity is None and not selection.marked:
        condition, values = MARKED, []
    else:
        return set()
    rows = db.execute(
        "SELECT rs.resource_id FROM record JOIN record_source rs ON rs.record_id = record.id"
        f" WHERE {condition} AND record.resource NOT LIKE 'Patient/%'",
        values,
    )
    return {row[0] for row in rows}


class _Search:
    """What else tells it, round by round until nothing new is found."""

    def __init__(self, db: Any, rows: set[int]) -> None:
        self._db = db
        self.rows = set(rows)
        self.touched: set[int] = set()
        self.naming: set[int] = set()
        self._targets: set[tuple[int, str]] = set()
        self._phrases: set[str] = set()
        self._codes: set[bytes] = set()
        self._documents: set[bytes] = set()
        self._urls: set[tuple[int, str]] = set()

    def secrets(self) -> Secrets:
        """What is known to be secret by now."""
        return Secrets(
            frozenset(self._targets),
            tuple(sorted(self._phrases)),
            tuple(sorted(self._codes)),
            frozenset(self._documents),
            frozenset(self._urls),
        )

    def run(self) -> None:
        """Find all of it."""
        fresh = set(self.rows)
        for _ in range(_ROUNDS):
            if not fresh:
                return
            parts = self._parts(fresh)
            self.rows |= parts
            self._learn(fresh | parts)
            papers = self._papers(fresh | parts) - self.rows
            self.rows |= papers
            self._learn(papers, names=False)
            fresh = self._telling() - self.rows
            self.rows |= fresh

    def _parts(self, rows: set[int]) -> set[int]:
        """What these are made of, and what that is made of."""
        found: set[int] = set()
        open_ = set(rows)
        while open_:
            wanted: list[tuple[int, str]] = []
            for source, type_, _, raw in self._bodies(sorted(open_)):
                body = _parsed(raw) if type_ in _PARTS else {}
                for name in _PARTS.get(type_, ()):
                    wanted += [(source, target) for target in references(body.get(name))]
            reached = {row for target in wanted if (row := self._row(*target)) is not None}
            open_ = reached - found - rows
            found |= open_
        return found

    def _learn(self, rows: set[int], *, names: bool = True) -> None:
        """Where these are, what they are called, and what is attached to them."""
        for part in batches(sorted(rows)):
            for source, type_, id_ in self._db.execute(
                f"SELECT source_id, type, fhir_id FROM resource WHERE id IN ({marks(part)})", part
            ):
                self._targets |= {(source, f"{type_}/{id_}"), (source, f"urn:uuid:{id_}")}
            for source, _, _, raw in self._bodies(part):
                self._targets |= {(source, one) for one in identifiers(_parsed(raw).get("identifier"))}
            attached = self._db.execute(
                "SELECT x.source_id, a.url, d.sha256 FROM attachment a JOIN resource x ON x.id = a.resource_id"
                f" LEFT JOIN document d ON d.id = a.document_id WHERE a.resource_id IN ({marks(part)})",
                part,
            )
            for source, url, digest in attached:
                if url:
                    self._urls.add((source, url))
                if digest:
                    self._documents.add(bytes(digest))
            if names:
                self._phrases |= self._names(part)

    def _names(self, part: Sequence[int]) -> set[str]:
        """How these are called: titles as their source and as the person says, words of codes, values in words."""
        found: set[str] = set()
        rows = self._db.execute(
            f"SELECT kind, title, codes, value FROM record WHERE supporting <> 1 AND id IN ({marks(part)})",
            part,
        ).fetchall()
        for kind, title, codes, value in rows:
            if kind in _NAMED_BY_TYPE:
                continue
            listed = orjson.loads(codes)
            displays = [display for _, _, display in listed]
            found.update(plain(str(words)) for words in (title, value, *displays) if words)
            self._codes |= {orjson.dumps(code) for _, code, _ in listed if code and len(code) > 2}
        return {words for words in found if len(words) > 3 and re.search(r"[^\W\d]{3}", words)}

    def _papers(self, rows: set[int]) -> set[int]:
        """Resources that are a document which tells one of these."""
        documents = self._originals(rows)
        for part in batches(sorted(documents)):
            self._documents.update(
                bytes(row[0])
                for row in self._db.execute(f"SELECT sha256 FROM document WHERE id IN ({marks(part)})", part)
            )
        secrets = self.secrets()
        for document, digest, content, text in self._db.execute(
            "SELECT d.id, d.sha256, d.content, t.text FROM document d LEFT JOIN document_text t ON t.document_id = d.id"
        ):
            if bytes(digest) in secrets.documents or secrets.named(text or "") or secrets.named_in(content):
                documents.add(document)
                self._documents.add(bytes(digest))
        found: set[int] = set()
        for part in batches(sorted(documents)):
            holders = self._db.execute(
                "SELECT a.resource_id, x.type, x.source_id, a.url FROM attachment a"
                f" JOIN resource x ON x.id = a.resource_id WHERE a.document_id IN ({marks(part)})",
                part,
            )
            for row, type_, source, url in holders:
                if type_ in _PAPERS:
                    found.add(row)
                else:
                    self.touched.add(row)
                if url:
                    self._urls.add((source, url))
        return found

    def _originals(self, rows: set[int]) -> set[int]:
        """The documents that these were read from."""
        found: set[int] = set()
        for part in batches(sorted(rows)):
            read_from = self._db.execute(
                "SELECT DISTINCT d.document_id FROM import_item i JOIN document_import d ON d.run_id = i.run_id"
                f" WHERE i.resource_id IN ({marks(part)})",
                part,
            )
            found.update(row[0] for row in read_from)
        return found

    def _telling(self) -> set[int]:
        """Resources that lead to what is withheld, and tell it even without the reference."""
        secrets = self.secrets()
        found: set[int] = set()
        for row, source, type_, raw in self._all():
            if row in self.rows or type_ == "Patient":
                continue
            body = _parsed(raw)
            hits = {target for target in references(body) if (source, target) in secrets.targets}
            if hits:
                self.touched.add(row)
                rest = redacted(body, source, secrets)
                if type_ in _PAPERS or _is_emptied(type_, body, rest) or secrets.named(_words(rest)):
                    found.add(row)
            elif b'"div"' in raw and secrets.named(str(body.get("text", ""))):
                self.touched.add(row)
            if row not in found and (secrets.coded(raw) or secrets.named(_words(body, besides="text"))):
                self.naming.add(row)
        return found

    def _row(self, source: int, target: str) -> int | None:
        type_, _, id_ = target.partition("/")
        if target.startswith("urn:uuid:"):
            found = self._db.execute(
                "SELECT id FROM resource WHERE source_id = ? AND fhir_id = ?", (source, target[9:])
            ).fetchone()
        else:
            found = self._db.execute(
                "SELECT id FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?",
                (source, type_, id_),
            ).fetchone()
        return found[0] if found else None

    def _bodies(self, rows: Sequence[int]) -> Iterator[tuple[int, str, str, bytes]]:
        for part in batches(rows):
            found = self._db.execute(
                f"SELECT source_id, type, fhir_id, raw FROM resource WHERE id IN ({marks(part)})", part
            )
            yield from found.fetchall()

    def _all(self) -> Iterator[tuple[int, int, str, bytes]]:
        yield from self._db.execute("SELECT id, source_id, type, raw FROM resource WHERE state = 'current'")


def _is_emptied(type_: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a report or panel was about nothing but what is withheld."""
    return any(before.get(name) and not after.get(name) for name in _PARTS.get(type_, ()))


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = read.parse_json(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _words(value: object, besides: str = "") -> str:
    """All texts of a resource."""
    found: list[str] = []
    open_ = [
        {name: each for name, each in value.items() if name != besides} if isinstance(value, dict) else value
    ]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)
        elif isinstance(node, str) and len(node) < 100_000:
            found.append(node)
    return "\n".join(found)
