"""What resources point at and nothing stored answers: noted as they come, read in rounds at the end of a sync.

FHIR R4 2.3.0 (References): relative, absolute, versioned, conditional, contained (`#`), by `urn:uuid`, or by identifier
alone. Only what can be read from the same server is noted.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Any

from phr.store.db import batches, marks

references = re.compile(rb'"reference"\s*:\s*"([^"#]+)"').findall
"""The references in a resource's bytes, as they are spelled there; those into `contained` are left out."""
_ABSOLUTE = re.compile(r"(https?)://([^/?]+)(.*)", re.IGNORECASE | re.DOTALL)
_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_PORTS = {"http": ":80", "https": ":443"}
# Canonical and terminology resources are pointed at by every profile; they are not part of a record. Groups and
# Bundles hold others' data, and a Binary is fetched as the document it is.
NOT_FOLLOWED = frozenset(
    """
    Patient Group Bundle Binary CodeSystem ValueSet ConceptMap NamingSystem StructureDefinition StructureMap
    CapabilityStatement OperationDefinition SearchParameter ImplementationGuide OperationOutcome Parameters Resource
    """.split()
)
SETTLED = 100_000
"""So many references are remembered as noted or answered; then it begins anew, so that memory stays flat."""

Address = tuple[str, str]


class Pointers:
    """Notes references of one source, inside the transaction of its caller."""

    def __init__(self, db: Any, source_id: int, fhir_base: str | None) -> None:
        self._db = db
        self._source = source_id
        self._base = _plain(fhir_base.rstrip("/")).lower() + "/" if fhir_base else ""
        self._settled: set[bytes] = set()

    def forget(self) -> None:
        """Drop what was remembered: the transaction it belonged to is gone."""
        self._settled.clear()

    def note(self, met: set[bytes], here: Container[Address]) -> None:
        """Remember which of these references point at what is neither `here` nor stored."""
        met = met - self._settled
        if not met:
            return
        found = {
            address for spelled in met if (address := self._own(spelled)) is not None and address not in here
        }
        missing = self._missing(found)
        if missing:
            self._db.executemany(
                "INSERT OR IGNORE INTO wanted_reference (source_id, type, fhir_id) VALUES (?, ?, ?)",
                [(self._source, *address) for address in sorted(missing)],
            )
        if len(self._settled) + len(met) > SETTLED:
            self._settled.clear()
        self._settled |= met

    def _missing(self, found: Iterable[Address]) -> list[Address]:
        by_type: dict[str, list[str]] = {}
        for type_, id_ in found:
            by_type.setdefault(type_, []).append(id_)
        missing: list[Address] = []
        for type_, ids in by_type.items():
            for part in batches(ids):
                rows = self._db.execute(
                    f"SELECT fhir_id FROM resource WHERE source_id = ? AND type = ? AND fhir_id IN ({marks(part)})",
                    (self._source, type_, *part),
                )
                stored = {row[0] for row in rows}
                missing += [(type_, id_) for id_ in part if id_ not in stored]
        return missing

    def _own(self, spelled: bytes) -> Address | None:
        """`(type, id)` when a reference points into this source and is to be followed.

        A conditional one (`Practitioner?identifier=…`, FHIR R4 3.1.0.7.1.3) becomes `Practitioner` and `?identifier=…`:
        nobody can read it, but it is not forgotten either. Ids are opaque: some servers put `/` into them.
        """
        target = spelled.decode("utf-8", "replace").replace("\\/", "/").strip()
        absolute = _plain(target)
        if self._base and absolute.lower().startswith(self._base):
            target = absolute[len(self._base) :]
        path, conditional, query = target.partition("?")
        type_, _, id_ = path.strip("/").partition("/")
        id_ = f"?{query}" if conditional and not id_ else id_.partition("/_history/")[0]
        if not id_ or _TYPE.fullmatch(type_) is None or type_ in NOT_FOLLOWED:
            return None
        return type_, id_


def _plain(address: str) -> str:
    """An absolute address without the port that goes without saying."""
    found = _ABSOLUTE.match(address)
    if found is None:
        return address
    scheme, host, path = found.groups()
    return f"{scheme.lower()}://{host.removesuffix(_PORTS[scheme.lower()])}{path}"
