"""One Record out of one resource, whatever it is: pure, total, and fast enough for a hundred thousand.

What each type means stands in the tables of the other files here; this one only chooses among them.
Types that describe the world around a life (a practitioner, a value set) become supporting Records; a type
nobody here has heard of becomes an `other` with its name in words, so that nothing is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable

from phr.fhir import read
from phr.model import Record, Resource
from phr.records import administrative, clinical, documents, encounters, medications, orders, plans, results
from phr.records.draft import Draft
from phr.records.elements import words_of
from phr.records.lines import Line, line_of
from phr.records.references import Lookup, Reading, name_of
from phr.records.shapes import Shape, paths, read_shape

SHAPES: dict[str, Shape] = {
    **clinical.SHAPES,
    **plans.SHAPES,
    **medications.SHAPES,
    **encounters.SHAPES,
    **orders.SHAPES,
    **documents.SHAPES,
    **administrative.SHAPES,
}

_BY_HAND: dict[str, Callable[[Resource, Reading, str], Draft]] = {
    "Observation": results.observation,
    "DiagnosticReport": results.report,
}

# Around a life, not in it: people and places by name, the stuff that other resources point at, what
# servers say about themselves and their data, and definitions.
SUPPORTING = frozenset(
    """
    Patient Person RelatedPerson Practitioner PractitionerRole Organization OrganizationAffiliation Location
    HealthcareService Endpoint Group Medication MedicationKnowledge Substance Specimen DeviceMetric
    DeviceDefinition Schedule Slot Account InsurancePlan
    Provenance AuditEvent Binary Bundle List Basic Linkage Parameters OperationOutcome Subscription
    SubscriptionStatus MessageHeader VerificationResult
    ActivityDefinition CapabilityStatement Conformance ChargeItemDefinition CodeSystem CompartmentDefinition
    ConceptMap EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition ImplementationGuide
    Library Measure MeasureReport MessageDefinition NamingSystem ObservationDefinition OperationDefinition
    PlanDefinition Questionnaire ResearchDefinition ResearchElementDefinition ResearchStudy SearchParameter
    SpecimenDefinition StructureDefinition StructureMap TerminologyCapabilities TestReport TestScript ValueSet
    CatalogEntry EffectEvidenceSynthesis RiskEvidenceSynthesis
    MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication
    MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction
    MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical
    MedicinalProductUndesirableEffect SubstanceNucleicAcid SubstancePolymer SubstanceProtein
    SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification
    """.split()
)


def derive(resource: Resource, lookup: Lookup) -> Record:
    """The Record of one resource.

    `lookup` answers `Type/id` with the resource as stored from the same source, or None; what it was asked
    stands in `Record.wanted`. Never raises, whatever stands in the resource.
    """
    return _draft(resource, lookup).record()


def derive_line(resource: Resource, lookup: Lookup) -> Line:
    """The same Record as the store keeps it."""
    return line_of(_draft(resource, lookup))


def _draft(resource: Resource, lookup: Lookup) -> Draft:
    type_ = resource.get("resourceType")
    if not isinstance(type_, str):
        type_ = "Resource"
    address = f"{type_}/{read.text(resource.get('id')) or ''}"
    reading = Reading(resource, lookup)
    reader = _BY_HAND.get(type_)
    if reader is not None:
        return reader(resource, reading, address)
    shape = SHAPES.get(type_)
    if shape is None or (
        type_ == "Device" and not resource.get("patient")
    ):  # an instrument, a program that wrote
        shape = _around(type_) if type_ in SUPPORTING or type_ in SHAPES else _unknown(type_)
    return read_shape(resource, reading, address, shape)


def type_words(type_: str) -> str:
    """`MedicinalProduct` as `Medicinal product`."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type_).strip()
    return words[:1].upper() + words[1:] if words else "Resource"


_TITLES = ("code", "title", "name", "description", "type", "category")
_WRITTEN_DOWN = paths("created", "authoredOn", "recorded", "issued")
_DATES = (*paths("date"), *_WRITTEN_DOWN, *paths("period"))


def _name(resource: Resource, reading: Reading) -> str | None:
    """People, places, drugs by their names; a role by who has it; else the type's own name."""
    if name := name_of(resource):
        return name
    for key in ("practitioner", "organization", "target"):
        if words := reading.named(read.first(resource.get(key)), 0):
            return words
    words = words_of(resource.get("title")) or words_of(resource.get("description"))
    return words or type_words(resource["resourceType"])


# Photos of those who treat are refused as a rule (Epic), and nobody needs them.
_PORTRAYED = frozenset({"Patient", "Person", "RelatedPerson"})


def _around(type_: str) -> Shape:
    return Shape(
        "other",
        type_words(type_),
        name_it=_name,
        title=(),
        codes=paths("code", "type"),
        when=paths(
            "collection.collectedDateTime", "collection.collectedPeriod", "receivedTime", "occurredDateTime"
        )
        + paths("recorded", "date"),
        category=(),
        encounter=(),
        attachments=paths("photo") if type_ in _PORTRAYED else (),
        supporting=True,
    )


def _unknown(type_: str) -> Shape:
    return Shape(
        "other", type_words(type_), name_it=_named(type_), title=(), when=_DATES, recorded=_WRITTEN_DOWN
    )


def _named(type_: str) -> Callable[[Resource, Reading], str | None]:
    """`Molecular sequence: …`; the type's name alone where it has no words of its own."""

    def title(resource: Resource, reading: Reading) -> str | None:
        name = type_words(type_)
        for element in _TITLES:
            if words := words_of(resource.get(element)):
                return f"{name}: {words}"
        return name

    return title
