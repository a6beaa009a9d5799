"""Answers a search: which parameters it may have, and what they find (FHIR R4 search.html).

Strict: an unknown parameter is refused with 400 and named, so that a client's mistake cannot look like an
empty record (`Prefer: handling=strict` is what every request gets).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phr.sandbox import compartment, params
from phr.sandbox.cursors import NUMBERED, Position, Result
from phr.sandbox.grants import Access
from phr.sandbox.problems import OutcomeError, insufficient_scope, not_served
from phr.sandbox.record_habits import RecordHabits
from phr.sandbox.resources import Stored
from phr.sandbox.scopes import KNOWN_TYPES, Query, permits

if TYPE_CHECKING:
    from phr.sandbox.hospital import Hospital

Pairs = tuple[tuple[str, str], ...]
_IGNORED = frozenset(["_format", "_pretty", "_context"])
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
    offset: int = 0
    """In pages (`page`, from 0) or entries, as `next_by` counts."""
    ignored: list[str] = field(default_factory=list)
    """Parameters that were not understood and are passed over."""
    nothing: bool = False


def search(hospital: Hospital, access: Access, type_: str, pairs: Pairs) -> Position:
    """What a search of one type finds for this sign-in, and where in it. Raises OutcomeError."""
    habits = hospital.habits
    check_served(hospital, type_)
    if type_ == "Binary" or (type_ not in KNOWN_TYPES and type_ not in hospital.store.types()):
        text = "This type cannot be searched here."
        raise OutcomeError(404, "not-supported", text, type_=type_, way=habits.unknown_type)
    queries = permits(access.scopes, type_, "s")
    if not queries:
        raise insufficient_scope(type_, "s")
    asked = _asked(hospital, access, type_, pairs)
    _check_needs(hospital, type_, pairs)
    patient, nothing = access.grant.patient, asked.nothing or type_ in habits.total_without_entries
    found = [
        stored.type_and_id
        for stored in (() if nothing else hospital.store.of(type_))
        if hospital.store.visible(stored, patient) and _fits(stored, asked, queries)
    ]
    if habits.largest_result is not None and len(found) > habits.largest_result:
        raise OutcomeError(413, "too-costly", "The result is too large; narrow the search.")
    if habits.shuffled:
        random.shuffle(found)
    size = len(found) or 1 if habits.count == "all" else _page_size(hospital, type_, asked)
    result = Result(
        type=type_,
        found=tuple(found),
        path=type_,
        params=pairs,
        page_size=size,
        grant=access.grant,
        provenance=asked.provenance and bool(permits(access.scopes, "Provenance", "s")),
        ignored=tuple(asked.ignored),
    )
    return Position(result, asked.offset * size if habits.next_by == "page" else asked.offset)


def check_served(hospital: Hospital, type_: str) -> None:
    """Raise OutcomeError for a type that is not there, or that is refused whatever the scopes say."""
    habits = hospital.habits
    if habits.types and type_ not in habits.types:
        raise not_served(type_, habits.unknown_type)
    if type_ in habits.refuses:
        raise not_served(type_, habits.refuses[type_])


def everything(hospital: Hospital, access: Access, id_: str, pairs: Pairs) -> Result:
    """Patient/$everything: the compartment and what it refers to, as far as the scopes go. Raises OutcomeError."""
    patient, habits = access.grant.patient, hospital.habits
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
        for stored in (*members, *referred(hospital, members))
        if (only is None or stored.type in only)
        and (since is None or since(stored.updated))
        and allowed(stored, permits(access.scopes, stored.type, "r"))
    ]
    asked = _Asked([], [], [], _count(wanted["_count"]) if "_count" in wanted else None)
    return Result(
        type="Patient",
        found=tuple(found),
        path=f"Patient/{id_}/$everything",
        params=pairs,
        page_size=_page_size(hospital, "", asked) if habits.everything_paged else len(found) or 1,
        grant=access.grant,
        self_path="" if habits.everything_self else f"Patient/{id_}-other/$everything",
        strangers=habits.everything_strangers,
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
    known, habits = params.of(type_), hospital.habits
    unknown = []
    for name, value in pairs:
        plain = name.removesuffix(":Patient")
        if name in _IGNORED or (name, value) in habits.next_with:
            continue
        if name == "_count" and habits.count != "refused":
            asked.count = _count(value)
        elif name == "_id":
            asked.ids.append(_ids(hospital, value))
        elif name == habits.last_updated_name and by_last_updated(habits, type_):
            _since(hospital, asked, type_, value)
        elif name == "_revinclude" and value == "Provenance:target" and habits.revinclude:
            asked.provenance = True
        elif plain in ("patient", "subject") and plain in known:
            value = _merged(hospital, value)
            _check_patient(access, value)
            asked.filters.append(_filter(known[plain], value))
        elif name in known:
            _check_value(hospital, type_, name, value)
            asked.filters.append(_filter(known[name], value))
        elif name == habits.next_by and name in NUMBERED:
            asked.offset = max(0, _count(value) - (1 if name == "page" else 0))
        else:
            unknown.append(name)
    if unknown and habits.unknown_params == "refused":
        raise _unknown_params(type_, unknown)
    asked.ignored = unknown if habits.unknown_params == "warned" else []
    _check_together(hospital, {name for name, _ in pairs})
    return asked


def by_last_updated(habits: RecordHabits, type_: str) -> bool:
    """Whether this type can be searched by when it was updated, or says so."""
    return habits.last_updated is None or type_ in habits.last_updated


def _since(hospital: Hospital, asked: _Asked, type_: str, value: str) -> None:
    habits = hospital.habits
    lie = habits.last_updated_lies.get(type_, habits.last_updated_lies.get("*"))
    if lie == "ignored":
        return
    if lie == "refused":
        raise _unknown_params(type_, [habits.last_updated_name])
    if lie == "500":
        raise OutcomeError(500, "exception", "The search could not be done.")
    asked.nothing = asked.nothing or lie == "empty"
    prefix = value[:2] if value[:2].isalpha() else "eq"
    if prefix not in habits.last_updated_prefixes:
        raise OutcomeError(400, "value", f"{habits.last_updated_name} does not know the prefix {prefix}.")
    asked.updated.append(params.date_comparison(value))
    if len(asked.updated) > 2:
        raise OutcomeError(400, "value", f"{habits.last_updated_name} may be there twice at most.")


def _ids(hospital: Hospital, value: str) -> frozenset[str]:
    """The ids of `_id=a,b,c`, which mean or (FHIR R4 search.html#escaping)."""
    ids, habits = value.split(","), hospital.habits
    if len(ids) > 1 and habits.many_ids == "refused":
        raise OutcomeError(400, "value", "_id takes one id here.")
    return frozenset(ids[:1] if habits.many_ids == "first" else ids)


def _merged(hospital: Hospital, value: str) -> str:
    """A person who was merged into another is asked for by either id."""
    into = hospital.store.merged("Patient", value.rpartition("/")[2])
    return into.rpartition("/")[2] if into else value


def _check_value(hospital: Hospital, type_: str, name: str, value: str) -> None:
    habits, where = hospital.habits, f"{type_}.{name}"
    refused, known = habits.refused_values.get(where, ()), habits.known_values.get(where)
    codes = [part.rpartition("|")[2] for part in value.split(",")]
    if all(code in refused or (known is not None and code not in known) for code in codes):
        raise OutcomeError(400, "value", f"Invalid {name}: {value}", type_=type_)


def _check_together(hospital: Hospital, said: set[str]) -> None:
    habits = hospital.habits
    if habits.id_alone and "_id" in said and said - {"_id", "_count", "_revinclude"} - _IGNORED:
        raise OutcomeError(400, "invalid", "_id may not be combined with other parameters.")
    if habits.last_updated_name in said and not said.isdisjoint(habits.last_updated_not_with):
        names = " or ".join(habits.last_updated_not_with)
        raise OutcomeError(400, "invalid", f"_lastUpdated may not be combined with {names}.")


def _filter(param: params.Param, value: str) -> Callable[[dict[str, Any]], bool]:
    if param.kind == "date":
        for part in value.split(","):
            params.date_comparison(part)
    return lambda content: param.matches(content, value)


def _fits(stored: Stored, asked: _Asked, queries: Iterable[Query]) -> bool:
    if any(stored.id not in ids for ids in asked.ids):
        return False
    if asked.updated:
        at = stored.updated
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
    said = [name for name, _ in pairs]
    needs = habits.needs.get(type_, ())
    person = ("_id", "patient", "subject")
    own = type_ in compartment.ELEMENTS and type_ not in ("Patient", "Provenance")
    for wanted in (needs, person if habits.needs_person and own else ()):
        if wanted and not set(said) & set(wanted):
            combined = [name if name == "_id" else f"patient,{name}" for name in wanted]
            words = habits.needs_words_of.get(type_, habits.needs_words)
            for mark, text in {
                "{type}": type_,
                "{names}": ", ".join(wanted),
                "{given}": ",".join(said),
                "{combinations}": "[" + ",".join(f"[{names}]" for names in combined) + "]",
            }.items():
                words = words.replace(mark, text)
            status = habits.needs_status_of.get(type_, habits.needs_status)
            raise OutcomeError(status, habits.needs_code, words, type_=type_)


def _unknown_params(where: str, names: Iterable[str]) -> OutcomeError:
    said = f"{where} cannot be searched by: {', '.join(sorted(set(names)))}."
    return OutcomeError(400, "not-supported", said)


def _count(value: str) -> int:
    if not value.isascii() or not value.isdecimal():
        raise OutcomeError(400, "value", "_count is a whole number.")
    return int(value)


def _page_size(hospital: Hospital, type_: str, asked: _Asked) -> int:
    habits = hospital.habits
    usual, most = habits.page_sizes_of.get(type_, (habits.page_size, habits.max_page_size))
    usual = hospital.config.page_size or usual
    if asked.count is None or habits.count == "ignored" or (habits.id_alone and asked.ids):
        return usual
    return min(asked.count, max(most, usual))


def referred(hospital: Hospital, members: list[Stored]) -> list[Stored]:
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
