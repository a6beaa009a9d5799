"""Resources as the search for what tells a secret reads them: their bytes, what they are made of, where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from phr.fhir import read
from phr.store.db import batches, marks
from phr.views.phrases import flat
from phr.views.places import Place, Places
from phr.views.redaction import Secrets, redacted, references

PARTS = {"DiagnosticReport": ("result",), "Observation": ("hasMember",)}
"""By type the elements that lead to what a resource is made of."""
_MEMBERS = ("Observation", "QuestionnaireResponse", "MolecularSequence")
"""What these elements lead to (FHIR R4)."""
Lookup = Callable[[str], dict[str, Any] | None]
Body = tuple[int, int, str, bytes]
"""Of a resource: row, row of its source, type, bytes."""


def parsed(raw: bytes) -> dict[str, Any]:
    """A resource; nothing where it is not readable."""
    try:
        body = read.parse_json(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def bodies(db: Any, rows: Sequence[int]) -> Iterator[Body]:
    """These resources, as far as they stand."""
    for part in batches(rows):
        found = db.execute(f"SELECT id, source_id, type, raw FROM resource WHERE id IN ({marks(part)})", part)
        yield from found.fetchall()


def rows_at(db: Any, place: Place) -> list[int]:
    """The resources at a place."""
    source, address = place
    if address.startswith("urn:uuid:"):
        id_ = address[9:]
        found = db.execute(
            "SELECT x.id FROM source s CROSS JOIN resource x ON x.source_id = s.id"
            f" WHERE x.type IN ({marks(_MEMBERS)}) AND x.fhir_id IN (?, ?)",
            (*_MEMBERS, id_, id_.upper()),
        )
    else:
        type_, _, id_ = address.partition("/")
        found = db.execute(
            "SELECT id FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?", (source, type_, id_)
        )
    return [row[0] for row in found]


def softly(db: Any, row: int, secrets: Secrets) -> tuple[dict[str, Any], Lookup]:
    """A resource without what tells a secret, and what finds what it refers to, but for what is secret."""
    source, raw = db.execute("SELECT source_id, raw FROM resource WHERE id = ?", (row,)).fetchone()
    body = read.parse_as_written(bytes(raw))

    def lookup(reference: str) -> dict[str, Any] | None:
        if secrets.leads(source, reference):
            return None
        type_, _, name = reference.partition("/")
        row = db.execute(
            "SELECT raw FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?", (source, type_, name)
        ).fetchone()
        found = read.parse_as_written(bytes(row[0])) if row else None
        return found if isinstance(found, dict) else None

    return (redacted(body, source, secrets) if isinstance(body, dict) else {}), lookup


def needles_of(text: str) -> set[bytes]:
    """What to look for in bytes that may have this text."""
    found = flat(text.encode("utf-8", "replace")).partition(b"\n")[0]
    return {found} if found.strip() else set()


class Wholes:
    """Reports and panels: which are about nothing but what is withheld, however deep one lies in another."""

    def __init__(self) -> None:
        self._at: dict[Place, list[tuple[int, str]]] = {}
        self._open: dict[tuple[int, str], list[frozenset[Place]]] = {}
        self._place: dict[int, Place] = {}

    def note(self, row: int, source: int, type_: str, raw: bytes, places: Places) -> None:
        """One of them, with what it is made of."""
        names = [name for name in PARTS[type_] if f'"{name}"'.encode() in raw]
        body = parsed(raw) if names else {}
        for name in names:
            members = [frozenset(references(source, one, places)) for one in read.listed(body.get(name))]
            self._open[row, name] = members
            self._place[row] = (source, f"{type_}/{body.get('id')}")
            for place in {place for member in members for place in member}:
                self._at.setdefault(place, []).append((row, name))

    def emptied(self, targets: Iterable[Place]) -> set[int]:
        """Those of which nothing is left without these, and without each other."""
        gone, found = set(targets), set[int]()
        open_ = list(gone)
        while open_:
            for row, name in self._at.get(open_.pop(), ()):
                if row not in found and all(not gone.isdisjoint(one) for one in self._open[row, name]):
                    found.add(row)
                    gone.add(self._place[row])
                    open_.append(self._place[row])
        return found
