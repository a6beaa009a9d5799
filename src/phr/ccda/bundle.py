"""Finding one's way in a FHIR Bundle that may hold several sources.

Follows FHIR R4 Bundle 2.36.4 (resolving references in Bundles): a relative reference means the same server
as the entry it stands in, `urn:uuid:` and absolute ones are looked up by fullUrl, `#id` is contained.
Two sources may both have a `Patient/1`: the base keeps them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, UUID, uuid5

from phr.fhir.read import content_hash, listed, text
from phr.model import Bundle, Problem, Resource


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One resource of the Bundle and where it came from."""

    resource: Resource = field(repr=False)
    type: str
    id: str | None
    base: str
    """The FHIR base of its server; empty when the fullUrl does not say."""
    full_url: str | None
    container: Entry | None = None
    """Set for a contained resource: what it is contained in."""
    shared: bool = False
    """Whether another resource of its type has the same first identifier, so that it does not name this one."""

    @property
    def address(self) -> str:
        """What names this resource for good: server, type and id."""
        if self.container is not None:
            return f"{self.container.address}#{self.id}"
        if self.full_url:
            return self.full_url
        if self.id:
            return f"{self.type}/{self.id}"
        return f"{self.type}/{content_hash(self.resource).hex()}"

    def uuid(self, part: str = "") -> str:
        """The same UUID for the same resource (or a named part of it) in every export."""
        return name_uuid(f"{self.address}~{part}" if part else self.address)


def name_uuid(name: str) -> str:
    """A name-based UUID (RFC 9562 version 5), in capitals as CDA writes them."""
    whole = name.encode("utf-8", "replace").decode()  # half a surrogate pair has no bytes
    return str(uuid5(NAMESPACE_URL, whole)).upper()


def part_uuid(whole: str, part: str) -> str:
    """The id of a named part of a statement, made of the id of the whole: who knows the one finds the other.

    `whole` is `root|extension`, or a root alone, the root in small letters.
    """
    return name_uuid(f"{whole}~{part}")


def is_uuid(value: str) -> bool:
    """Whether the text is a UUID in its usual spelling."""
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False


class Index:
    """The entries of a Bundle in their order, and the way from a reference to its entry."""

    def __init__(self, bundle: Bundle) -> None:
        self.repeated: list[Problem] = []
        self.entries = _told_apart(tuple(self._distinct(_entries(bundle))))
        self._by_url: dict[str, Entry] = {}
        self._by_id: dict[str, list[Entry]] = {}
        self._by_identifier: dict[tuple[str, str, str], Entry] = {}
        for entry in self.entries:
            if entry.full_url:
                self._by_url.setdefault(entry.full_url, entry)
            if entry.id:
                self._by_id.setdefault(f"{entry.type}/{entry.id}", []).append(entry)
                self._by_url.setdefault(f"{entry.base}/{entry.type}/{entry.id}", entry)
            for identifier in listed(entry.resource.get("identifier")):
                if isinstance(identifier, dict) and (value := text(identifier.get("value"))):
                    key = (entry.type, text(identifier.get("system")) or "", value)
                    self._by_identifier.setdefault(key, entry)

    def _distinct(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Each resource once: of several versions under one address the last one."""
        latest: dict[str, Entry] = {}
        for entry in entries:
            before = latest.get(entry.address)
            if before is not None and content_hash(before.resource) != content_hash(entry.resource):
                reason = "Another version of the same resource is in the selection; the later one is written."
                self.repeated.append(Problem(before.type, reason, before.id))
            latest[entry.address] = entry
        yield from latest.values()

    def find(self, entry: Entry, reference: object) -> Entry | None:
        """What a Reference (or its text) inside `entry` means; None if it is not in the Bundle."""
        target = text(reference.get("reference") if isinstance(reference, dict) else reference)
        if target is None:
            return None
        if target.startswith("#"):
            return self._contained(entry, target[1:])
        target = target.split("/_history/", 1)[0]
        if "?" in target:
            return self._conditional(target)
        found = self._by_url.get(target)
        if found is not None or ":" in target.split("/", 1)[0]:
            return found
        if entry.base:
            return self._by_url.get(f"{entry.base}/{target}")
        same = self._by_id.get(target, [])
        return same[0] if len(same) == 1 else None

    def _contained(self, entry: Entry, id_: str) -> Entry | None:
        container = entry.container or entry
        if not id_:
            return container
        for resource in listed(container.resource.get("contained")):
            if isinstance(resource, dict) and text(resource.get("id")) == id_:
                type_ = text(resource.get("resourceType")) or ""
                return Entry(resource, type_, id_, container.base, None, container)
        return None

    def _conditional(self, target: str) -> Entry | None:
        """`Type?identifier=system|value`, as Synthea's transactions refer to staff."""
        type_, _, query = target.partition("?")
        name, _, value = query.partition("=")
        system, _, number = value.rpartition("|")
        return self._by_identifier.get((type_, system, number)) if name == "identifier" else None


def _entries(bundle: Bundle) -> Iterator[Entry]:
    for entry in listed(bundle.get("entry")):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        type_ = text(resource.get("resourceType"))
        if type_ is None:
            continue
        id_ = text(resource.get("id"))
        full_url = text(entry.get("fullUrl"))
        ending = f"/{type_}/{id_}"
        base = full_url[: -len(ending)] if full_url and id_ and full_url.endswith(ending) else ""
        yield Entry(resource, type_, id_, base, full_url)


def _told_apart(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The entries; those whose first identifier is also another's of the same type are marked.

    Accession numbers stand at each result of an order, and some senders copy one UUID everywhere.
    """
    keys = [_first_identifier(entry) for entry in entries]
    count = Counter(key for key in keys if key)
    return tuple(
        replace(entry, shared=True) if key and count[key] > 1 else entry
        for entry, key in zip(entries, keys, strict=True)
    )


def _first_identifier(entry: Entry) -> tuple[str, str, str] | None:
    for identifier in listed(entry.resource.get("identifier")):
        if isinstance(identifier, dict) and (value := text(identifier.get("value"))):
            return entry.type, text(identifier.get("system")) or entry.base, value
    return None
