"""The resources in memory: exact bytes, and beside them version and time (FHIR R4 http.html#versioning).

Tests change the pretend hospital through `put` and `delete` while it is running.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from phr.sandbox import compartment, dates
from phr.sandbox.load import Draft


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one resource. Its bytes never change."""

    type: str
    id: str
    raw: bytes = field(repr=False)
    version: str
    last_updated: float
    """Seconds since the epoch, from `meta.lastUpdated` or the moment it was loaded."""
    patients: frozenset[str]

    @property
    def address(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def type_and_id(self) -> tuple[str, str]:
        return self.type, self.id

    @property
    def content(self) -> dict[str, Any]:
        return parse(self.raw)


def parse(raw: bytes) -> dict[str, Any]:
    """The resource as a dict, an empty one for anything else."""
    try:
        value = orjson.loads(raw)
    except ValueError:
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


class ResourceStore:
    """All resources of the pretend hospital, by type and id, with their earlier versions."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._current: dict[str, dict[str, Stored]] = {}
        self._versions: dict[tuple[str, str], list[Stored]] = {}
        self._deleted: dict[tuple[str, str], str] = {}
        self._binary_owners: dict[str, set[str]] = {}
        self.requests: list[tuple[str, str, int]] = []
        """Every request that came: method, path without query, status (0: no answer)."""

    def load(self, drafts: Iterable[Draft]) -> None:
        """Take resources from files; a second one with the same type and id is a newer version."""
        now = self._clock()
        for draft in drafts:
            meta = parse(draft.raw).get("meta")
            said = meta if isinstance(meta, dict) else {}
            stamp = dates.interval(said.get("lastUpdated"))
            version = said.get("versionId")
            before = self.get(draft.type, draft.id)
            if before is not None and before.raw == draft.raw:
                continue
            self._keep(
                draft.type,
                draft.id,
                draft.raw,
                version
                if isinstance(version, str) and before is None
                else self._next_version(draft.type, draft.id),
                stamp[0] if stamp else now,
            )

    def put(self, resource: Mapping[str, Any] | bytes) -> Stored:
        """Create or update one resource, as the hospital itself would; answers the new version.

        Bytes are kept as they are; a dict that carries `meta` gets its version and time written there.
        """
        content = parse(resource) if isinstance(resource, bytes) else dict(resource)
        type_, id_ = str(content["resourceType"]), str(content["id"])
        version, now = self._next_version(type_, id_), self._clock()
        if not isinstance(resource, bytes) and isinstance(content.get("meta"), dict):
            content["meta"] = {**content["meta"], "versionId": version, "lastUpdated": dates.instant(now)}
        raw = resource if isinstance(resource, bytes) else orjson.dumps(content)
        return self._keep(type_, id_, raw, version, now)

    def delete(self, type_: str, id_: str) -> None:
        """Remove a resource: reading it then answers 410. Raises KeyError when it is not there."""
        gone = self._current[type_].pop(id_)
        self._deleted[(type_, id_)] = gone.version

    def get(self, type_: str, id_: str) -> Stored | None:
        return self._current.get(type_, {}).get(id_)

    def deleted(self, type_: str, id_: str) -> bool:
        return (type_, id_) in self._deleted

    def versions(self, type_: str, id_: str) -> list[Stored]:
        """All versions kept, oldest first."""
        return list(self._versions.get((type_, id_), ()))

    def of(self, type_: str, patient: str | None = None) -> list[Stored]:
        """All resources of a type in the order they came, or those in one person's compartment."""
        everything = list(self._current.get(type_, {}).values())
        if patient is None:
            return everything
        return [stored for stored in everything if patient in self.patients_of(stored)]

    def types(self) -> list[str]:
        """The types that hold anything, sorted, and always Patient."""
        return sorted({"Patient", *(type_ for type_, held in self._current.items() if held)})

    def count(self, type_: str | None = None, patient: str | None = None) -> int:
        """How many resources there are: of a type, of a person, or in all."""
        return sum(len(self.of(name, patient)) for name in ([type_] if type_ else list(self._current)))

    def patients_of(self, stored: Stored) -> frozenset[str]:
        """Whose compartment it is in. A Provenance follows its targets, a Binary what points at it."""
        if stored.type == "Binary":
            return frozenset(self._binary_owners.get(stored.id, ()))
        if stored.type != "Provenance":
            return stored.patients
        found = set(stored.patients)
        for reference in compartment.references(stored.content, "target"):
            type_, _, id_ = reference.rpartition("/")
            target = self.get(type_.rpartition("/")[2], id_)
            if target is not None and target.type != "Provenance":
                found |= target.patients
        return frozenset(found)

    def visible(self, stored: Stored, patient: str | None) -> bool:
        """Whether a token for this person may see it at all, scopes apart; a machine's (None) sees everybody's."""
        if patient is None:
            return True
        owners = self.patients_of(stored)
        if stored.type in compartment.ELEMENTS or owners:
            return patient in owners
        return True

    def note_request(self, method: str, path: str) -> int:
        """Write down a request; answers its place in the list."""
        self.requests.append((method, path, 0))
        return len(self.requests) - 1

    def note_status(self, index: int, status: int) -> None:
        """Write down how a request was answered."""
        method, path, _ = self.requests[index]
        self.requests[index] = (method, path, status)

    def _next_version(self, type_: str, id_: str) -> str:
        earlier = self._versions.get((type_, id_))
        if not earlier:
            return "1"
        last = earlier[-1].version
        return str(int(last) + 1) if last.isdecimal() else f"{last}.{len(earlier)}"

    def _keep(self, type_: str, id_: str, raw: bytes, version: str, when: float) -> Stored:
        stored = Stored(type_, id_, raw, version, when, compartment.members(type_, parse(raw)))
        for binary in compartment.binaries(raw):
            self._binary_owners.setdefault(binary, set()).update(stored.patients)
        self._deleted.pop((type_, id_), None)
        self._current.setdefault(type_, {})[id_] = stored
        self._versions.setdefault((type_, id_), []).append(stored)
        return stored
