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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from phr.store import addresses
from phr.store.db import batches, marks
from phr.views.discreet_hits import misleading
from phr.views.discreet_names import called
from phr.views.discreet_parts import PARTS, Body, Wholes, bodies, needles_of, parsed, rows_at
from phr.views.phrases import NO_NAMES, Sieve
from phr.views.places import Place, Places, everywhere
from phr.views.redaction import NO_SECRETS, Secrets, decoded, identifiers, looked_at, references
from phr.views.selection import MARKED, SENSITIVITIES, Selection

PAPERS = frozenset(("DocumentReference", "DocumentManifest", "Media", "Composition"))
"""Types that are their document: without it nothing is left."""


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
    touched, secrets = search.touched - found, search.secrets()
    records.update(misleading(db, replace(selection, without=tuple(sorted(records))), touched, secrets))
    done = Discretion(
        frozenset(found),
        frozenset(touched),
        frozenset(search.naming - found),
        secrets,
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
    """What else tells it, round by round until nothing new is found. Each round finds at least one resource more."""

    def __init__(self, db: Any, rows: set[int]) -> None:
        self._db = db
        self._marked = frozenset(rows)
        self.rows = set(rows)
        self.touched: set[int] = set()
        self.naming: set[int] = set()
        self._places = _places(db)
        self._targets: set[Place] = set()
        self._names = NO_NAMES
        self._codes: set[bytes] = set()
        self._documents: set[bytes] = set()
        self._urls: set[tuple[int, str]] = set()
        self._needles: set[bytes] = set()
        """What to look for in the bytes of resources."""
        self._sifted: set[bytes] = set()
        """What of it was looked for already."""
        self._sifted_for = NO_NAMES
        self._read_for = NO_NAMES
        """Names that were looked for in all documents."""
        self._wholes = Wholes()

    def secrets(self) -> Secrets:
        """What is known to be secret by now."""
        return Secrets(
            frozenset(self._targets),
            self._names,
            tuple(sorted(self._codes)),
            frozenset(self._documents),
            frozenset(self._urls),
            self._places,
            Sieve(self._names.needles(), wide=self._names.wide()),
        )

    def run(self) -> None:
        """Find all of it."""
        fresh = set(self.rows)
        while fresh:
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
            wanted: list[Place] = []
            for _, source, type_, raw in bodies(self._db, sorted(open_)):
                body = parsed(raw) if type_ in PARTS else {}
                for name in PARTS.get(type_, ()):
                    wanted += references(source, body.get(name), self._places)
            reached = {row for place in wanted for row in rows_at(self._db, place)}
            open_ = reached - found - rows
            found |= open_
        return found

    def _learn(self, rows: set[int], *, names: bool = True) -> None:
        """Where these are, what they are called, and what is attached to them."""
        for part in batches(sorted(rows)):
            for source, type_, id_ in self._db.execute(
                f"SELECT source_id, type, fhir_id FROM resource WHERE id IN ({marks(part)})", part
            ):
                self._targets |= {(source, f"{type_}/{id_}"), everywhere(f"urn:uuid:{id_}")}
                self._needles |= {f"/{id_}".lower().encode(), f"uuid:{id_}".lower().encode()}
            for _, source, _, raw in bodies(self._db, part):
                for place in identifiers(source, parsed(raw).get("identifier")):
                    self._targets.add(place)
                    self._needles |= needles_of(place[1].partition("|")[2])
            attached = self._db.execute(
                "SELECT x.source_id, a.url, d.sha256 FROM attachment a JOIN resource x ON x.id = a.resource_id"
                f" LEFT JOIN document d ON d.id = a.document_id WHERE a.resource_id IN ({marks(part)})",
                part,
            )
            for source, url, digest in attached:
                self._attached(source, url, digest)
        if names:
            found, codes = called(self._db, sorted(rows), self._marked)
            self._names |= found
            self._codes |= codes
            self._needles |= found.needles() | {code.lower() for code in codes}

    def _attached(self, source: int, url: str | None, digest: bytes | None) -> None:
        if url:
            self._urls.add((source, url))
            self._needles |= needles_of(url)
        if digest:
            self._documents.add(bytes(digest))

    def _papers(self, rows: set[int]) -> set[int]:
        """Resources that are a document which tells one of these."""
        documents = self._originals(rows) | self._naming_documents()
        for digests in batches(sorted(self._documents)):
            same = self._db.execute(f"SELECT id FROM document WHERE sha256 IN ({marks(digests)})", digests)
            documents.update(row[0] for row in same)
        found: set[int] = set()
        for part in batches(sorted(documents)):
            holders = self._db.execute(
                "SELECT a.resource_id, x.type, x.source_id, a.url, d.sha256 FROM attachment a JOIN document d"
                " ON d.id = a.document_id JOIN resource x ON x.id = a.resource_id"
                f" WHERE a.document_id IN ({marks(part)})",
                part,
            )
            for row, type_, source, url, digest in holders:
                if type_ in PAPERS:
                    found.add(row)
                else:
                    self.touched.add(row)
                self._attached(source, url, digest)
        return found

    def _naming_documents(self) -> set[int]:
        """Documents in which one of the names stands that nobody has looked for yet."""
        names, self._read_for = self._names - self._read_for, self._names
        sieve = Sieve(names.needles(), wide=names.wide())
        found: set[int] = set()
        if not sieve:
            return found
        for document, content, text in self._db.execute(
            "SELECT d.id, d.content, t.text FROM document d LEFT JOIN document_text t ON t.document_id = d.id"
        ):
            if any(
                sieve.lets(one.encode("utf-8", "replace")) and names.told_in(one)
                for one in (text or "", decoded(content))
            ):
                found.add(document)
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
        secrets, found = self.secrets(), set[int]()
        for row, source, type_, raw in self._suspects():
            if row in self.rows or type_ == "Patient":
                continue
            body = parsed(raw)
            rest, addressed = looked_at(body, source, secrets)
            if rest is not body:
                self.touched.add(row)
            if addressed and (
                type_ in PAPERS or _is_emptied(type_, body, rest) or secrets.named(_words(rest))
            ):
                found.add(row)
            elif secrets.coded(raw) or secrets.named(_words(rest, besides="text")):
                self.naming.add(row)
        return found | self._wholes.emptied(self._targets)

    def _suspects(self) -> Iterator[Body]:
        """Resources that may tell something: what may do so by what is known since the last round, and who did before."""
        fresh = self._needles - self._sifted
        sieve = Sieve(fresh, wide=(self._names - self._sifted_for).wide())
        first = not self._sifted
        self._sifted, self._sifted_for = self._sifted | fresh, self._names
        before = (self.touched | self.naming) - self.rows
        yield from bodies(self._db, sorted(before))
        if not sieve:
            return
        for one in self._db.execute("SELECT id, source_id, type, raw FROM resource WHERE state = 'current'"):
            row, source, type_, raw = one
            if first and type_ in PARTS:
                self._wholes.note(row, source, type_, raw, self._places)
            if row not in before and (sieve.lets(raw) or (first and b'"data"' in raw)):
                yield one


def _places(db: Any) -> Places:
    """The bases of all sources: those of their servers, and those that exports use."""
    found: dict[str, set[int]] = {}
    for source, (base, _) in addresses.bases(db).items():
        found.setdefault(base.lower(), set()).add(source)
    files = set()
    for source, base in db.execute("SELECT id, fhir_base FROM source"):
        if base:
            found.setdefault(base.rstrip("/").lower(), set()).add(source)
        else:
            files.add(source)
    return Places({base: frozenset(sources) for base, sources in found.items()}, frozenset(files))


def _is_emptied(type_: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a report or panel was about nothing but what is withheld."""
    return any(before.get(name) and not after.get(name) for name in PARTS.get(type_, ()))


def _words(value: object, besides: str = "") -> str:
    """All texts of a resource, but for the bytes of files."""
    found: list[str] = []
    open_ = [
        {name: each for name, each in value.items() if name != besides} if isinstance(value, dict) else value
    ]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            open_.extend(each for name, each in node.items() if name != "data")
        elif isinstance(node, list):
            open_.extend(node)
        elif isinstance(node, str):
            found.append(node)
    return "\n".join(found)
