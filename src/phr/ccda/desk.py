"""What every section has on its desk: the Bundle, who said what, and what was left out and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from phr.ccda import codes
from phr.ccda.bundle import Entry, Index, name_uuid
from phr.ccda.datatypes import has_code
from phr.ccda.xml import Introduced
from phr.fhir import dates
from phr.fhir.read import codings, first, human_name, listed, text
from phr.model import Bundle, Problem, Resource

SUPPORTING = frozenset(
    """Patient Practitioner PractitionerRole Organization Location Medication Specimen RelatedPerson Binary
    Composition Provenance OperationOutcome Endpoint HealthcareService Substance PlanDefinition Questionnaire
    CodeSystem ValueSet StructureDefinition CapabilityStatement""".split()
)
"""Written as part of what refers to them; alone they are no clinical statement."""

ANOTHER = "It is about another person: the name and the date of birth are different."
PATIENT = "the patient"
"""How a note names its author where the name is not known."""
MODIFIED = "The source says that an extension changes its meaning, and the extension is not known here."
ENTERED_IN_ERROR = "The source says it was entered in error."


NO_OTHERS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Outfit:
    """What the document in the making is, for the words in it and about it."""

    document: str = "a Continuity of Care Document"
    encloses: bool = True
    """Whether files go along inside it."""
    entries: bool = True
    """Whether it has C-CDA entries beside its words."""
    opened: frozenset[str] = frozenset()
    """fullUrls of C-CDA documents whose statements were read, and stand in the record one by one."""


CCD = Outfit()


@dataclass(frozen=True, slots=True)
class Told:
    """Who wrote something, as a Provenance says."""

    entry: Entry
    author: object = field(repr=False)


class Desk:
    """The state of one document in the making."""

    def __init__(
        self,
        bundle: Bundle,
        sources: Mapping[str, str],
        now: datetime,
        also: Mapping[str, tuple[str, ...]] = NO_OTHERS,
        outfit: Outfit = CCD,
    ) -> None:
        self.outfit = outfit
        self.index = Index(bundle)
        self.now = now
        self.left_out: list[Problem] = list(self.index.repeated)
        self.dates: list[object] = []
        """When the content happened."""
        self.places: dict[int, list[tuple[Entry, str]]] = {}
        """id() of an Observation to the reports and panels that it is a part of, and stands outside of."""
        self.introduced: dict[tuple[str, str], Introduced] = {}
        """The authors of the entries that are written already, each description once."""
        self.patient = _subject(self.index)
        self._also = also
        self._sources = {base.rstrip("/"): name for base, name in sources.items()}
        self._names: frozenset[str | None] | None = None
        self._done: set[int] = set()
        self._live: dict[str, list[Entry]] = {}
        self._alive: set[int] = set()
        for entry in self.index.entries:
            if _in_error(entry.resource):
                self.leave_out(entry, ENTERED_IN_ERROR)
            elif entry.type not in SUPPORTING and listed(entry.resource.get("modifierExtension")):
                self.leave_out(
                    entry, MODIFIED
                )  # FHIR R4 2.1.0.16: not to be processed by who does not know it
            elif self._of_another(entry):
                self.leave_out(entry, ANOTHER)
            else:
                self._live.setdefault(entry.type, []).append(entry)
                self._alive.add(id(entry))
        self._told = self._provenances()
        self.several = len(set(map(self.source, self._statements()))) > 1 or any(
            map(self.further_sources, self._statements())
        )

    def about(self) -> str | None:
        """The name of whose record this is."""
        return human_name(self.patient.resource.get("name")) if self.patient else None

    def is_the_patient(self, name: str) -> bool:
        """Whether a note that says its author in words alone is the patient's own."""
        if self._names is None:
            own = (
                entry
                for entry in self.index.entries
                if entry.type == "Patient" and not self.is_another(entry)
            )
            self._names = frozenset((PATIENT, *(human_name(entry.resource.get("name")) for entry in own)))
        return name in self._names

    def _of_another(self, entry: Entry) -> bool:
        """Whether the subject is a Patient who cannot be the one whose record this is, such as a newborn."""
        keys = (key for key in ("subject", "patient", "beneficiary") if key in entry.resource)
        subject = next((self.index.find(entry, first(entry.resource[key])) for key in keys), None)
        return subject is not None and subject.type == "Patient" and self.is_another(subject)

    def is_another(self, patient: Entry) -> bool:
        """Whether a Patient cannot be the one whose record this is."""
        if self.patient is None or patient is self.patient:
            return False
        return differ(patient.resource, self.patient.resource)

    def _statements(self) -> list[Entry]:
        return [entry for entry in self.index.entries if entry.type not in SUPPORTING]

    def of(self, *types: str, when: Callable[[Resource], object] | None = None) -> list[Entry]:
        """All entries of these types that may stand in the document; newest first by `when`."""
        found = [entry for type_ in types for entry in self._live.get(type_, ())]
        if when is None:
            return found
        self.dates.extend(when(entry.resource) for entry in found)
        return newest(found, when)

    def lives(self, entry: Entry) -> bool:
        """Whether this resource of the Bundle may stand in the document."""
        return entry.container is None and id(entry) in self._alive

    def find(self, entry: Entry, reference: object) -> Entry | None:
        """What a Reference inside `entry` means, if it is in the Bundle."""
        return self.index.find(entry, reference)

    def own_source(self, entry: Entry) -> str | None:
        """The human name of who provided this: as told, else the host of its server."""
        known = self._sources.get(entry.base) if entry.base else None
        return known or urlsplit(entry.base).hostname or None

    def further_sources(self, entry: Entry) -> tuple[str, ...]:
        """Who else says the same."""
        names = self._also.get(entry.full_url or "") if self._also else None
        if not names:
            return ()
        return tuple(dict.fromkeys(name for name in names if name and name != self.own_source(entry)))

    def source(self, entry: Entry) -> str | None:
        """Everybody who says this, for the eye."""
        own = self.own_source(entry)
        return ", ".join([*([own] if own else []), *self.further_sources(entry)]) or None

    def provenance(self, entry: Entry) -> Told | None:
        """Who is said to have written this, in a resource of its own (US Core Provenance)."""
        return self._told.get(entry.address)

    def _provenances(self) -> dict[str, Told]:
        found: dict[str, Told] = {}
        for entry in self._live.get("Provenance", ()):
            agents = [each for each in listed(entry.resource.get("agent")) if isinstance(each, dict)]
            writer = next((each for each in agents if has_code(each.get("type"), {"author"})), None)
            if writer is None:
                continue
            for reference in listed(entry.resource.get("target")):
                target = self.find(entry, reference)
                if target is not None:
                    found.setdefault(target.address, Told(entry, writer.get("who")))
        return found

    def source_id(self, entry: Entry) -> str:
        """An id for who provided this."""
        return name_uuid(f"{entry.base}~source")

    def done(self, entry: Entry) -> None:
        """This resource stands in the document."""
        self._done.add(id(entry))

    def leave_out(self, entry: Entry, reason: str) -> None:
        """This resource does not stand in the document, and why. The first reason counts."""
        if id(entry) not in self._done:
            self._done.add(id(entry))
            self.left_out.append(Problem(entry.type, reason, entry.id))

    def close(self) -> None:
        """Name whatever no section has taken."""
        for entry in self._statements():
            self.leave_out(entry, f"No section of {self.outfit.document} takes it.")


def _subject(index: Index) -> Entry | None:
    """Whose record this is: the subject of a leading Composition, else the first Patient."""
    if index.entries and index.entries[0].type == "Composition":
        found = index.find(index.entries[0], index.entries[0].resource.get("subject"))
        if found is not None and found.type == "Patient":
            return found
    return next((entry for entry in index.entries if entry.type == "Patient"), None)


def differ(one: Resource, other: Resource) -> bool:
    """Whether two Patients are two people. Sources spell names and mistype dates: both have to differ."""
    births = [dates.parse(each.get("birthDate")) for each in (one, other)]
    names = [_called(each) for each in (one, other)]
    if births[0] is None or births[1] is None or not names[0] or not names[1]:
        return False
    apart = births[0].end <= births[1].start or births[1].end <= births[0].start
    return apart and names[0].isdisjoint(names[1])


def _called(patient: Resource) -> set[tuple[str, str]]:
    """(family, first given) of all names of a Patient."""
    names = [name for name in listed(patient.get("name")) if isinstance(name, dict)]
    whole = [(text(first(name.get("family"))), text(first(name.get("given")))) for name in names]
    return {(family.casefold(), given.casefold()) for family, given in whole if family and given}


def newest(entries: list[Entry], when: Callable[[Resource], object]) -> list[Entry]:
    """Newest first; what has no date comes last, in the order of the Bundle."""

    def key(entry: Entry) -> float:
        date = dates.parse(when(entry.resource))
        return -date.start if date else float("inf")

    return sorted(entries, key=key)


def _in_error(resource: Resource) -> bool:
    if {text(resource.get(key)) for key in ("status", "lifecycleStatus")} & {"entered-in-error", "nullified"}:
        return True
    said = [resource.get(key) for key in ("verificationStatus", "docStatus")]
    return any(has_code(each, {"entered-in-error"}) or text(each) == "entered-in-error" for each in said)


def doubt(resource: Resource) -> str | None:
    """How far from certain a diagnosis or an allergy is; None for what is confirmed, or not said."""
    said = next((c.code for c in codings(resource.get("verificationStatus")) if c.code), None)
    said = said or text(resource.get("verificationStatus"))
    return said if said in ("unconfirmed", "provisional", "differential", "presumed") else None


def negated(concept: object) -> str | None:
    """The code of a concept that says "none known", if it is one."""
    known = frozenset(codes.NO_KNOWN_ALLERGY) | codes.NO_KNOWN_PROBLEM | codes.NO_KNOWN_MEDICATION
    return has_code(concept, known | codes.NO_KNOWN_OTHER)
