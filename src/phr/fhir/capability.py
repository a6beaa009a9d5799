"""What a server says it can do: CapabilityStatement (FHIR R4 capabilitystatement.html), DSTU2 Conformance.

Only a hint. Servers promise what fails and leave out what works (Epic omits `_count` and Provenance), so
nothing is refused because of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phr.fhir.read import dicts


@dataclass(frozen=True, slots=True)
class TypeCapability:
    """One resource type: `interactions` such as `read`, `search-type`; the names of its search parameters."""

    interactions: frozenset[str]
    search_params: frozenset[str]
    revincludes: frozenset[str] = frozenset()
    """What may come along by `_revinclude`: `Provenance:target`."""

    @property
    def searchable(self) -> bool:
        """Whether it may be searched; a type that lists no interactions at all has said nothing."""
        return not self.interactions or "search-type" in self.interactions

    def spelling(self, parameter: str) -> str | None:
        """How the server writes a parameter (Epic: `_lastupdated`); None where it does not declare it."""
        if parameter in self.search_params:
            return parameter
        low = parameter.lower()
        return min((name for name in self.search_params if name.lower() == low), default=None)

    def brings(self, revinclude: str) -> bool:
        """Whether this may be asked for by `_revinclude`."""
        low = revinclude.lower()
        return any(name == "*" or name.lower() == low for name in self.revincludes)


@dataclass(frozen=True, slots=True)
class Capability:
    """A CapabilityStatement as far as a reading client needs it; `everything` means Patient/$everything."""

    fhir_version: str | None
    types: dict[str, TypeCapability]
    everything: bool
    software: str | None
    exports: tuple[str, ...] = ()
    """Where Bulk Data `$export` is declared: some of `patient`, `group`, `system`."""
    interactions: frozenset[str] = frozenset()
    """What the base itself takes: `batch`, `transaction`, `search-system` …"""

    @property
    def batch(self) -> bool:
        """Whether a `batch` Bundle may be sent to the base (FHIR R4 http.html#transaction)."""
        return "batch" in self.interactions

    def by_ids(self, type_: str) -> bool:
        """Whether several of a type may be read at once by `_id=a,b,c`."""
        declared = self.types.get(type_)
        return declared is not None and declared.searchable and declared.spelling("_id") is not None


def parse(statement: object) -> Capability | None:
    """Read a parsed CapabilityStatement; None if it is not one. Odd parts are skipped, never raised."""
    if not isinstance(statement, dict):
        return None
    if statement.get("resourceType") not in ("CapabilityStatement", "Conformance"):
        return None
    types: dict[str, TypeCapability] = {}
    everything = False
    exports: list[str] = []
    interactions: set[str] = set()
    for rest in dicts(statement.get("rest")):
        if rest.get("mode") == "client":
            continue
        interactions |= set(_texts(rest.get("interaction"), "code"))
        # `rest.searchParam` holds for every type of this rest.
        common = frozenset(_texts(rest.get("searchParam"), "name"))
        for resource in dicts(rest.get("resource")):
            name = resource.get("type")
            if not isinstance(name, str) or not name:
                continue
            types[name] = _type(resource, common, types.get(name))
            everything |= name == "Patient" and _offers_everything(resource)
            if name in ("Patient", "Group") and _offers_export(resource):
                exports.append(name.lower())
        everything |= _offers_everything(rest)
        exports += ["system"] if _offers_export(rest) else []
    software = statement.get("software")
    name = software.get("name") if isinstance(software, dict) else None
    version = statement.get("fhirVersion")
    return Capability(
        fhir_version=version if isinstance(version, str) else None,
        types=types,
        everything=everything,
        software=name if isinstance(name, str) else None,
        exports=tuple(dict.fromkeys(exports)),
        interactions=frozenset(interactions),
    )


def _type(
    resource: dict[str, object], common: frozenset[str], before: TypeCapability | None
) -> TypeCapability:
    interactions = frozenset(_texts(resource.get("interaction"), "code"))
    params = frozenset(_texts(resource.get("searchParam"), "name")) | common
    named = resource.get("searchRevInclude")
    listed = named if isinstance(named, list) else [named]
    revincludes = frozenset(one for one in listed if isinstance(one, str))
    if before is None:
        return TypeCapability(interactions, params, revincludes)
    return TypeCapability(
        before.interactions | interactions,
        before.search_params | params,
        before.revincludes | revincludes,
    )


def _offers_everything(holder: dict[str, object]) -> bool:
    named = (*_texts(holder.get("operation"), "name"), *_texts(holder.get("operation"), "definition"))
    return any(
        word.strip("$").lower() in ("everything", "patient-everything")
        or word.lower().endswith("/patient-everything")
        for word in named
    )


def _offers_export(holder: dict[str, object]) -> bool:
    """Bulk Data Access 2.0 "Bulk Data Kick-off Request": at the patients, at a group, or of the whole system."""
    return any(
        word.strip("$").lower() in ("export", "patient-export", "group-export")
        for word in _texts(holder.get("operation"), "name")
    )


def _texts(value: object, key: str) -> Iterator[str]:
    for item in dicts(value):
        text = item.get(key)
        if isinstance(text, str):
            yield text
