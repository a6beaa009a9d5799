"""SMART scopes in both dialects: what to ask, what was given (SMART App Launch 2.2 section 3, 1.0 section 5).

v1 writes `patient/Observation.read`, v2 `patient/Observation.rs` and may narrow with a query. Servers grant in
other order, in the other dialect, less, or do not say (Oracle drops `.read` silently for an app registered
as v2); so granted scopes are always read by meaning, never compared as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from phr.model import SmartConfiguration, Vendor

_RESOURCE = re.compile(r"(?P<who>patient|user|system)/(?P<type>\*|[A-Za-z]+)\.(?P<letters>\*|[a-z]+)(\?.*)?")
NOT_GRANTED = "not granted at sign-in"
OTHER_VERSION = "not granted: the app is probably registered for the other version of SMART scopes"
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_V2_ORDER = "cruds"


def requested(vendor: Vendor, configuration: SmartConfiguration) -> tuple[str, ...]:
    """The scopes to ask for, in order, without repeats."""
    suffix = {"v1": ".read", "v2": ".rs"}[dialect(vendor, configuration)]
    resource = [scope if "." in scope else scope + suffix for scope in vendor.resource_scopes]
    return tuple(dict.fromkeys((*vendor.scopes, *resource)))


def system_scopes(vendor: Vendor, configuration: SmartConfiguration) -> tuple[str, ...]:
    """What to ask for where no person signs in (SMART Backend Services): the same types, for the system."""
    suffix = {"v1": ".read", "v2": ".rs"}[dialect(vendor, configuration)]
    wanted = [scope.partition("/")[2] or scope for scope in vendor.resource_scopes] or ["*"]
    return tuple(dict.fromkeys(f"system/{one if '.' in one else one + suffix}" for one in wanted))


def dialect(vendor: Vendor, configuration: SmartConfiguration) -> str:
    """`v1` or `v2`: as the vendor's profile says, else as the server says; v1 is what old servers know."""
    if vendor.scope_dialect in ("v1", "v2"):
        return vendor.scope_dialect
    if "permission-v2" in configuration.capabilities:
        return "v2"
    if "permission-v1" in configuration.capabilities:
        return "v1"
    letters = [m["letters"] for s in configuration.scopes_supported if (m := _RESOURCE.fullmatch(s))]
    return "v2" if letters and not any(word in _V1 for word in letters) else "v1"


def words(scope: str | Iterable[str] | None) -> tuple[str, ...]:
    """A scope string (or list) as separate scopes; commas were seen in place of spaces."""
    if scope is None:
        return ()
    if isinstance(scope, str):
        scope = scope.replace(",", " ").split() if "?" not in scope else scope.split()
    return tuple(dict.fromkeys(scope))


def permissions(granted: str | Iterable[str] | None, type_: str) -> frozenset[str]:
    """The v2 letters (c r u d s) that these scopes give for one resource type, all scopes taken together."""
    letters: set[str] = set()
    for scope in words(granted):
        match = _RESOURCE.fullmatch(scope)
        if match is None or match["type"] not in ("*", type_):
            continue
        given = _V1.get(match["letters"], match["letters"])
        if set(given) <= set(_V2_ORDER):
            letters |= set(given)
    return frozenset(letters)


def allows(granted: str | Iterable[str] | None, type_: str) -> bool:
    """Whether a type may be read and searched; a narrowed scope (`?category=…`) counts: part is allowed."""
    return {"r", "s"} <= permissions(granted, type_)


def names_resources(granted: str | Iterable[str] | None) -> bool:
    """Whether any resource type is named at all. If not, the grant says nothing and only asking shows."""
    return any(_RESOURCE.fullmatch(scope) for scope in words(granted))


def other_version(granted: str | Iterable[str] | None, asked: str | Iterable[str] | None) -> bool:
    """Whether an answer without any readable type looks like the wrong dialect.

    Oracle drops `.read` without a word for an app registered as v2, and what is left is `openid` and the like. A
    server that does not say at all what it gave (None, or empty) has not said that.
    """
    given = words(granted)
    return bool(given) and bool(readable(asked)) and not readable(given)


def readable(scope: str | Iterable[str] | None) -> frozenset[str]:
    """The types, perhaps `*`, that may be read or searched."""
    given: dict[str, set[str]] = {}
    for one in words(scope):
        if match := _RESOURCE.fullmatch(one):
            given.setdefault(match["type"], set()).update(permissions((one,), match["type"]))
    return frozenset(kind for kind, letters in given.items() if {"r", "s"} & letters)


def narrowed(granted: str | Iterable[str] | None, type_: str) -> tuple[str, ...]:
    """The conditions under which alone a type may be searched (`category=…`); empty when all of it may be."""
    conditions: list[str] = []
    for scope in words(granted):
        plain, _, condition = scope.partition("?")
        if allows((plain,), type_):
            if not condition:
                return ()
            conditions.append(condition)
    return tuple(conditions)


def why_not(granted: str | Iterable[str] | None, type_: str, asked: str | Iterable[str] | None = None) -> str:
    """Why a type that `allows` does not give will not come, in words. `asked`: what the sign-in asked for."""
    given = permissions(granted, type_)
    if "r" in given:
        return "the sign-in allows reading single ones, not searching"
    if "s" in given:
        return "the sign-in allows searching, not reading"
    if asked is not None:
        if other_version(granted, asked):
            return OTHER_VERSION
        if names_resources(asked) and not permissions(asked, type_):
            return "not asked for at sign-in"
    return NOT_GRANTED
