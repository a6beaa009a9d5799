"""The resources in memory: exact bytes, and beside them version and time (FHIR R4 http.html#versioning).

Tests change the pretend hospital through `put`, `delete`, `hide` and `merge` while it is running.
"""

from __future__ import annotations

import json
import math
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
    """Seconds since the epoch, from `meta.lastUpdated` or the moment it was loaded; what `_lastUpdated` looks at."""
    patients: frozenset[str]

    @property
    def address(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def type_and_id(self) -> tuple[str, str]:
        return self.type, self.id

    @property
    def updated(self) -> dates.Interval:
        """The millisecond in which it was updated, a little narrower, for comparing as FHIR compares dates."""
        start = math.floor(self.last_updated * 1000 + 0.01) / 1000
        return start + 0.0002, start + 0.0008

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


@dataclass(frozen=True, slots=True)
class Deleted:
    """What is left of a resource that was deleted."""

    type: str
    id: str
    when: float
    patients: frozenset[str]


class ResourceStore:
    """All resources of the pretend hospital, by type and id, with their earlier versions."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._current: dict[str, dict[str, Stored]] = {}
        self._hidden: dict[tuple[str, str], tuple[Stored, bool]] = {}
        self._earlier: dict[tuple[str, str], list[Stored]] = {}
        self._deleted: dict[tuple[str, str], Deleted] = {}
        self._merged: dict[tuple[str, str], str] = {}
        self._binary_owners: dict[str, set[str]] = {}
        self._same: dict[frozenset[str], frozenset[str]] = {}
        """Sets of patients, each kept once: most resources share theirs with thousands."""

    def load(self, drafts: Iterable[Draft]) -> None:
        """Take resources from files; a second one with the same type and id is a newer version."""
        now = self._clock()
        for draft in drafts:
            content = parse(draft.raw)
            said = _meta(content)
            stamp = dates.interval(said.get("lastUpdated"))
            version = said.get("versionId")
            before = self.get(draft.type, draft.id)
            if before is not None and before.raw == draft.raw:
                continue
            if not isinstance(version, str) or before is not None:
                version = self._next_version(draft.type, draft.id)
            self._keep(draft.type, draft.id, draft.raw, content, version, stamp[0] if stamp else now)

    def put(
        self, resource: Mapping[str, Any] | bytes, *, stamp: bool = False, noticed: bool = True
    ) -> Stored:
        """Create or update one resource, as the hospital itself would; answers the new version.

        Bytes are kept as they are. A dict that carries `meta` gets its version and time written there; with `stamp`
        every dict, but what its `meta` says anew stays. `noticed=False`: searches by `_lastUpdated` go by the old
        time, as at servers that count significant changes only.
        """
        content = parse(resource) if isinstance(resource, bytes) else dict(resource)
        type_, id_ = str(content["resourceType"]), str(content["id"])
        before = self.get(type_, id_)
        version, now = self._next_version(type_, id_), self._clock()
        if not isinstance(resource, bytes) and (stamp or isinstance(content.get("meta"), dict)):
            fresh = _news(content, before) if stamp else {}
            version, now = str(fresh.get("versionId", version)), _time(fresh, now)
            content["meta"] = {
                **_meta(content),
                "versionId": version,
                "lastUpdated": fresh.get("lastUpdated", dates.instant(now)),
            }
        raw = resource if isinstance(resource, bytes) else orjson.dumps(content)
        if before is not None and not noticed:
            now = before.last_updated
        return self._keep(type_, id_, raw, content, version, now)

    def delete(self, type_: str, id_: str) -> None:
        """Remove a resource: reading it then answers 410. Raises KeyError when it is not there."""
        gone = self._put_away(type_, id_)
        self._deleted[(type_, id_)] = Deleted(type_, id_, self._clock(), self.patients_of(gone))

    def hide(self, type_: str, id_: str, *, readable: bool) -> None:
        """Leave it out of searches; reading it is answered as before or with 404. Raises KeyError."""
        gone = self._put_away(type_, id_)
        self._hidden[(type_, id_)] = (gone, readable)

    def show(self, type_: str, id_: str) -> None:
        """Take back `hide`: the same version as before, of the same time."""
        stored, _ = self._hidden.pop((type_, id_))
        self._earlier[(type_, id_)].remove(stored)
        self._current.setdefault(type_, {})[id_] = stored

    def merge(self, type_: str, id_: str, into: str) -> None:
        """Let another resource take its place: reading it leads there, and what referred to it refers there."""
        gone = self._put_away(type_, id_)
        self._merged[(type_, id_)] = into
        old = b'"' + gone.address.encode() + b'"'
        for stored in [one for held in list(self._current.values()) for one in list(held.values())]:
            if old in stored.raw:
                self.put(parse(stored.raw.replace(old, b'"' + into.encode() + b'"')), stamp=True)

    def get(self, type_: str, id_: str) -> Stored | None:
        """The current version as a read finds it."""
        found = self._current.get(type_, {}).get(id_)
        if found is None and self._hidden:
            hidden, readable = self._hidden.get((type_, id_), (None, False))
            return hidden if readable else None
        return found

    def deleted(self, type_: str, id_: str) -> bool:
        return (type_, id_) in self._deleted

    def all_deleted(self) -> list[Deleted]:
        return list(self._deleted.values())

    def merged(self, type_: str, id_: str) -> str | None:
        """`Type/id` of what has taken its place."""
        return self._merged.get((type_, id_)) if self._merged else None

    def versions(self, type_: str, id_: str) -> list[Stored]:
        """All versions kept, oldest first."""
        now = self._current.get(type_, {}).get(id_)
        return [*self._earlier.get((type_, id_), ()), *([now] if now else [])]

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

    def _next_version(self, type_: str, id_: str) -> str:
        earlier = self.versions(type_, id_)
        if not earlier:
            return "1"
        last = earlier[-1].version
        return str(int(last) + 1) if last.isdecimal() else f"{last}.{len(earlier)}"

    def _put_away(self, type_: str, id_: str) -> Stored:
        gone = self._current.get(type_, {}).pop(id_, None)
        if gone is None:
            raise KeyError(f"{type_}/{id_}")
        self._earlier.setdefault((type_, id_), []).append(gone)
        return gone

    def _keep(
        self, type_: str, id_: str, raw: bytes, content: dict[str, Any], version: str, when: float
    ) -> Stored:
        patients = compartment.members(type_, content)
        stored = Stored(type_, id_, raw, version, when, self._same.setdefault(patients, patients))
        for binary in compartment.binaries(raw):
            self._binary_owners.setdefault(binary, set()).update(stored.patients)
        for left in (self._deleted, self._hidden, self._merged):
            left.pop((type_, id_), None)
        held = self._current.setdefault(type_, {})
        if id_ in held:
            self._earlier.setdefault((type_, id_), []).append(held[id_])
        held[id_] = stored
        return stored


def _meta(content: Mapping[str, Any]) -> dict[str, Any]:
    meta = content.get("meta")
    return meta if isinstance(meta, dict) else {}


def _news(content: Mapping[str, Any], before: Stored | None) -> dict[str, Any]:
    """The version and time that a resource's `meta` brings and its present version does not have."""
    known = _meta(before.content) if before is not None else {}
    said = _meta(content)
    return {
        name: said[name]
        for name in ("versionId", "lastUpdated")
        if isinstance(said.get(name), str) and said[name] != known.get(name)
    }


def _time(meta: Mapping[str, Any], otherwise: float) -> float:
    said = dates.interval(meta.get("lastUpdated"))
    return said[0] if said else otherwise
