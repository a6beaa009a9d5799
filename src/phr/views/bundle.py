"""Selected records as FHIR resources to hand on: parsed for a document, or as exact bytes for a file.

Both carry the selected resources of every source, and the supporting ones (Patient, Practitioner, Organization …)
that make them readable. Every entry has a `fullUrl` (FHIR R4 2.36.4) below the base of its own source, so that
`Practitioner/1` of one hospital is never taken for `Practitioner/1` of another. Imported files have no server;
their base is a name under `.invalid` (RFC 2606), which leads nowhere.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from phr.fhir import read
from phr.model import Bundle, Problem, Resource
from phr.store import addresses
from phr.views.discreet import NONE, Discretion, closed
from phr.views.enclosures import binaries
from phr.views.events import marks
from phr.views.handed import Words
from phr.views.leading import lead, linked_by_urn, moved, opened
from phr.views.redaction import handed
from phr.views.selection import EVERYTHING, Selection, check_sources, left_out
from phr.views.supporting import needed
from phr.views.whose import patient as whose

if TYPE_CHECKING:
    from phr.store.store import Store

PATIENT_SUMMARY = {"system": "http://loinc.org", "code": "34133-9", "display": "Summary of episode note"}
ENCLOSED = 2_000_000
"""Bytes up to which a fetched document goes along in a Bundle in memory."""
_BATCH = 200
_URN = "urn:uuid:"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a selection amounts to: resource rows in the order to hand them on, and the bases of their sources."""

    ids: tuple[int, ...]
    bases: dict[int, str]
    """By row of the source."""
    names: dict[int, str]
    patient: tuple[int, str] | None
    """`(source, id)` of the Patient whose record this is, however little of the selection is theirs."""
    left_out: tuple[Problem, ...]
    """What the selection leaves out without having been asked to."""
    gone: tuple[Problem, ...]
    """What the source has taken back since: kept, not handed on."""
    copies: dict[int, int]
    """By resource row the one that says the same and stands for it in a document."""
    words: Words
    """What the person says beside these resources."""
    discretion: Discretion = NONE
    """What stays out, because it would tell what is withheld."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A Bundle for writing a document, the name of the source behind each base, and what is not in it."""

    bundle: Bundle
    sources: dict[str, str]
    left_out: tuple[Problem, ...]
    also: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By fullUrl the names of the further sources that say the same."""
    opened: frozenset[str] = frozenset()
    """full_urls of what holds a C-CDA document whose statements were read into the record."""


def contents(store: Store, selection: Selection = EVERYTHING, *, notes: bool = False) -> Contents:
    """Decide which stored resources a selection hands on, with the person's `notes` or without.

    Raises UsageError for a senseless selection.
    """
    check_sources(store, selection)
    discretion = NONE
    if not selection.without:
        selection, discretion = closed(store.db, selection)
    return discreetly(store, selection, discretion, notes=notes)


def discreetly(
    store: Store, selection: Selection, discretion: Discretion, *, notes: bool = False
) -> Contents:
    """What `contents` answers, where it is decided already what stays out."""
    chosen, per_source, copies = _chosen(store.db, selection)
    bases, names = _sources(store.db, selection)
    patient = whose(store.db, selection.sources)
    given = set(per_source) | ({patient[0]} if patient and (per_source or discretion) else set())
    involved = [source for source in bases if source in given] or list(bases)
    supporting = _supporting(store.db, selection, involved, chosen, discretion)
    ids = tuple(dict.fromkeys(supporting + chosen))
    return Contents(
        ids=ids,
        bases={source: bases[source] for source in involved},
        names={source: names[source] for source in involved},
        patient=patient,
        left_out=left_out(store, selection),
        gone=_gone(store.db, selection),
        copies=copies,
        words=Words(store, ids, notes=notes, patient=patient),
        discretion=discretion,
    )


def bundle(store: Store, selection: Selection = EVERYTHING) -> Gathered:
    """The selection as one Bundle in memory, headed by a Composition that names the Patient it is about.

    What several sources say is in it once; whatever points at the others points at that one.
    """
    return bundle_contents(store, contents(store, selection))


def bundle_contents(store: Store, what: Contents) -> Gathered:
    """What `bundle` gives, for contents that are decided already."""
    problems = [*what.left_out, *what.gone, *what.words.unsaid()]
    entries: list[dict[str, Any]] = []
    types: dict[tuple[int, str], str] = {}
    kept: list[tuple[int, Resource]] = []
    ids = tuple(id_ for id_ in what.ids if id_ not in what.copies)
    moved_to, also = moved(store.db, what)
    for from_, address in moved_to:
        type_, _, id_ = address.partition("/")
        types[from_, id_] = type_
    full_urls: dict[int, str] = {}
    for row, source, type_, id_, raw in stored_rows(store.db, ids, what):
        resource = _parsed(raw)
        if resource is None:
            problems.append(Problem(type_, "is not readable JSON", id=id_))
            continue
        resource["id"] = id_
        types[source, id_] = type_
        kept.append((source, resource))
        full_urls[row] = f"{what.bases[source]}/{type_}/{id_}"
        entries.append({"fullUrl": full_urls[row], "resource": resource})
    for source, resource in kept:
        lead(resource, source, what.bases[source], types, moved_to)
    for full_url, binary in _enclosed(store.db, ids, what, limit=ENCLOSED):
        entries.append({"fullUrl": full_url, "resource": binary})
    for full_url, provenance in what.words.provenances(full_urls):
        entries.append({"fullUrl": full_url, "resource": provenance})
    return Gathered(
        bundle={"resourceType": "Bundle", "type": "collection", "entry": [_heading(what), *entries]},
        sources={what.bases[source]: name for source, name in what.names.items()},
        left_out=tuple(problems),
        also=also,
        opened=frozenset(opened(store.db, what)),
    )


def stream(store: Store, selection: Selection = EVERYTHING) -> Iterator[tuple[str, bytes]]:
    """`(fullUrl, exact bytes)` of every resource of the selection, Patients first, then newest first."""
    return stream_contents(store, contents(store, selection))


def stream_contents(store: Store, what: Contents) -> Iterator[tuple[str, bytes]]:
    """What `stream` gives, for contents that are decided already."""
    linked = linked_by_urn(store.db, what)
    corrected: dict[int, str] = {}
    for row, source, type_, id_, raw in stored_rows(store.db, what.ids, what):
        full_url = f"{what.bases[source]}/{type_}/{id_}"
        if source in linked and _UUID.fullmatch(id_):
            full_url = _URN + id_  # its file refers to it by this name, and its bytes stay as they are
        if row in what.words.beside:
            corrected[row] = full_url
        yield full_url, raw
    for full_url, binary in _enclosed(store.db, what.ids, what):
        yield full_url, orjson.dumps(binary)
    for full_url, provenance in what.words.provenances(corrected):
        yield full_url, orjson.dumps(provenance)


def fingerprint(store: Store, what: Contents) -> tuple[bytes, str | None]:
    """`(hash of all the bytes in order, instant of the last change)`: the same record answers the same."""
    digest, latest = sha256(), ""
    for at in range(0, len(what.ids), _BATCH):
        part = what.ids[at : at + _BATCH]
        rows = store.db.execute(
            f"SELECT raw_hash, changed FROM resource WHERE id IN ({marks(part)}) ORDER BY id", part
        )
        for raw_hash, changed in rows:
            digest.update(raw_hash)
            latest = max(latest, changed)
    digest.update(what.words.digest())
    latest = max(latest, what.words.latest())
    return digest.digest(), latest or None


def _chosen(db: Any, selection: Selection) -> tuple[list[int], dict[int, int], dict[int, int]]:
    """Resource rows of the selected records, newest first; how many each source has; and which say the same."""
    condition, values = selection.where()
    within = f" AND s.name IN ({marks(selection.sources)})" if selection.sources else ""
    rows = db.execute(
        "SELECT x.id, x.source_id, record.id FROM record JOIN record_source rs ON rs.record_id = record.id"
        " JOIN resource x ON x.id = rs.resource_id JOIN source s ON s.id = x.source_id"
        f" WHERE {condition} AND x.state = 'current'{within}"
        " ORDER BY record.date_from DESC, record.id DESC, x.id <> record.id, x.id",
        [*values, *selection.sources],
    ).fetchall()
    per_source: dict[int, int] = {}
    copies: dict[int, int] = {}
    main: dict[int, int] = {}
    for row, source, record in rows:
        per_source[source] = per_source.get(source, 0) + 1
        if main.setdefault(record, row) != row:
            copies[row] = main[record]
    return [row[0] for row in rows], per_source, copies


def _sources(db: Any, selection: Selection) -> tuple[dict[int, str], dict[int, str]]:
    """`(base, name)` by source row."""
    found = addresses.bases(db, selection.sources or None)
    return {id_: base for id_, (base, _) in found.items()}, {id_: name for id_, (_, name) in found.items()}


def _supporting(
    db: Any, selection: Selection, sources: Sequence[int], chosen: Sequence[int], discretion: Discretion
) -> list[int]:
    """The rows of the supporting resources, Patients first.

    With whole sources all of them go along, with a part only those that the part leads to. A Patient is handed
    on whatever its label says: without it nobody knows whose record this is.
    """
    rows = db.execute(
        "SELECT x.id, x.source_id, x.type, x.fhir_id FROM record"
        " JOIN record_source rs ON rs.record_id = record.id JOIN resource x ON x.id = rs.resource_id"
        " LEFT JOIN connection c ON c.source_id = x.source_id"
        f" WHERE record.supporting = 1 AND x.state = 'current' AND x.source_id IN ({marks(sources)})"
        " ORDER BY x.type <> 'Patient', x.fhir_id IS NOT c.patient_id, x.id",
        sources,
    ).fetchall()
    rows = [row for row in rows if row[0] not in discretion.rows]
    if not discretion and replace(selection, sources=(), sensitivity=None, marked=True) == EVERYTHING:
        return [row[0] for row in rows]
    wanted = needed(db, chosen, rows, discretion)
    return [row[0] for row in rows if row[0] in wanted]


def _gone(db: Any, selection: Selection) -> tuple[Problem, ...]:
    """What the selection would have if its sources had not taken it back, counted by type."""
    condition, values = selection.where(withdrawn=True)
    within = f" AND s.name IN ({marks(selection.sources)})" if selection.sources else ""
    rows = db.execute(
        "SELECT x.type, count(*) FROM record JOIN record_source rs ON rs.record_id = record.id"
        " JOIN resource x ON x.id = rs.resource_id JOIN source s ON s.id = x.source_id"
        f" WHERE {condition} AND x.state <> 'current'{within} GROUP BY x.type",
        [*values, *selection.sources],
    )
    taken_back = [
        Problem(type_, f"{count} that the source has taken back since: kept here, not handed on", known=True)
        for type_, count in rows
    ]
    return (*taken_back, *_called_wrong(db, condition, values, within, selection.sources))


def _called_wrong(
    db: Any, condition: str, values: list[object], within: str, sources: tuple[str, ...]
) -> Iterator[Problem]:
    """What the person says is an error as a whole, counted by type: their sources stand by it."""
    rows = db.execute(
        "SELECT x.type, count(DISTINCT record.id) FROM record JOIN record_source rs ON rs.record_id = record.id"
        " JOIN resource x ON x.id = rs.resource_id JOIN source s ON s.id = x.source_id"
        f" WHERE {condition} AND x.state = 'current'{within} AND EXISTS (SELECT 1 FROM correction c"
        " WHERE c.resource_id = x.id AND c.field = 'status') GROUP BY x.type",
        [*values, *sources],
    ).fetchall()
    for type_, count in rows:
        yield Problem(type_, f"{count} that you called an error: kept here, not handed on")


def _enclosed(
    db: Any, ids: Sequence[int], what: Contents, *, limit: int | None = None
) -> Iterator[tuple[str, Resource]]:
    """The fetched documents, without those that would tell what is withheld."""
    hidden = what.discretion.secrets.documents
    for full_url, binary in binaries(db, ids, what.bases, limit=limit):
        if not hidden or sha256(b64decode(binary["data"])).digest() not in hidden:
            yield full_url, binary


def stored_rows(db: Any, ids: Sequence[int], what: Contents) -> Iterator[tuple[int, int, str, str, bytes]]:
    """`(row, source, type, id, bytes to hand on)` in the order of `ids`, some hundreds in memory at a time."""
    discretion = what.discretion
    for at in range(0, len(ids), _BATCH):
        part = ids[at : at + _BATCH]
        rows = db.execute(
            f"SELECT id, source_id, type, fhir_id, raw FROM resource WHERE id IN ({marks(part)})", part
        )
        found = {row[0]: (row[1], row[2], row[3], bytes(row[4])) for row in rows}
        for id_ in part:
            if id_ in found:
                source, type_, name, raw = found[id_]
                if id_ in discretion.touched:
                    raw = handed(raw, source, discretion.secrets)
                yield id_, source, type_, name, what.words.with_words(id_, raw)


def _heading(what: Contents) -> dict[str, Any]:
    """The entry that says whose record this is."""
    composition: Resource = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [PATIENT_SUMMARY]},
        "title": "Health summary",
    }
    if what.patient is not None:
        source, id_ = what.patient
        composition["subject"] = {"reference": f"{what.bases[source]}/Patient/{id_}"}
    return {"fullUrl": "https://phr.invalid/Composition/summary", "resource": composition}


def _parsed(raw: bytes) -> Resource | None:
    """The resource as plain JSON; None for what is none."""
    try:
        resource = read.parse_json(raw)
    except ValueError:
        return None
    return resource if isinstance(resource, dict) else None
