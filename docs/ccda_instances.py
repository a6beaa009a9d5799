"""What `ccda_coverage` sets its elements in: for each section an instance that stands in it, and known reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

Json = dict[str, Any]

SILENT = frozenset(
    """id implicitRules language contained extension modifierExtension meta text subject patient fhir_comments
    resourceType beneficiary""".split()
)
"""Elements of every resource that say nothing by themselves, and whom it is about."""

_LOINC = "http://loinc.org"
_SCT = "http://snomed.info/sct"


def _concept(words: str, system: str | None = None, code: str | None = None) -> Json:
    return {
        "text": words,
        **({"coding": [{"system": system, "code": code, "display": words}]} if system else {}),
    }


def _category(code: str) -> list[Json]:
    return [{"coding": [{"code": code}]}]


@dataclass(frozen=True)
class Instance:
    """One kind of resource in one section."""

    title: str
    type: str
    resource: Json = field(repr=False)
    around: dict[str, Any] = field(default_factory=dict, repr=False)
    """What has to stand beside an inner element so that the outer one says something."""
    choices: tuple[str, ...] = ()
    """Elements of which only one may be there: value[x], onset[x]."""
    beside: tuple[Json, ...] = field(default=(), repr=False)


def _instance(
    title: str,
    type_: str,
    resource: Json,
    around: dict[str, Any] | None = None,
    *choices: str,
    beside: Json | None = None,
) -> Instance:
    own = {"resourceType": type_, "id": "own", **resource}
    return Instance(title, type_, own, around or {}, choices, (beside,) if beside else ())


def _named(type_: str, **more: Any) -> Json:
    return {"resourceType": type_, "id": "probe", **more}


_PERSON = [{"family": "Penn", "given": ["Ida"]}]
WORLD: tuple[Json, ...] = (
    _named("Patient", name=[{"family": "Vane", "given": ["Odo"]}], birthDate="1980-01-02"),
    _named("Practitioner", name=_PERSON),
    _named("Organization", name="Probe Clinic"),
    _named("Location", name="Probe Ward"),
    _named("Condition", code=_concept("Probed condition", _SCT, "64572001")),
    _named("Encounter", status="finished", period={"start": "2019-01-01"}),
    _named(
        "Observation", status="final", code=_concept("Probed observation", _LOINC, "2345-7"), valueString="x"
    ),
    _named(
        "Medication", code=_concept("Probed medicine", "http://www.nlm.nih.gov/research/umls/rxnorm", "1")
    ),
    _named("Device", type=_concept("Probed device")),
    _named("Specimen", type=_concept("Probed specimen", _SCT, "119297000")),
    _named("Procedure", status="completed", code=_concept("Probed procedure", _SCT, "80146002")),
    _named("MedicationRequest", status="active", medicationCodeableConcept=_concept("Probed order")),
    _named("Goal", lifecycleStatus="active", description=_concept("Probed goal")),
    _named("Coverage", status="active", type=_concept("Probed plan")),
    _named("ServiceRequest", status="active", intent="order", code=_concept("Probed request")),
    _named(
        "DocumentReference",
        status="current",
        type=_concept("Probed note"),
        content=[{"attachment": {"contentType": "text/plain", "data": "eA=="}}],
    ),
)

_DOSING = {
    "dosageInstruction": {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "mg", "code": "mg"}}]},
    "dosage": {"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "mg", "code": "mg"}}]},
    "dosageInstruction.doseAndRate": {"doseQuantity": {"value": 1, "unit": "mg", "code": "mg"}},
    "dosage.doseAndRate": {"doseQuantity": {"value": 1, "unit": "mg", "code": "mg"}},
    "dosageInstruction.timing.repeat": {"frequency": 1, "period": 1, "periodUnit": "d"},
    "dosage.timing.repeat": {"frequency": 1, "period": 1, "periodUnit": "d"},
}
_NOTE = {"note": {"text": "A note"}}
_DRUG = {"medicationCodeableConcept": _concept("Iron")}
_DOSE_CHOICES = ("medication", "effective", "dose", "rate", "asNeeded", "bounds", "reported", "statusReason")
_OBSERVED = {
    "component": {"code": _concept("Part", _LOINC, "2339-0"), "valueQuantity": {"value": 3, "unit": "mg"}},
    "referenceRange": {"low": {"value": 1, "unit": "mg"}},
    "effectiveTiming.repeat": {"frequency": 1, "period": 1, "periodUnit": "d"},
    "component.referenceRange": {"low": {"value": 1, "unit": "mg"}},
    **_NOTE,
}

INSTANCES: tuple[Instance, ...] = (
    _instance(
        "Patient",
        "Patient",
        {"name": [{"family": "Vane", "given": ["Odo"]}]},
        {
            "name": {"family": "Vane", "given": ["Odo"]},
            "address": {"city": "Salem"},
            "telecom": {"value": "555-0100"},
            "identifier": {"system": "https://x.example", "value": "1"},
            "contact": {
                "relationship": [
                    {
                        "coding": [
                            {"code": "GUARD", "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode"}
                        ]
                    }
                ],
                "name": {"family": "Vane", "given": ["Eve"]},
            },
            "contact.name": {"family": "Vane", "given": ["Eve"]},
            "contact.telecom": {"value": "555-0100"},
            "contact.address": {"city": "Salem"},
            "communication": {"language": {"coding": [{"code": "es"}]}},
        },
        "deceased",
        "multipleBirth",
    ),
    _instance(
        "Allergies",
        "AllergyIntolerance",
        {"code": _concept("Egg")},
        {"reaction": {"manifestation": [_concept("Hives")]}, "reaction.note": {"text": "A note"}, **_NOTE},
        "onset",
    ),
    _instance(
        "Problems",
        "Condition",
        {"code": _concept("Asthma"), "category": _category("problem-list-item")},
        {"stage": {"summary": _concept("Stage II")}, "evidence": {"code": [_concept("Wheeze")]}, **_NOTE},
        "onset",
        "abatement",
    ),
    _instance(
        "Health Concerns",
        "Condition",
        {"code": _concept("Homeless"), "category": _category("health-concern")},
        {"stage": {"summary": _concept("Stage II")}, "evidence": {"code": [_concept("Wheeze")]}, **_NOTE},
        "onset",
        "abatement",
    ),
    _instance(
        "Encounter diagnoses",
        "Condition",
        {
            "code": _concept("Cough"),
            "category": _category("encounter-diagnosis"),
            "clinicalStatus": {"coding": [{"code": "resolved"}]},
            "encounter": {"reference": "Encounter/probe"},
        },
        {"stage": {"summary": _concept("Stage II")}, "evidence": {"code": [_concept("Wheeze")]}, **_NOTE},
        "onset",
        "abatement",
    ),
    _instance(
        "Medications: requests",
        "MedicationRequest",
        {"status": "active", "intent": "order", **_DRUG},
        {
            **_DOSING,
            **_NOTE,
            "dispenseRequest": {"quantity": {"value": 30}},
            "dispenseRequest.initialFill": {"quantity": {"value": 5}},
            "substitution": {"allowedBoolean": True},
        },
        *_DOSE_CHOICES,
        "allowed",
    ),
    _instance(
        "Medications: statements",
        "MedicationStatement",
        {"status": "active", **_DRUG},
        {**_DOSING, **_NOTE},
        *_DOSE_CHOICES,
    ),
    _instance(
        "Medications: administrations",
        "MedicationAdministration",
        {"status": "completed", "effectiveDateTime": "2020", **_DRUG},
        {
            "performer": {"actor": {"display": "I. Penn"}},
            "dosage": {"dose": {"value": 1, "unit": "mg", "code": "mg"}},
            **_NOTE,
        },
        *_DOSE_CHOICES,
    ),
    _instance(
        "Medications: dispenses",
        "MedicationDispense",
        {"status": "completed", **_DRUG},
        {
            **_DOSING,
            "performer": {"actor": {"display": "I. Penn"}},
            "substitution": {"wasSubstituted": True},
            **_NOTE,
        },
        *_DOSE_CHOICES,
    ),
    _instance(
        "Plan of Treatment: medicines",
        "MedicationRequest",
        {"status": "active", "intent": "plan", **_DRUG},
        {
            **_DOSING,
            **_NOTE,
            "dispenseRequest": {"quantity": {"value": 30}},
            "dispenseRequest.initialFill": {"quantity": {"value": 5}},
            "substitution": {"allowedBoolean": True},
        },
        *_DOSE_CHOICES,
        "allowed",
    ),
    _instance(
        "Medicines of a request",
        "Medication",
        {"id": "own", "code": _concept("Iron")},
        {"ingredient": {"itemCodeableConcept": _concept("Iron salt")}, "batch": {"lotNumber": "L1"}},
        "item",
        beside={
            "resourceType": "MedicationRequest",
            "id": "order",
            "status": "active",
            "medicationReference": {"reference": "Medication/own"},
        },
    ),
    _instance(
        "Immunizations",
        "Immunization",
        {"status": "completed", "vaccineCode": _concept("Flu"), "occurrenceDateTime": "2020"},
        {
            "performer": {"actor": {"display": "I. Penn"}},
            "education": {"documentType": "Sheet"},
            "reaction": {"date": "2020-01-02"},
            "protocolApplied": {"doseNumberPositiveInt": 1},
            **_NOTE,
        },
        "occurrence",
        "doseNumber",
        "seriesDoses",
    ),
    _instance(
        "Procedures",
        "Procedure",
        {"status": "completed", "code": _concept("Appendectomy")},
        {
            "performer": {"actor": {"display": "I. Penn"}},
            "focalDevice": {"manipulated": {"reference": "Device/probe"}},
            **_NOTE,
        },
        "performed",
    ),
    _instance(
        "Encounters",
        "Encounter",
        {"status": "finished", "class": {"code": "AMB"}},
        {
            "participant": {"individual": {"display": "I. Penn"}},
            "diagnosis": {"condition": {"reference": "Condition/probe"}},
            "location": {"location": {"display": "Ward"}},
            "hospitalization": {},
            "statusHistory": {"status": "arrived", "period": {"start": "2020"}},
            "classHistory": {"class": {"code": "AMB"}, "period": {"start": "2020"}},
        },
    ),
    _instance(
        "Plan of Treatment: encounters",
        "Encounter",
        {"status": "planned", "class": {"code": "AMB"}},
        {
            "participant": {"individual": {"display": "I. Penn"}},
            "diagnosis": {"condition": {"reference": "Condition/probe"}},
            "location": {"location": {"display": "Ward"}},
        },
    ),
    _instance(
        "Plan of Treatment: appointments",
        "Appointment",
        {"status": "booked", "start": "2026-05-01T10:00:00Z"},
        {"participant": {"actor": {"display": "I. Penn", "reference": "Practitioner/probe"}}},
    ),
    _instance(
        "Plan of Treatment: requests",
        "ServiceRequest",
        {"status": "active", "intent": "order", "code": _concept("X-ray")},
        {**_NOTE, "occurrenceTiming.repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
        "occurrence",
        "quantity",
        "asNeeded",
    ),
    _instance(
        "Plan of Treatment: care plans",
        "CarePlan",
        {"status": "active", "intent": "plan", "title": "Plan"},
        {
            "activity": {"detail": {"description": "Walk", "status": "scheduled"}},
            "activity.detail": {"description": "Walk", "status": "scheduled"},
            "activity.progress": {"text": "A note"},
            "activity.detail.scheduledTiming.repeat": {"frequency": 1, "period": 1, "periodUnit": "d"},
            **_NOTE,
        },
        "scheduled",
        "product",
    ),
    _instance(
        "Results: reports",
        "DiagnosticReport",
        {"status": "final", "code": _concept("Panel"), "result": [{"reference": "Observation/probe"}]},
        {"media": {"link": {"display": "Picture"}}},
        "effective",
    ),
    _instance(
        "Results: observations",
        "Observation",
        {
            "status": "final",
            "code": _concept("Glucose"),
            "category": _category("laboratory"),
            "valueString": "x",
        },
        _OBSERVED,
        "effective",
        "value",
    ),
    _instance(
        "Vital Signs",
        "Observation",
        {
            "status": "final",
            "code": _concept("Weight", _LOINC, "29463-7"),
            "category": _category("vital-signs"),
            "valueQuantity": {"value": 80, "unit": "kg", "code": "kg"},
        },
        _OBSERVED,
        "effective",
        "value",
    ),
    _instance(
        "Social History",
        "Observation",
        {
            "status": "final",
            "code": _concept("Housing", _LOINC, "71802-3"),
            "category": _category("social-history"),
            "valueString": "x",
        },
        _OBSERVED,
        "effective",
        "value",
    ),
    _instance(
        "Functional and Mental Status",
        "Observation",
        {
            "status": "final",
            "code": _concept("Score", _LOINC, "44261-6"),
            "category": _category("survey"),
            "valueInteger": 3,
        },
        _OBSERVED,
        "effective",
        "value",
    ),
    _instance(
        "Goals",
        "Goal",
        {"lifecycleStatus": "active", "description": _concept("Walk")},
        {"target": {"measure": _concept("Steps")}, **_NOTE},
        "start",
        "due",
        "detail",
    ),
    _instance(
        "Care Team",
        "CareTeam",
        {"status": "active", "participant": [{"member": {"reference": "Practitioner/probe"}}]},
        {"participant": {"member": {"reference": "Practitioner/probe"}}, **_NOTE},
    ),
    _instance(
        "Notes",
        "DocumentReference",
        {"status": "current", "content": [{"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}}]},
        {
            "content": {"attachment": {"contentType": "text/plain", "data": "SGVsbG8="}},
            "relatesTo": {"code": "appends", "target": {"display": "Other"}},
            "context": {"period": {"start": "2020"}},
        },
    ),
    _instance(
        "Medical Equipment",
        "Device",
        {"patient": {"reference": "Patient/probe"}, "type": _concept("Pacemaker")},
        {
            "udiCarrier": {"deviceIdentifier": "0123"},
            "deviceName": {"name": "Beat", "type": "model-name"},
            "version": {"value": "1"},
            "property": {"type": _concept("Size"), "valueQuantity": [{"value": 1}]},
            "specialization": {"systemType": _concept("Kind")},
            **_NOTE,
        },
    ),
    _instance(
        "Payers",
        "Coverage",
        {"status": "active", "payor": [{"display": "Payer"}]},
        {
            "class": {"type": _concept("Group"), "value": "7"},
            "costToBeneficiary": {"type": _concept("Copay"), "valueMoney": {"value": 5}},
        },
        "value",
    ),
    _instance(
        "Family History",
        "FamilyMemberHistory",
        {
            "status": "completed",
            "relationship": _concept("Parent"),
            "condition": [{"code": _concept("Gout")}],
        },
        {"condition": {"code": _concept("Gout")}, "condition.note": {"text": "A note"}, **_NOTE},
        "onset",
        "born",
        "age",
        "deceased",
    ),
    _instance(
        "Advance Directives",
        "Consent",
        {"status": "active", "scope": {"coding": [{"code": "adr"}]}},
        {
            "provision": {"type": "permit"},
            "policy": {"uri": "https://x.example"},
            "verification": {"verified": True},
        },
        "source",
    ),
    _instance(
        "Assessments",
        "ClinicalImpression",
        {"status": "completed", "summary": "Well"},
        {
            "finding": {"itemCodeableConcept": _concept("Cough")},
            "investigation": {"code": _concept("Exam")},
            **_NOTE,
        },
        "effective",
    ),
)

_V3 = "http://terminology.hl7.org/CodeSystem/v3-"
_HL7 = "http://terminology.hl7.org/CodeSystem/"


def _codes(system: str, *found: str) -> list[Json]:
    return [{"coding": [{"system": system, "code": code}]} for code in found]


VALUES: dict[str, list[Any]] = {
    "clinicalStatus": _codes(_HL7 + "condition-clinical", "active", "resolved", "inactive"),
    "verificationStatus": _codes(_HL7 + "condition-ver-status", "refuted", "unconfirmed", "confirmed"),
    "dataAbsentReason": _codes(_HL7 + "data-absent-reason", "asked-unknown", "not-performed"),
    "interpretation": _codes(_V3 + "ObservationInterpretation", "H"),
    "maritalStatus": _codes(_V3 + "MaritalStatus", "M"),
    "achievementStatus": _codes(_HL7 + "goal-achievement", "in-progress"),
    "Goal.priority": _codes(_HL7 + "goal-priority", "high-priority"),
    "Encounter.priority": _codes(_V3 + "ActPriority", "EM"),
    "Condition.severity": _codes(_SCT, "24484000"),
    "Immunization.statusReason": _codes(_V3 + "ActReason", "PATOBJ"),
    "ServiceRequest.bodySite[]": _codes(_SCT, "72696002"),
    "FamilyMemberHistory.sex": _codes("http://hl7.org/fhir/administrative-gender", "male"),
}
"""Values by element, or by its last name, where the writer knows only a closed set."""

_NO_VALUE: Json = {"valueString": None, "valueQuantity": None, "valueInteger": None}
_STEPS = [{"text": "One", "sequence": 2}, {"text": "Two", "sequence": 1}]
_EMPTY_PART = {"component": [{"code": _concept("Part", _LOINC, "2339-0")}]}
BESIDE: dict[str, Json] = {
    "Observation.component[].dataAbsentReason": _EMPTY_PART,
    "Observation.dataAbsentReason": _NO_VALUE,
    "Immunization.statusReason": {"status": "not-done"},
    "ServiceRequest.bodySite[]": {"code": _concept("X-ray", _LOINC, "30746-2")},
    "ServiceRequest.specimen[]": {"code": _concept("Culture", _LOINC, "600-7")},
}
"""What has to be otherwise in the instance for an element to say something; None takes away."""

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
EXTENSIONS: dict[str, dict[str, list[Json]]] = {
    "Patient": {
        "us-core-race": [
            {
                "url": _US_CORE + "race",
                "extension": [{"url": "ombCategory", "valueCoding": {"code": "2106-3"}}],
            }
        ],
        "us-core-race detailed": [
            {
                "url": _US_CORE + "race",
                "extension": [
                    {"url": "ombCategory", "valueCoding": {"code": "2106-3"}},
                    {"url": "detailed", "valueCoding": {"code": "2108-9"}},
                ],
            }
        ],
        "us-core-ethnicity": [
            {
                "url": _US_CORE + "ethnicity",
                "extension": [{"url": "ombCategory", "valueCoding": {"code": "2186-5"}}],
            }
        ],
        "us-core-birthsex": [{"url": _US_CORE + "birthsex", "valueCode": "F"}],
        "us-core-sex": [{"url": _US_CORE + "sex", "valueCode": "248152002"}],
        "us-core-genderIdentity": [
            {"url": _US_CORE + "genderIdentity", "valueCodeableConcept": _concept("Woman")}
        ],
        "us-core-tribal-affiliation": [
            {
                "url": _US_CORE + "tribal-affiliation",
                "extension": [{"url": "tribalAffiliation", "valueCodeableConcept": _concept("Tribe")}],
            }
        ],
        "patient-religion": [{"url": _CORE + "patient-religion", "valueCodeableConcept": _concept("Quaker")}],
        "patient-birthPlace": [{"url": _CORE + "patient-birthPlace", "valueAddress": {"city": "Salem"}}],
        "patient-mothersMaidenName": [{"url": _CORE + "patient-mothersMaidenName", "valueString": "Wren"}],
    },
    "AllergyIntolerance": {
        "allergyintolerance-abatement": [
            {"url": _CORE + "allergyintolerance-abatement", "valueDateTime": "2021"}
        ]
    },
    "Condition": {
        "condition-assertedDate": [{"url": _CORE + "condition-assertedDate", "valueDateTime": "2021"}]
    },
}


_WORKFLOW = "The source's own paperwork: an order, a protocol or an account on its server."
_NARROW = "C-CDA R2.1 has no place for it."
_REASONS: tuple[tuple[str, str], ...] = (
    ("*.instantiates*", _WORKFLOW),
    ("*.basedOn[[]]", _WORKFLOW),
    ("MedicationAdministration.request", _WORKFLOW),
    ("*.eventHistory[[]]", _WORKFLOW),
    ("*.groupIdentifier", _WORKFLOW),
    ("*.requisition", _WORKFLOW),
    ("*.account[[]]", _WORKFLOW),
    ("*.appointment[[]]", _WORKFLOW),
    ("*.episodeOfCare[[]]", _WORKFLOW),
    ("*.slot[[]]", _WORKFLOW),
    ("*.doNotPerform", "A planned act cannot say that it is not to be done, and must not say the opposite."),
    ("*.durationUnit", "Says nothing without a duration, with which it is written."),
    ("*.periodUnit", "Says nothing without a period, with which it is written."),
    ("*.sequence", "Gives the order of several dosages, which are written in it."),
    ("*.rank", "Gives the order of several, which are written in it."),
    ("Condition.category[[]]", "The section says it."),
    ("Observation.valueTime", "There is no time of day without a date in CDA: written as text."),
    ("Vital Signs.value*", "A vital sign without a number and a unit is no valid entry: the words have it."),
    (
        "Vital Signs.dataAbsentReason",
        "A vital sign without a number and a unit is no valid entry: the words have it.",
    ),
    (
        "Vital Signs.component[[]].dataAbsentReason",
        "A vital sign without a number and a unit is no valid entry.",
    ),
    ("Vital Signs.hasMember[[]]", "The organizer of the visit holds all that were measured with it."),
    ("Observation.hasMember[[]]", "A panel is an organizer, which holds its members."),
    ("DiagnosticReport.result[[]]", "A report none of whose results is in the selection says nothing."),
    ("DiagnosticReport.encounter", "A Result Organizer points at no encounter; its observations do."),
    ("CareTeam.encounter", "A Care Team Organizer points at no encounter."),
    (
        "Payers.*",
        "A Policy Activity needs a template (4.87) that the published rules do not have: words only.",
    ),
    (
        "Medical Equipment.*",
        "The rules of C-CDA R2.1 have no template for the parts of a UDI; the UDI itself is in the entry.",
    ),
    ("Patient.active", "Says something of a server's file, not of the person."),
    ("Patient.link[[]].*", "Says something of a server's files, not of the person."),
    ("Patient.photo[[]]", "The header holds no pictures."),
    ("Patient.identifier[[]].*", "An II has a root, an extension and the name of the assigner."),
    ("Patient.telecom[[]].rank", "Gives the order of several, which are written in it."),
    ("Patient.contact[[]].telecom[[]].rank", "Gives the order of several, which are written in it."),
    ("Patient.contact[[]].period", "A guardian has no time in CDA; other contacts have."),
    ("Patient.contact[[]].organization", "A guardian is a person; other contacts may be an organisation."),
    ("Patient.*address.type", "CDA addresses are told apart by use."),
    ("Patient.address[[]].type", "CDA addresses are told apart by use."),
    ("*.reportedBoolean", "What is planned is not reported."),
    (
        "Medication.status",
        "A medicine that was entered in error is named as such; any other status is a pharmacy's.",
    ),
    ("Medication.identifier[[]]", "A medicine is told by its code; the identifier of a product is its lot."),
    ("Medication.*", "Says something of a pharmacy's list, not of what the person takes."),
    ("Encounter.hospitalization.preAdmissionIdentifier", _WORKFLOW),
    ("Encounter.location[[]].status", "The time at the place says it."),
    ("Plan of Treatment: encounters.*", "Is known only when the visit has been."),
    (
        "Plan of Treatment: appointments.cancelationReason",
        "A cancelled appointment is no plan, and is left out by name.",
    ),
    ("Appointment.start", "An appointment in the past is no plan."),
    ("ClinicalImpression.status", "What was entered in error is left out by name; the summary stands."),
    ("Appointment.*", "Bookkeeping of the calendar."),
    ("Consent.*", "An advance directive is carried with its kind, its decision, its dates and who made it."),
    (
        "ClinicalImpression.*",
        "The Assessment Section is text: the summary, or the description, stands there.",
    ),
    ("CarePlan.encounter", "Planned acts point at no encounter that has been."),
    ("Patient.*", "The header has no place for it."),
    ("*.relevantHistory[[]]", "Provenance of the server's file."),
    ("Consent.provision.*", "The rules of sharing data; an advance directive has its decision."),
    (
        "MedicationDispense.authorizingPrescription[[]]",
        "Stands inside the entry of the prescription that it names.",
    ),
    ("Encounter diagnoses.encounter", "Stands inside the entry of the encounter that it names."),
    ("Notes.content[[]].format", "Says how the source's file is laid out; the words are taken out of it."),
    ("*.context.sourcePatientInfo", "It is the patient."),
)
"""By resource type or title and element; the first that fits."""


def why(instance: Instance, path: str, where: str) -> str | None:
    """Why an element is not in an entry, as far as it is known."""
    for pattern, reason in _REASONS:
        if fnmatch(f"{instance.type}.{path}", pattern) or fnmatch(f"{instance.title}.{path}", pattern):
            return reason
    return _NARROW if where == "words" else None
