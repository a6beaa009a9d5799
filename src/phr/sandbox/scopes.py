"""SMART scopes, first and second version (SMART App Launch 2.2, "Scopes for requesting FHIR resources").

People are granted `patient/` scopes, machines without a person (SMART Backend Services) `system/` scopes, and
nobody `user/` scopes: no staff signs in here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from phr.sandbox import compartment, params
from phr.sandbox.habits import VendorHabits

CONTEXT = ("openid", "fhirUser", "profile", "launch/patient", "offline_access", "online_access")
"""The scopes granted beside those for resources."""

KNOWN_TYPES = frozenset(compartment.ELEMENTS) | compartment.SHARED

_RESOURCE = re.compile(
    r"(patient|system)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(.+))?"
)
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """One scope for resources, taken apart."""

    type: str
    """A resource type or `*`."""
    letters: frozenset[str]
    query: Query
    """Parameters that narrow it (`?category=…`); a resource has to match all of them."""
    text: str
    system: bool = False
    """Of a machine, for all people."""

    def only(self, type_: str) -> str:
        """The same permission for one type."""
        return self.text.replace("patient/*", f"patient/{type_}", 1)


def parse(text: str) -> ResourceScope | None:
    """A resource scope that this server understands in full; None for any other."""
    match = _RESOURCE.fullmatch(text)
    if match is None or (match[2] != "*" and match[2] not in KNOWN_TYPES):
        return None
    level, type_, permission, narrow = match.groups()
    query = tuple(parse_qsl(narrow or "", keep_blank_values=True))
    if narrow and (not query or type_ == "*" or permission in _FIRST_VERSION):
        return None
    if any(name not in params.of(type_) for name, _ in query):
        return None
    letters = frozenset(_FIRST_VERSION.get(permission, permission))
    return ResourceScope(type_, letters, query, text, level == "system")


def grantable(
    requested: str, habits: VendorHabits | None = None, registered: Iterable[str] = ()
) -> tuple[str, ...]:
    """The scopes of a person's sign-in that can be granted, in order, each once; the others are dropped.

    `registered` are those the app was registered with; none means that it may ask for everything.
    """
    habits = habits or VendorHabits()
    most = tuple(registered)
    words = dict.fromkeys(requested.split())
    return tuple(word for word in words if _granted(word, habits) and (not most or _within(word, most)))


def grantable_to_system(requested: str, registered: Iterable[str] = ()) -> tuple[str, ...]:
    """The same for a machine: `system/` scopes alone."""
    most = tuple(registered)
    found = [scope for scope in resource_scopes(dict.fromkeys(requested.split())) if scope.system]
    return tuple(scope.text for scope in found if not most or _within(scope.text, most))


def _granted(word: str, habits: VendorHabits) -> bool:
    if word in habits.drop_scopes:
        return False
    scope = parse(word)
    if scope is None:
        return word in CONTEXT
    return (
        not scope.system
        and (scope.type != "*" or habits.wildcards)
        and habits.scope_version in ("both", _version(word))
    )


def _version(word: str) -> str:
    match = _RESOURCE.fullmatch(word)
    return "v1" if match and match[3] in _FIRST_VERSION else "v2"


def _within(word: str, registered: tuple[str, ...]) -> bool:
    scope = parse(word)
    if scope is None or word in registered:
        return word in registered
    return any(
        most.system == scope.system
        and most.type in ("*", scope.type)
        and not most.query
        and scope.letters <= most.letters
        for most in resource_scopes(registered)
    )


def other_dialect(word: str) -> str:
    """The same permission as the other version writes it; what has no twin stays."""
    for first, second in (("read", "rs"), ("write", "cud"), ("*", "cruds")):
        stem, dot, permission = word.rpartition(".")
        if parse(word) and permission in (first, second):
            return stem + dot + (second if permission == first else first)
    return word


def resource_scopes(scopes: Iterable[str]) -> list[ResourceScope]:
    return [scope for scope in map(parse, scopes) if scope is not None]


def types_covered(scopes: Iterable[str], held: Iterable[str]) -> list[str]:
    """The types that the scopes speak of; a wildcard speaks of every type that is held."""
    asked = {scope.type for scope in resource_scopes(scopes)}
    return sorted((asked - {"*"}) | (set(held) if "*" in asked else set()))


def narrowed(scopes: Iterable[str], allowed: set[str], covered: Iterable[str]) -> tuple[str, ...]:
    """What is left when the person allows only some of the types covered; wildcards are spelt out."""
    everything = allowed.issuperset(covered)
    kept: list[str] = []
    for text in scopes:
        scope = parse(text)
        if scope is None or (scope.type == "*" and everything) or scope.type in allowed:
            kept.append(text)
        elif scope.type == "*":
            kept += [scope.only(type_) for type_ in sorted(allowed)]
    return tuple(dict.fromkeys(kept))


def permits(scopes: Iterable[str], type_: str, letter: str) -> tuple[Query, ...]:
    """The narrowing queries under which a type may be read (`r`) or searched (`s`).

    Empty: not at all. A query without parameters: all of them.
    """
    return tuple(
        scope.query
        for scope in resource_scopes(scopes)
        if scope.type in ("*", type_) and letter in scope.letters
    )
