"""Decide what to ask of a server. Pure: what it declares, what was granted, the vendor's profile, where each search
stands and what asking has taught go in; searches and refusals come out, each with its reason in plain words.

Follows FHIR R4 "Search" (3.1.1), the Patient compartment and US Core 6. A CapabilityStatement is believed about the
types it names, a profile is a hint beside it; where neither says anything, asking will show. Only what changed is
asked for where the server is known to tell (`since` in phr.sync.since); anything else is asked in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from phr.fhir.capability import Capability, TypeCapability
from phr.model import Refusal, Search, Vendor
from phr.smart import scopes
from phr.sync.since import Ask, Standing, how_much
from phr.sync.types import (
    BY_REFERENCE,
    COMPARTMENT,
    ONLY_WHERE_DECLARED,
    OWN_PARAMETER,
    PATIENT_PARAMETERS,
    WITH_PROVENANCE,
    ordered,
)

__all__ = ["Ask", "Knowledge", "Plan", "Standing", "filter_of", "plan"]

PROVENANCE = "Provenance:target"
_ALL_THERE_IS = Ask()
_APART = frozenset({*PATIENT_PARAMETERS, "_lastupdated", "_count", "_revinclude", "_include", "_includes"})
NOT_SEARCHABLE = "the server lets single ones be read, not searched"
NOT_BY_PATIENT = "the server does not let it be searched by patient"
WITH_THE_OTHERS = "it comes along with the records it is about, so it is not asked for alone"
WHERE_POINTED_AT = "it is not about one patient: it is read where a record points at it"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What asking this server before has taught (phr.sync.learn). Only what is still believed is in here."""

    splits: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By type: one search for each of these parameters."""
    needs: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By type: parameters that every search needs."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """By type: how it names its patient, where that was not the usual word."""
    no_count: frozenset[str] = frozenset()
    no_last_updated: frozenset[str] = frozenset()
    no_revinclude: frozenset[str] = frozenset()
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """Type and reason; only those that are not yet due to be asked again."""
    refusals: Mapping[str, int] = field(default_factory=dict)
    """By type: how often it was taken for unsupported, also when that is believed no more."""
    no_everything: bool = False
    no_batch: bool = False
    no_many: frozenset[str] = frozenset()
    """Types of which several cannot be read at once by `_id=a,b`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask, in order, and which types will not come, with the reason."""

    searches: tuple[Search, ...]
    refused: tuple[Refusal, ...]
    everything: Search | None = None
    """`Patient/$everything`, to be asked first. The searches stay in the plan: see `beside`."""
    trusted: bool = False
    """Whether `everything` is taken for whole, because the profile says so; else it is a try."""
    unpromised: frozenset[str] = frozenset()
    """Types of which nobody said that a patient gets them here: their refusal is worth a note, not an alarm."""
    includes: frozenset[str] = frozenset()
    """Types whose searches bring their Provenance along."""

    @property
    def mode(self) -> str:
        """`incremental` where any search asks only for what changed, else `full`."""
        return "incremental" if any(search.since for search in self.searches) else "full"

    def beside(self, brought: Collection[str]) -> tuple[Search, ...]:
        """The searches still to ask once `everything` has brought resources of these types, whole and unflawed.

        What it holds is the server's choice (FHIR R4 patient-operation-everything.html): types are left out, so
        each type that it brought nothing of is asked for by itself. Nothing brought, or a try only: all of them.
        """
        if self.everything is None or not self.trusted:
            return self.searches
        return tuple(search for search in self.searches if search.type not in brought)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A type worth a question."""

    type: str
    parameter: str
    reason: str
    promised: bool
    declared: TypeCapability | None = None
    named: bool = True
    """Whether the server, the profile or the person speaks of it; else it is left out without a word."""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What the sign-in gave, read by meaning."""

    granted: tuple[str, ...]
    asked: tuple[str, ...] | None

    def why_not(self, type_: str, *, letters: frozenset[str] = frozenset("rs")) -> str | None:
        """Why a type will not come. A grant that names no type says nothing, unless types were asked for."""
        dropped = self.asked is not None and scopes.other_version(self.granted, self.asked)
        if not (scopes.names_resources(self.granted) or dropped):
            return None
        if letters <= scopes.permissions(self.granted, type_):
            return None
        return scopes.why_not(self.granted, type_, self.asked)


def plan(
    vendor: Vendor,
    capability: Capability | None,
    granted: tuple[str, ...],
    patient_id: str,
    ask: Ask | tuple[str, ...] = _ALL_THERE_IS,
    asked: tuple[str, ...] | None = None,
    *,
    standing: Mapping[tuple[str, str], Standing] | None = None,
    known: Knowledge = Knowledge(),
) -> Plan:
    """The searches for one patient, those others refer to first; the Patient itself is read beforehand. `asked` are
    the scopes that the sign-in asked for: they tell why a type is missing among the granted ones.
    `standing` says by type and `filter` where each search stands. A bare tuple for `ask` is its types.
    """
    ask = Ask(types=ask) if isinstance(ask, tuple) else ask
    standing = standing or {}
    grant = _Grant(granted, asked)
    came_before = {type_ for (type_, _), one in standing.items() if one.full_pass}
    refused: dict[str, Refusal] = {}
    taken: list[_Candidate] = []
    for one in _wanted(_candidates(vendor, capability, granted, ask, came_before, refused), ask):
        why = grant.why_not(one.type)
        if why is None and not (ask.full or one.type in ask.types or one.type in came_before):
            why = known.unsupported.get(one.type)
        if why is None:
            taken.append(one)
        elif one.named:
            refused[one.type] = Refusal(one.type, why)
    includes = _includes(vendor, capability, taken, grant, ask, known)
    if "Provenance" in refused and includes:
        del refused["Provenance"]
    _name_the_rest(ask, taken, includes, refused)
    searches = [
        search
        for one in taken
        for search in _searches(one, vendor, patient_id, ask, standing, known, one.type in includes)
    ]
    everything = _everything(vendor, capability, grant, patient_id, ask, known, alone=not searches)
    return Plan(
        searches=tuple(searches),
        refused=tuple(refused[type_] for type_ in ordered(refused) if not ask.types or type_ in ask.types),
        everything=everything,
        trusted=everything is not None and vendor.everything is True and not ask.full,
        unpromised=frozenset(one.type for one in taken if not one.promised) - came_before,
        includes=includes,
    )


def filter_of(params: Iterable[tuple[str, str]]) -> str:
    """What tells a search apart from the others of its type, `category=laboratory`: the key of its watermark.

    Sorted, and without the patient, `_lastUpdated`, `_count` and what is to come along.
    """
    return "&".join(sorted(f"{name}={value}" for name, value in params if name.lower() not in _APART))


def parameter_of(type_: str, declared: TypeCapability | None) -> str | None:
    """By which parameter a type is searched for one patient; None when it is not about a patient."""
    if type_ in ("Patient", "Binary"):
        return None
    for name in PATIENT_PARAMETERS:
        if declared is not None and (spelled := declared.spelling(name)):
            return spelled
    if type_ not in COMPARTMENT or (type_ == "Provenance" and declared is not None):
        return None
    # A list without any patient parameter is as often an omission as a fact: believe our own table.
    return OWN_PARAMETER.get(type_, "patient")


def _wanted(candidates: Iterable[_Candidate], ask: Ask) -> Iterator[_Candidate]:
    chosen = {one.type: one for one in candidates if not ask.types or one.type in ask.types}
    return (chosen[type_] for type_ in ordered(chosen))


def _candidates(
    vendor: Vendor,
    capability: Capability | None,
    granted: tuple[str, ...],
    ask: Ask,
    came_before: Collection[str],
    refused: dict[str, Refusal],
) -> list[_Candidate]:
    """Every type worth asking for; those that cannot be asked for go into `refused`."""
    if capability is None or not capability.types:
        return _undeclared(vendor, granted, ask, came_before)
    found = []
    for type_ in ordered(name for name in capability.types if name.isascii() and name.isalpha()):
        declared = capability.types[type_]
        parameter = parameter_of(type_, declared)
        if not declared.searchable:
            if type_ in COMPARTMENT and "read" in declared.interactions:
                refused[type_] = Refusal(type_, NOT_SEARCHABLE)
        elif parameter is not None:
            surely = declared.spelling(parameter) is not None or not declared.search_params
            profiled = not vendor.types or type_ in vendor.types
            reason = "the server declares it" + ("" if profiled else ", the profile does not have it")
            found.append(_Candidate(type_, parameter, reason, surely and profiled, declared))
        elif type_ in COMPARTMENT:
            refused[type_] = Refusal(type_, NOT_BY_PATIENT)
    more = dict.fromkeys(ask.types, "you named it; the server does not declare it")
    more |= dict.fromkeys(came_before, "it came before; the server does not declare it any more")
    those = ordered(type_ for type_ in more if type_ in COMPARTMENT and type_ not in capability.types)
    return found + [_by_table(type_, more[type_], promised=type_ in came_before) for type_ in those]


def _undeclared(
    vendor: Vendor, granted: tuple[str, ...], ask: Ask, came_before: Collection[str]
) -> list[_Candidate]:
    """Where the server declares nothing: the profile, what was granted by name, and else all there may be."""
    by_name = {type_ for type_ in scopes.readable(granted) if scopes.allows(granted, type_)} - {"*"}
    types = {*vendor.types, *by_name, *ask.types, *came_before}
    if not vendor.types:
        types |= {type_ for type_ in COMPARTMENT if type_ not in ONLY_WHERE_DECLARED}
    spoken = (
        ("the profile has it", vendor.types),
        ("the sign-in grants it", by_name),
        ("it came before", came_before),
        ("you named it", ask.types),
    )
    found = []
    for type_ in ordered(type_ for type_ in types if type_ in COMPARTMENT):
        said = next((words for words, those in spoken if type_ in those), None)
        if said:
            words = f"{said}; the server declares nothing"
            found.append(_by_table(type_, words, promised=said != "you named it"))
        else:
            found.append(_by_table(type_, "nobody says what there is; asking will show", named=False))
    return found


def _by_table(type_: str, reason: str, *, promised: bool = False, named: bool = True) -> _Candidate:
    return _Candidate(type_, parameter_of(type_, None) or "patient", reason, promised, None, named)


def _includes(
    vendor: Vendor,
    capability: Capability | None,
    taken: list[_Candidate],
    grant: _Grant,
    ask: Ask,
    known: Knowledge,
) -> frozenset[str]:
    """Types that are to bring their Provenance along: where it cannot be searched by patient and may be read.

    The server says for which; where it is silent about all of them, the profile may know (Epic).
    """
    alone = any(one.type == "Provenance" for one in taken)
    if alone or (ask.types and "Provenance" not in ask.types):
        return frozenset()
    if grant.why_not("Provenance", letters=frozenset("r")) is not None:
        return frozenset()
    declared = {one.type for one in taken if one.declared is not None and one.declared.brings(PROVENANCE)}
    anywhere = capability is not None and any(one.brings(PROVENANCE) for one in capability.types.values())
    if not anywhere and vendor.provenance:
        declared = {one.type for one in taken if one.type in WITH_PROVENANCE}
    return frozenset(declared - {"Provenance"} - known.no_revinclude)


def _name_the_rest(
    ask: Ask, taken: list[_Candidate], includes: frozenset[str], refused: dict[str, Refusal]
) -> None:
    """Types that the person named and that are not searched: none is left out without a word."""
    for type_ in ask.types:
        if type_ == "Patient" or type_ in refused or any(one.type == type_ for one in taken):
            continue
        why = WHERE_POINTED_AT if type_ in BY_REFERENCE else NOT_BY_PATIENT
        refused[type_] = Refusal(type_, WITH_THE_OTHERS if type_ == "Provenance" and includes else why)


def _searches(
    one: _Candidate,
    vendor: Vendor,
    patient_id: str,
    ask: Ask,
    standing: Mapping[tuple[str, str], Standing],
    known: Knowledge,
    with_provenance: bool,
) -> list[Search]:
    """The searches that a type is cut into, each with what it needs beside the patient."""
    parameter = known.parameters.get(one.type, one.parameter)
    always = dict((*vendor.search_params.get(one.type, ()), *known.needs.get(one.type, ())))
    split = known.splits.get(one.type) or vendor.splits.get(one.type) or ()
    cuts: list[tuple[tuple[str, str], ...]] = [(pair,) for pair in split] or [()]
    parts: dict[str, tuple[tuple[str, str], ...]] = {}
    for cut in cuts:
        names = {name for name, _ in cut}
        params = ((parameter, patient_id), *cut, *((n, v) for n, v in always.items() if n not in names))
        parts.setdefault(filter_of(params), params)
    amounts = how_much(
        parts,
        listed=one.type in vendor.last_updated,
        declared=one.declared,
        refused=one.type in known.no_last_updated,
        ask=ask,
        standing={filter_: state for (type_, filter_), state in standing.items() if type_ == one.type},
    )
    found = []
    for filter_, amount in amounts.items():
        changed = ((amount.parameter, f"ge{amount.since}"),) if amount.since else ()
        along = (("_revinclude", PROVENANCE),) if with_provenance else ()
        params = (*parts[filter_], *changed, *along)
        found.append(Search(one.type, params, f"{one.reason}; {amount.reason}", filter_, amount.since))
    return found


def _everything(
    vendor: Vendor,
    capability: Capability | None,
    grant: _Grant,
    patient_id: str,
    ask: Ask,
    known: Knowledge,
    *,
    alone: bool,
) -> Search | None:
    """`Patient/$everything` where the profile trusts it; tried where nobody says a word, or it is all that is declared."""
    silent = vendor.everything is None and (capability is None or not capability.types)
    silent |= alone and capability is not None and capability.everything and vendor.everything is not False
    if ask.types or not (vendor.everything or silent) or (known.no_everything and not ask.full):
        return None
    if grant.why_not("Patient", letters=frozenset("r")) is not None:
        return None
    reason = "nobody says what else there is" if silent else "the profile trusts it to bring the record"
    reason += "; asked in full: it cannot tell what changed"
    return Search(f"Patient/{patient_id}/$everything", (), reason)
