"""Answers a search: which parameters it may have, and what they find (FHIR R4 search.html).

Strict: an unknown parameter is refused with 400 and named, so that a client's mistake cannot look like an
empty record (`Prefer: handling=strict` is what every request gets).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phr.sandbox import compartment, params
from phr.sandbox.grants import Access
from phr.sandbox.pagination import Result
from phr.sandbox.problems import OutcomeError, insufficient_scope, not_served
from phr.sandbox.resources import Stored
from phr.sandbox.scopes import KNOWN_TYPES, Query, permits

if TYPE_CHECKING:
    from phr.sandbox.hospital import Hospital

Pairs = tuple[tuple[str, str], ...]
_IGNORED = frozenset(["_format", "_pretty"])
_SHARED_REFERENCE = re.compile(
    rb'"reference"\s*:\s*"(?:[^"\\]*/)?('
    + "|".join(sorted(compartment.SHARED)).encode()
    + rb')/([^"/\\?#]+)"'
)


@dataclass(slots=True)
class _Asked:
    """The parameters of one search, taken apart."""

    filters: list[Callable[[dict[str, Any]], bool]]
    updated: list[Callable[[tuple[float, float]], bool]]
    ids: list[frozenset[str]]
    count: int | None = None
    provenance: bool = False


def search(hospital: Hospital, access: Access, type_: str, pairs: Pairs) -> Result:
    """What a search of one type finds for this sign-in. Raises OutcomeError."""
    served = hospital.habits.types
    if served and type_ not in served:
        raise not_served(type_)
    if type_ == "Binary" or (type_ not in KNOWN_TYPES and type_ not in hospital.store.types()):
        raise OutcomeError(404, "not-supported", "This type cannot be searched here.")
    queries = permits(access.scopes, type_, "s")
    if not queries:
        raise insufficient_scope(type_, "s")
    asked = _asked(hospital, access, type_, pairs)
    _check_needs(hospital, type_, pairs)
    patient = access.grant.patient
    found = [
        stored
        for stored in hospital.store.of(type_)
        if hospital.store.visible(stored, patient) and _fits(stored, asked, queries)
    ]
    return Result(
        type=type_,
        found=tuple((stored.type, stored.id) for stored in found),
        path=type_,
        params=pairs,
        page_size=_page_size(hospital, asked.count),
        grant=access.grant,
        provenance=asked.provenance and bool(permits(access.scopes, "Provenance", "s")),
    )


def everything(hospital: Hospital, access: Access, id_: str, pairs: Pairs) -> Result:
    """Patient/$everything: the compartment and what it refers to, as far as the scopes go. Raises OutcomeError."""
    patient = access.grant.patient
    if not permits(access.scopes, "Patient", "r"):
        raise insufficient_scope("Patient", "r")
    if patient not in (None, id_) or hospital.store.get("Patient", id_) is None:
        raise OutcomeError(404, "not-found", "This Patient is not known here.")
    wanted = dict(pairs)
    unknown = sorted(set(wanted) - {"_count", "_type", "_since"} - _IGNORED)
    if unknown:
        raise _unknown_params("Patient/$everything", unknown)
    since = params.date_comparison("ge" + wanted["_since"]) if "_since" in wanted else None
    only = set(wanted["_type"].split(",")) if "_type" in wanted else None
    members = [
        stored
        for type_ in ("Patient", *(name for name in hospital.store.types() if name != "Patient"))
        if type_ in compartment.ELEMENTS
        for stored in hospital.store.of(type_, id_)
    ]
    found = [
        stored.type_and_id
        for stored in (*members, *_referred(hospital, members))
        if (only is None or stored.type in only)
        and (since is None or since((stored.last_updated, stored.last_updated)))
        and allowed(stored, permits(access.scopes, stored.type, "r"))
    ]
    return Result(
        type="Patient",
        found=tuple(found),
        path=f"Patient/{id_}/$everything",
        params=pairs,
        page_size=_page_size(hospital, _count(wanted["_count"]) if "_count" in wanted else None),
        grant=access.grant,
    )


def allowed(stored: Stored, queries: Iterable[Query]) -> bool:
    """Whether scopes with these narrowing queries cover a resource."""
    content: dict[str, Any] | None = None
    known = params.of(stored.type)
    for query in queries:
        if not query:
            return True
        content = stored.content if content is None else content
        if all(known[name].matches(content, value) for name, value in query):
            return True
    return False


def _asked(hospital: Hospital, access: Access, type_: str, pairs: Pairs) -> _Asked:
    asked = _Asked([], [], [])
    known = params.of(type_)
    unknown = []
    for name, value in pairs:
        plain = name.removesuffix(":Patient")
        if name in _IGNORED:
            continue
        if name == "_count":
            asked.count = _count(value)
        elif name == "_id":
            asked.ids.append(frozenset(value.split(",")))
        elif name == "_lastUpdated" and _by_last_updated(hospital, type_):
            asked.updated.append(params.date_comparison(value))
        elif name == "_revinclude" and value == "Provenance:target":
            asked.provenance = True
        elif plain in ("patient", "subject") and plain in known:
            _check_patient(access, value)
            asked.filters.append(_filter(known[plain], value))
        elif name in known:
            asked.filters.append(_filter(known[name], value))
        else:
            unknown.append(name)
    if unknown:
        raise _unknown_params(type_, unknown)
    return asked


def _by_last_updated(hospital: Hospital, type_: str) -> bool:
    types = hospital.habits.last_updated
    return types is None or type_ in types


def _filter(param: params.Param, value: str) -> Callable[[dict[str, Any]], bool]:
    if param.kind == "date":
        for part in value.split(","):
            params.date_comparison(part)
    return lambda content: param.matches(content, value)


def _fits(stored: Stored, asked: _Asked, queries: Iterable[Query]) -> bool:
    if any(stored.id not in ids for ids in asked.ids):
        return False
    at = (stored.last_updated, stored.last_updated)
    if not all(compare(at) for compare in asked.updated):
        return False
    if asked.filters:
        content = stored.content
        if not all(test(content) for test in asked.filters):
            return False
    return allowed(stored, queries)


def _check_patient(access: Access, value: str) -> None:
    for reference in value.split(",") if access.grant.patient is not None else ():
        if (compartment.patient_id(reference) or reference) != access.grant.patient:
            raise OutcomeError(403, "forbidden", "The sign-in is for another person.")


def _check_needs(hospital: Hospital, type_: str, pairs: Pairs) -> None:
    habits = hospital.habits
    said = {name for name, _ in pairs}
    needs = habits.needs.get(type_, ())
    person = ("_id", "patient", "subject")
    own = type_ in compartment.ELEMENTS and type_ not in ("Patient", "Provenance")
    for wanted in (needs, person if habits.needs_person and own else ()):
        if wanted and said.isdisjoint(wanted):
            text = f"{type_} can be searched only with one of the parameters: {', '.join(wanted)}."
            raise OutcomeError(habits.needs_status_of.get(type_, habits.needs_status), "required", text)


def _unknown_params(where: str, names: Iterable[str]) -> OutcomeError:
    said = f"{where} cannot be searched by: {', '.join(sorted(set(names)))}."
    return OutcomeError(400, "not-supported", said)


def _count(value: str) -> int:
    if not value.isascii() or not value.isdecimal():
        raise OutcomeError(400, "value", "_count is a whole number.")
    return int(value)


def _page_size(hospital: Hospital, count: int | None) -> int:
    habits = hospital.habits
    usual = hospital.config.page_size or habits.page_size
    return usual if count is None else min(count, max(habits.max_page_size, usual))


def _referred(hospital: Hospital, members: list[Stored]) -> list[Stored]:
    """Practitioners, Organizations and so on that the members name, and whom these name in turn."""
    found: dict[tuple[bytes, bytes], Stored] = {}
    waiting = list(members)
    while waiting:
        for key in set(_SHARED_REFERENCE.findall(waiting.pop().raw)) - found.keys():
            stored = hospital.store.get(key[0].decode(), key[1].decode(errors="replace"))
            if stored is not None:
                found[key] = stored
                waiting.append(stored)
    return sorted(found.values(), key=lambda stored: stored.type_and_id)
