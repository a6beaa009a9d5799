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


@dataclass(frozen=True, slots=True)
class Capability:
    """A CapabilityStatement as far as a reading client needs it; `everything` means Patient/$everything."""

    fhir_version: str | None
    types: dict[str, TypeCapability]
    everything: bool
    software: str | None
    exports: tuple[str, ...] = ()
    """Where Bulk Data `$export` is declared: some of `patient`, `group`, `system`."""


def parse(statement: object) -> Capability | None:
    """Read a parsed CapabilityStatement; None if it is not one. Odd parts are skipped, never raised."""
    if not isinstance(statement, dict):
        return None
    if statement.get("resourceType") not in ("CapabilityStatement", "Conformance"):
        return None
    types: dict[str, TypeCapability] = {}
    everything = False
    exports: list[str] = []
    for rest in dicts(statement.get("rest")):
        if rest.get("mode") == "client":
            continue
        for resource in dicts(rest.get("resource")):
            name = resource.get("type")
            if not isinstance(name, str) or not name:
                continue
            types[name] = _type(resource, types.get(name))
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
    )


def _type(resource: dict[str, object], before: TypeCapability | None) -> TypeCapability:
    interactions = frozenset(_texts(resource.get("interaction"), "code"))
    params = frozenset(_texts(resource.get("searchParam"), "name"))
    if before is None:
        return TypeCapability(interactions, params)
    return TypeCapability(before.interactions | interactions, before.search_params | params)


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
