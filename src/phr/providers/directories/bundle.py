"""Bundles of Endpoint and Organization, in every shape seen.

- SMART User-access Brands (SMART App Launch STU 2.2, section Brands) and its draft of 2023, with other extension URLs.
- Endpoint alone, the organisation contained, `managingOrganization.reference` without the `#` that FHIR R4 asks for.
- Endpoint and Organization in pairs: the name is only on the Organization, which points at its Endpoint.

Entries come in any order, so what matters of each is kept small until the end; logos are dropped at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phr.providers.addresses import OTHER_RELEASE, TEST
from phr.providers.directories import entries
from phr.providers.directories.entries import Entry, Found

_CHAIN = 8
_MOST_INHERITED = 50
_ACTIVE = frozenset({"", "active", "test"})


@dataclass(slots=True)
class _Endpoint:
    name: str
    address: str
    owner: str
    owner_name: str
    problem: str | None
    publisher: str
    used: bool = False


@dataclass(slots=True)
class _Organization:
    name: str
    place: str
    aliases: tuple[str, ...]
    parent: str
    endpoints: list[str]
    problem: str | None
    own: list[_Endpoint] = field(default_factory=list)
    all_own: list[_Endpoint] | None = None
    """Those and the ones it points at, once they were looked up: a parent of thousands is asked by each."""


class Bundle:
    """What is known of a Bundle so far. `format` is right once all entries were added."""

    def __init__(self) -> None:
        self.format = "endpoints"
        self._endpoints: dict[str, _Endpoint] = {}
        self._organizations: dict[str, _Organization] = {}
        self._names: dict[str, str] = {}
        self._unreadable = 0

    def add(self, entry: object) -> None:
        """One entry of the Bundle (or a bare resource)."""
        resource = entry.get("resource", entry) if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            self._unreadable += 1
            return
        type_ = resource.get("resourceType")
        if type_ not in ("Endpoint", "Organization"):
            self._unreadable += 1
            return
        number = len(self._endpoints) + len(self._organizations)
        id_ = _text(resource.get("id")) or f"?{number}"
        url = _text(entry.get("fullUrl")) if isinstance(entry, dict) else ""
        name = f"{type_}/{id_}"
        if name in self._endpoints or name in self._organizations:
            name = f"{name}#{number}"
        for spelling in (url, f"{type_}/{id_}", f"urn:uuid:{id_}", f"{type_}/{_tail(url)}" if url else ""):
            if spelling:
                self._names.setdefault(f"{type_} {spelling}", name)
        if type_ == "Endpoint":
            self._endpoints[name] = _endpoint(resource)
        else:
            self._organizations[name] = self._organization(resource)

    def entries(self) -> Iterator[Entry]:
        """Every organisation with every endpoint that is its own, or its parent's."""
        yield from [entries.UNREADABLE] * self._unreadable
        for endpoint in self._endpoints.values():
            owner = self._find("Organization", endpoint.owner)
            if owner in self._organizations:
                self._organizations[owner].own.append(endpoint)
        if self._organizations and self.format == "endpoints":
            self.format = "pairs"
        for organization in self._organizations.values():
            yield from self._of(organization)
        for endpoint in self._endpoints.values():
            if not endpoint.used:
                yield endpoint.problem or Found(
                    endpoint.owner_name or endpoint.name, endpoint.address, publisher=endpoint.publisher
                )

    def _of(self, organization: _Organization) -> Iterator[Entry]:
        endpoints, parents = self._inherited(organization)
        if organization.problem is None and not organization.name:
            organization.problem = entries.NO_NAME
        for endpoint in endpoints:
            endpoint.used = True
        if organization.problem or not endpoints:
            yield organization.problem or entries.NO_ENDPOINT
            return
        others = (*organization.aliases, *(parent.name for parent in parents))
        aliases = entries.aliases(organization.name, others)
        for endpoint in endpoints:
            yield endpoint.problem or Found(
                organization.name,
                endpoint.address,
                place=organization.place,
                aliases=aliases,
                publisher=endpoint.publisher,
                brand=bool(parents),
            )

    def _inherited(self, organization: _Organization) -> tuple[list[_Endpoint], list[_Organization]]:
        """Its endpoints, or the first of the nearest parent that has some; and its parents. A circle ends."""
        parents: list[_Organization] = []
        found = self._own(organization)
        here = organization
        while here.parent and len(parents) < _CHAIN:
            above = self._organizations.get(self._find("Organization", here.parent) or "")
            if above is None or above is organization or any(above is one for one in parents):
                break
            parents.append(above)
            found = found or self._own(above)[:_MOST_INHERITED]
            here = above
        return found, parents

    def _own(self, organization: _Organization) -> list[_Endpoint]:
        if organization.all_own is None:
            named = (self._endpoints.get(self._find("Endpoint", one) or "") for one in organization.endpoints)
            found = {id(one): one for one in (*named, *organization.own) if one is not None}
            organization.all_own = list(found.values())
        return organization.all_own

    def _find(self, type_: str, reference: str) -> str | None:
        """The resource that is meant: by fullUrl, Type/id, a urn of its id, or the bare id."""
        if not reference:
            return None
        bare = reference.partition("/_history/")[0].lstrip("#")
        for spelling in (bare, f"{type_}/{bare}", f"{type_}/{_tail(bare)}"):
            if (found := self._names.get(f"{type_} {spelling}")) is not None:
                return found
        return None

    def _organization(self, resource: Mapping[str, Any]) -> _Organization:
        extensions = list(_extensions(resource))
        endpoints = [_reference(one) for one in _list(resource.get("endpoint"))]
        names: list[object] = list(_list(resource.get("alias")))
        problem = entries.INACTIVE if resource.get("active") is False else None
        for url, value in extensions:
            if url in ("portalEndpoint", "portal-endpoint"):
                endpoints.append(_reference(value))
            elif url in ("portalName", "patient-access-name"):
                names.append(value)
            elif url in ("brand-flags", "brandFlags", "flags") and value == "hidden":
                problem = entries.HIDDEN
            if url.startswith(("brand", "organization-brand", "organization-portal", "patient-access")):
                self.format = "brands"
        if any(
            "user-access-brand" in str(p).lower().replace("accessbrand", "access-brand")
            for p in _profiles(resource)
        ):
            self.format = "brands"
        name = _text(resource.get("name"))
        return _Organization(
            name,
            _place(resource),
            entries.aliases(name, names),
            _reference(resource.get("partOf")),
            [one for one in endpoints if one],
            problem,
        )


def _endpoint(resource: Mapping[str, Any]) -> _Endpoint:
    owner = _reference(resource.get("managingOrganization"))
    contained = [one for one in _list(resource.get("contained")) if isinstance(one, dict)]
    held = [one for one in contained if one.get("resourceType") == "Organization"]
    named = next(
        (one for one in held if one.get("id") == owner.lstrip("#")), held[0] if len(held) == 1 else {}
    )
    shown = resource.get("managingOrganization")
    contacts = [_text(one.get("value")) for one in _list(resource.get("contact")) if isinstance(one, dict)]
    return _Endpoint(
        _text(resource.get("name")),
        _text(resource.get("address")),
        owner,
        _text(named.get("name")) or (_text(shown.get("display")) if isinstance(shown, dict) else ""),
        _problem(resource),
        next(filter(None, contacts), ""),
    )


def _problem(resource: Mapping[str, Any]) -> str | None:
    """Why nobody can sign in at this endpoint, as far as it says so itself."""
    status = _text(resource.get("status")).lower()
    if status == "test":
        return TEST
    if status not in _ACTIVE:
        return entries.INACTIVE
    kinds = [_text(code) for one in _list(resource.get("connectionType")) for code in _codes(one)]
    if kinds and "hl7-fhir-rest" not in kinds:
        return entries.NOT_REST
    releases = [str(value) for url, value in _extensions(resource) if url == "endpoint-fhir-version"]
    if releases and not any(one.upper().startswith(("4.0", "4.3", "R4")) for one in releases):
        return OTHER_RELEASE
    return None


def _codes(coded: object) -> Iterator[object]:
    """The codes of a Coding (R4) or a CodeableConcept (R5)."""
    if isinstance(coded, dict):
        yield from (
            one.get("code")
            for one in [coded, *_list(coded.get("coding"))]
            if isinstance(one, dict) and one.get("code")
        )


def _place(resource: Mapping[str, Any]) -> str:
    address = next((one for one in _list(resource.get("address")) if isinstance(one, dict)), {})
    return entries.place(address.get("city"), address.get("state"))


def _extensions(resource: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The last word of each extension's URL, and its value; nested ones too."""
    waiting: list[object] = list(_list(resource.get("extension")))
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            value = next((v for key, v in one.items() if key.startswith("value")), None)
            yield _text(one.get("url")).rpartition("/")[2], value
            waiting += _list(one.get("extension"))


def _profiles(resource: Mapping[str, Any]) -> Iterable[object]:
    meta = resource.get("meta")
    return _list(meta.get("profile")) if isinstance(meta, dict) else []


def _reference(value: object) -> str:
    return _text(value.get("reference")) if isinstance(value, dict) else ""


def _tail(reference: str) -> str:
    return reference.rpartition("/")[2].removeprefix("urn:uuid:")


def _text(value: object) -> str:
    return value[: entries.LONGEST_TEXT].strip() if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []
