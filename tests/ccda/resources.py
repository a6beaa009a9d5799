"""Hypothesis strategies for FHIR R4 resources in the shape of US Core, with the variety that servers send."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]
HL7 = "http://terminology.hl7.org/CodeSystem"
SNOMED, LOINC, RXNORM = (
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
ICD10, CVX, NDC = (
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/ndc",
)
CPT, OWN = "http://www.ama-assn.org/go/cpt", "https://clinic.example/codes"
UCUM = "http://unitsofmeasure.org"
PATIENT = {"reference": "Patient/p"}
PRACTITIONER = {"reference": "Practitioner/dr"}
WORLD: list[Json] = [
    {
        "resourceType": "Practitioner",
        "id": "dr",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}],
        "name": [{"family": "Ames", "given": ["Ida"]}],
    },
    {
        "resourceType": "Organization",
        "id": "org",
        "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1122334455"}],
        "name": "Harbour Clinic",
    },
]

words = st.sampled_from(
    ("Mild after lunch", "Grüße & <tags>", "as told", "5'7\" – ok", "Two\nlines", "O’Neil")
)
numbers = st.sampled_from(("0", "1", "5.50", "120", "0.001", "98.6", "1000000", "37"))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def coding(system: str, *codes: str) -> st.SearchStrategy[Json]:
    return st.sampled_from(codes).flatmap(
        lambda code: maybe(st.just(f"Display of {code}")).map(
            lambda shown: {"system": system, "code": code} | ({"display": shown} if shown else {})
        )
    )


def concept(*codings: st.SearchStrategy[Json], text: bool = True) -> st.SearchStrategy[Json]:
    """Several codings, one, or words alone."""
    coded = st.lists(
        st.one_of(*codings), min_size=1, max_size=3, unique_by=lambda each: (each["system"], each["code"])
    )
    both = st.tuples(coded, maybe(words)).map(lambda p: {"coding": p[0]} | ({"text": p[1]} if p[1] else {}))
    return both | words.map(lambda said: {"text": said}) if text else both


def fixed(system: str, *codes: str) -> st.SearchStrategy[Json]:
    return st.sampled_from(codes).map(lambda code: {"coding": [{"system": system, "code": code}]})


days = st.dates().filter(lambda day: 1900 <= day.year <= 2030).map(str)
moments = st.tuples(
    days, st.sampled_from(("08:30:00", "23:59:59")), st.sampled_from(("Z", "-05:00", "+05:30"))
).map(lambda p: f"{p[0]}T{p[1]}{p[2]}")
exact = days | moments
partial = exact | days.map(lambda day: day[:4]) | days.map(lambda day: day[:7])


@st.composite
def periods(draw: st.DrawFn, *, ended: bool = False) -> Json:
    start = draw(st.sampled_from(("2019-03-04", "2020-01-02T09:00:00-05:00", "2018-11")))
    end = draw(st.sampled_from(("2021-05-06", "2021-05-06T10:00:00-05:00")))
    return {"start": start, "end": end} if ended or draw(st.booleans()) else {"start": start}


def quantity(*units: str) -> st.SearchStrategy[Json]:
    return st.tuples(numbers, st.sampled_from(units)).map(
        lambda p: {"value": p[0], "unit": p[1], "system": UCUM, "code": p[1]}
    )


local = numbers.map(lambda number: {"value": number, "unit": "puffs a day"})
compared = st.tuples(quantity("mg/dL"), st.sampled_from(("<", "<=", ">", ">="))).map(
    lambda p: p[0] | {"comparator": p[1]}
)
notes = maybe(st.lists(words.map(lambda said: {"text": said}), min_size=1, max_size=2))


@st.composite
def built(draw: st.DrawFn, type_: str, required: Json, optional: Json) -> Json:
    """A resource; optional elements are there or not, null ones are left out."""
    found: Json = {
        "resourceType": type_,
        "id": "it",
        "identifier": [{"system": "https://clinic.example/ids", "value": "77"}],
    }
    if draw(st.booleans()):
        found["identifier"].append(
            {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0b6c1f2e-54a1-4d0a-9a55-0d4c1ad1f0aa"}
        )
    for key, what in {**required, **{k: maybe(v) for k, v in optional.items()}}.items():
        value = draw(what) if isinstance(what, st.SearchStrategy) else what
        if value is not None:
            found[key] = value
    return found


def one_of_keys(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """A choice element: `value[x]`, `onset[x]`."""
    return st.one_of(*(what.map(lambda value, key=key: {key: value}) for key, what in choices.items()))


@st.composite
def spread(draw: st.DrawFn, base: st.SearchStrategy[Json], *more: st.SearchStrategy[Json | None]) -> Json:
    found = draw(base)
    for each in more:
        found = found | (draw(each) or {})
    return found


snomed = coding(SNOMED, "44054006", "38341003", "195967001")
icd = coding(ICD10, "E11.9", "I10", "J45.909")
drug_code = concept(coding(RXNORM, "860975", "197361"), coding(NDC, "00093-1048-01"), coding(OWN, "drug-9"))

allergies = spread(
    built(
        "AllergyIntolerance",
        {"patient": PATIENT, "code": concept(coding(RXNORM, "7980"), snomed, coding(OWN, "x1"))},
        {
            "clinicalStatus": fixed(f"{HL7}/allergyintolerance-clinical", "active", "inactive", "resolved"),
            "verificationStatus": fixed(f"{HL7}/allergyintolerance-verification", "confirmed"),
            "type": st.sampled_from(("allergy", "intolerance")),
            "category": st.sampled_from((["food"], ["medication"], ["environment"])),
            "criticality": st.sampled_from(("low", "high", "unable-to-assess")),
            "onsetDateTime": partial,
            "recordedDate": exact,
            "recorder": st.just(PRACTITIONER),
            "note": notes,
            "reaction": st.lists(
                st.builds(
                    lambda what, severity, onset: (
                        {"manifestation": what}
                        | ({"severity": severity} if severity else {})
                        | ({"onset": onset} if onset else {})
                    ),
                    st.lists(
                        concept(coding(SNOMED, "247472004", "39579001")),
                        min_size=1,
                        max_size=2,
                        unique_by=str,
                    ),
                    maybe(st.sampled_from(("mild", "moderate", "severe"))),
                    maybe(exact),
                ),
                min_size=1,
                max_size=2,
            ),
        },
    )
)
conditions = spread(
    built(
        "Condition",
        {
            "subject": PATIENT,
            "code": concept(snomed, icd, coding(OWN, "p1")),
            "category": fixed(f"{HL7}/condition-category", "problem-list-item", "encounter-diagnosis").map(
                lambda c: [c]
            ),
        },
        {
            "clinicalStatus": fixed(
                f"{HL7}/condition-clinical",
                "active",
                "recurrence",
                "relapse",
                "inactive",
                "remission",
                "resolved",
            ),
            "verificationStatus": fixed(f"{HL7}/condition-ver-status", "confirmed", "refuted", "provisional"),
            "severity": fixed(SNOMED, "24484000", "6736007"),
            "bodySite": concept(coding(SNOMED, "39607008")).map(lambda c: [c]),
            "onsetDateTime": partial,
            "recordedDate": exact,
            "recorder": st.just(PRACTITIONER),
            "note": notes,
        },
    )
)

_timing = st.sampled_from(
    (
        {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
        {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}},
        {"repeat": {"when": ["HS"]}},
        {"repeat": {"boundsPeriod": {"start": "2024-01-02", "end": "2024-02-01"}}},
    )
)
_dosage = st.builds(
    lambda text, timing, route, dose, need, site: [
        {
            key: value
            for key, value in {
                "text": text,
                "timing": timing,
                "route": route,
                "doseAndRate": [{"doseQuantity": dose}] if dose else None,
                "asNeededBoolean": need,
                "site": site,
            }.items()
            if value is not None
        }
    ],
    maybe(words),
    maybe(_timing),
    maybe(
        concept(
            coding("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C38288"), coding(SNOMED, "26643006")
        )
    ),
    maybe(quantity("mg", "mL", "{tbl}")),
    st.sampled_from((None, True)),
    maybe(concept(coding(SNOMED, "368208006"))),
).filter(lambda found: bool(found[0]))
requests = built(
    "MedicationRequest",
    {
        "subject": PATIENT,
        "medicationCodeableConcept": drug_code,
        "intent": st.just("order"),
        "status": st.sampled_from(("active", "on-hold", "completed", "stopped")),
    },
    {
        "authoredOn": exact,
        "requester": st.just(PRACTITIONER),
        "dosageInstruction": _dosage,
        "note": notes,
        "reasonCode": concept(snomed).map(lambda c: [c]),
        "dispenseRequest": st.just(
            {
                "numberOfRepeatsAllowed": 3,
                "quantity": {"value": "30", "unit": "{tbl}", "system": UCUM, "code": "{tbl}"},
                "validityPeriod": {"start": "2024-01-01", "end": "2025-01-01"},
            }
        ),
    },
)
statements = built(
    "MedicationStatement",
    {
        "subject": PATIENT,
        "medicationCodeableConcept": drug_code,
        "status": st.sampled_from(("active", "completed", "on-hold", "stopped")),
    },
    {
        "effectivePeriod": periods(),
        "dosage": _dosage,
        "note": notes,
        "reasonCode": concept(snomed).map(lambda c: [c]),
    },
)
dispenses = built(
    "MedicationDispense",
    {"subject": PATIENT, "medicationCodeableConcept": drug_code, "status": st.just("completed")},
    {"quantity": quantity("{tbl}"), "whenHandedOver": exact, "daysSupply": quantity("d"), "note": notes},
)
immunizations = built(
    "Immunization",
    {
        "patient": PATIENT,
        "occurrenceDateTime": partial,
        "vaccineCode": concept(coding(CVX, "140", "21"), coding(NDC, "49281-0422-50")),
        "status": st.sampled_from(("completed", "not-done")),
    },
    {
        "lotNumber": st.sampled_from(("L-77", "A1 B2")),
        "site": concept(coding(SNOMED, "368208006")),
        "route": concept(coding("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C28161")),
        "note": notes,
        "doseQuantity": quantity("mL"),
        "performer": st.just([{"actor": PRACTITIONER}]),
        "expirationDate": days,
        "reasonCode": concept(snomed).map(lambda c: [c]),
        "protocolApplied": st.just([{"doseNumberPositiveInt": 2}]),
    },
)
procedures = spread(
    built(
        "Procedure",
        {
            "subject": PATIENT,
            "code": concept(coding(SNOMED, "80146002"), coding(CPT, "44950"), coding(OWN, "op")),
            "status": st.sampled_from(("completed", "in-progress", "stopped", "not-done")),
        },
        {
            "bodySite": concept(coding(SNOMED, "66754008")).map(lambda c: [c]),
            "performer": st.just([{"actor": PRACTITIONER}]),
            "note": notes,
            "reasonCode": concept(snomed).map(lambda c: [c]),
        },
    ),
    maybe(one_of_keys(performedDateTime=partial, performedPeriod=periods(ended=True))),
)
encounters = built(
    "Encounter",
    {
        "subject": PATIENT,
        "status": st.sampled_from(("finished", "in-progress")),
        "class": st.sampled_from(("AMB", "IMP", "EMER", "VR")).map(
            lambda c: {"system": f"{HL7}/v3-ActCode", "code": c}
        ),
        "period": periods(ended=True),
    },
    {
        "type": concept(coding(CPT, "99213"), coding(SNOMED, "185349003")).map(lambda c: [c]),
        "participant": st.just([{"individual": PRACTITIONER}]),
        "reasonCode": concept(snomed).map(lambda c: [c]),
        "hospitalization": fixed(f"{HL7}/discharge-disposition", "home").map(
            lambda c: {"dischargeDisposition": c}
        ),
    },
)

_normal = {"value": "70", "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}
_range = st.sampled_from(
    ([{"low": _normal}], [{"low": _normal, "high": _normal | {"value": "99.5"}}], [{"text": "less than 5"}])
)
_judged = fixed(f"{HL7}/v3-ObservationInterpretation", "H", "L", "N", "A", "HH").map(lambda c: [c])
_answer = one_of_keys(
    valueQuantity=quantity("mg/dL", "10*3/uL", "%") | local | compared,
    valueCodeableConcept=concept(coding(SNOMED, "10828004", "260385009")),
    valueString=words,
    valueInteger=st.sampled_from((0, 3, -2)),
    valueBoolean=st.booleans(),
    valueRange=st.just({"low": _normal, "high": _normal | {"value": "80"}}),
    valueDateTime=exact,
    valueRatio=st.just({"numerator": {"value": "1"}, "denominator": {"value": "128"}}),
    dataAbsentReason=fixed(
        f"{HL7}/data-absent-reason", "unknown", "masked", "not-applicable", "asked-unknown"
    ),
)


def _category(*codes: str) -> st.SearchStrategy[list[Json]]:
    return fixed(f"{HL7}/observation-category", *codes).map(lambda c: [c])


_shared: Json = {
    "performer": st.just([PRACTITIONER]),
    "interpretation": _judged,
    "note": notes,
    "method": concept(coding(SNOMED, "702869007")),
    "bodySite": concept(coding(SNOMED, "368209003")),
}
_when = one_of_keys(effectiveDateTime=partial, effectivePeriod=periods(ended=True))
laboratory = spread(
    built(
        "Observation",
        {
            "subject": PATIENT,
            "status": st.sampled_from(("final", "preliminary")),
            "category": _category("laboratory", "imaging"),
            "code": concept(coding(LOINC, "2345-7", "718-7"), coding(OWN, "glu")),
        },
        _shared | {"referenceRange": _range, "issued": moments},
    ),
    _answer,
    maybe(_when),
)
_part = st.builds(
    lambda code, answer: {"code": code} | answer,
    concept(coding(LOINC, "2951-2", "2823-3", "2075-0")),
    _answer,
)
panels = spread(
    built(
        "Observation",
        {
            "subject": PATIENT,
            "status": st.just("final"),
            "category": _category("laboratory"),
            "code": concept(coding(LOINC, "24321-2")),
            "component": st.lists(_part, min_size=1, max_size=3),
        },
        {"note": notes},
    ),
    _when,
    maybe(_answer.filter(lambda found: "dataAbsentReason" not in found)),
)
vitals = spread(
    built(
        "Observation",
        {
            "subject": PATIENT,
            "status": st.just("final"),
            "category": _category("vital-signs"),
            "code": concept(coding(LOINC, "8867-4", "8310-5", "29463-7"), text=False),
        },
        _shared,
    ),
    one_of_keys(valueQuantity=quantity("/min", "Cel", "kg", "mm[Hg]") | local, valueString=words),
    _when,
)


def _pressure(code: str) -> st.SearchStrategy[Json]:
    return quantity("mm[Hg]").map(
        lambda found: {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": found}
    )


pressures = spread(
    built(
        "Observation",
        {
            "subject": PATIENT,
            "status": st.just("final"),
            "category": _category("vital-signs"),
            "code": st.just({"coding": [{"system": LOINC, "code": "85354-9"}]}),
            "component": st.tuples(_pressure("8480-6"), _pressure("8462-4")).map(list),
        },
        {"note": notes, "performer": st.just([PRACTITIONER])},
    ),
    _when,
)
smoking = built(
    "Observation",
    {
        "subject": PATIENT,
        "status": st.just("final"),
        "category": _category("social-history"),
        "code": st.just({"coding": [{"system": LOINC, "code": "72166-2"}]}),
        "effectiveDateTime": partial,
        "valueCodeableConcept": fixed(SNOMED, "449868002", "8517006", "266919005", "266927001"),
    },
    {"note": notes, "performer": st.just([PRACTITIONER])},
)
social = spread(
    built(
        "Observation",
        {
            "subject": PATIENT,
            "status": st.just("final"),
            "category": _category("social-history", "sdoh", "survey", "functional-status"),
            "code": concept(coding(LOINC, "76513-1", "88122-7"), coding(SNOMED, "160573003")),
        },
        {"note": notes, "interpretation": _judged},
    ),
    _answer,
    _when,
)
goals = built(
    "Goal",
    {
        "subject": PATIENT,
        "description": concept(coding(SNOMED, "289169006")),
        "lifecycleStatus": st.sampled_from(("active", "completed", "cancelled")),
    },
    {"startDate": days, "target": days.map(lambda day: [{"dueDate": day}]), "note": notes},
)
orders = spread(
    built(
        "ServiceRequest",
        {
            "subject": PATIENT,
            "status": st.just("active"),
            "intent": st.sampled_from(("order", "plan", "proposal")),
            "code": concept(coding(SNOMED, "71786000"), coding(CPT, "71046"), coding(LOINC, "24627-2")),
        },
        {
            "authoredOn": exact,
            "requester": st.just(PRACTITIONER),
            "reasonCode": concept(snomed).map(lambda c: [c]),
            "note": notes,
        },
    ),
    maybe(one_of_keys(occurrenceDateTime=exact, occurrencePeriod=periods(ended=True))),
)
relatives = built(
    "FamilyMemberHistory",
    {
        "patient": PATIENT,
        "status": st.just("completed"),
        "relationship": fixed(f"{HL7}/v3-RoleCode", "FTH", "MTH", "GRMTH"),
    },
    {
        "sex": fixed("http://hl7.org/fhir/administrative-gender", "male", "female"),
        "bornDate": days,
        "condition": st.lists(
            st.builds(
                lambda code, age: (
                    {"code": code}
                    | ({"onsetAge": {"value": age, "unit": "a", "system": UCUM, "code": "a"}} if age else {})
                ),
                concept(snomed),
                maybe(st.sampled_from(("45", "60"))),
            ),
            min_size=1,
            max_size=2,
        ),
    },
).filter(lambda found: "condition" in found)
devices = built(
    "Device",
    {
        "patient": PATIENT,
        "type": concept(coding(SNOMED, "704708004")),
        "udiCarrier": st.just(
            [
                {
                    "deviceIdentifier": "00643169007222",
                    "carrierHRF": "(01)00643169007222(17)160128(21)BLC200461H",
                }
            ]
        ),
    },
    {
        "serialNumber": st.just("BLC200461H"),
        "expirationDate": st.just("2016-01-28"),
        "modelNumber": st.just("M-9"),
        "manufacturer": st.just("Acme"),
    },
)
teams = built(
    "CareTeam",
    {
        "subject": PATIENT,
        "status": st.sampled_from(("active", "inactive")),
        "name": words,
        "participant": st.just(
            [{"role": [{"coding": [{"system": SNOMED, "code": "446050000"}]}], "member": PRACTITIONER}]
        ),
    },
    {"period": periods(), "reasonCode": concept(snomed).map(lambda c: [c])},
)
documents = built(
    "DocumentReference",
    {
        "subject": PATIENT,
        "status": st.just("current"),
        "type": concept(coding(LOINC, "11506-3", "34117-2"), text=False),
        "content": words.map(
            lambda said: [{"attachment": {"contentType": "text/plain", "data": _base64(said)}}]
        ),
    },
    {"date": moments, "author": st.just([PRACTITIONER])},
)

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_CDC = "urn:oid:2.16.840.1.113883.6.238"


def _category_of(name: str, code: str, *detailed: str) -> Json:
    inner: list[Json] = [{"url": "ombCategory", "valueCoding": {"system": _CDC, "code": code}}]
    inner += [{"url": "detailed", "valueCoding": {"system": _CDC, "code": each}} for each in detailed]
    return {"url": f"{_US_CORE}{name}", "extension": inner}


patients = built(
    "Patient",
    {
        "name": st.lists(
            st.sampled_from(
                (
                    {"use": "usual", "family": "Vale", "given": ["Una", "Ruth"], "prefix": ["Dr."]},
                    {"use": "old", "family": "Ames", "given": ["Una"]},
                    {"family": "O’Neil", "given": ["Una"], "suffix": ["Jr."]},
                )
            ),
            min_size=1,
            max_size=2,
            unique_by=str,
        )
    },
    {
        "gender": st.sampled_from(("male", "female", "other")),
        "birthDate": days | days.map(lambda day: day[:4]),
        "maritalStatus": fixed(f"{HL7}/v3-MaritalStatus", "M", "S", "D"),
        "telecom": st.lists(
            st.sampled_from(
                (
                    {"system": "phone", "value": "555-0100", "use": "home"},
                    {"system": "email", "value": "una@example.org"},
                    {"system": "phone", "value": "555-0101", "use": "mobile"},
                )
            ),
            min_size=1,
            max_size=2,
            unique_by=str,
        ),
        "address": st.lists(
            st.sampled_from(
                (
                    {
                        "use": "home",
                        "line": ["1 Quay St", "Apt 2"],
                        "city": "Hull",
                        "state": "MA",
                        "postalCode": "02045",
                        "country": "US",
                    },
                    {"line": ["9 Old Rd"], "city": "Ayr"},
                )
            ),
            min_size=1,
            max_size=2,
            unique_by=str,
        ),
        "communication": st.sampled_from(
            ([{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}],)
        ),
        "extension": st.lists(
            st.sampled_from(
                (
                    _category_of("race", "2106-3"),
                    _category_of("ethnicity", "2186-5"),
                    {"url": f"{_US_CORE}birthsex", "valueCode": "F"},
                    {"url": f"{_US_CORE}sex", "valueCode": "248152002"},
                )
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda each: each["url"],
        ),
    },
)


def _base64(said: str) -> str:
    from base64 import b64encode

    return b64encode(said.encode()).decode()


EVERY = {
    "allergy": allergies,
    "condition": conditions,
    "request": requests,
    "statement": statements,
    "dispense": dispenses,
    "immunization": immunizations,
    "procedure": procedures,
    "encounter": encounters,
    "laboratory": laboratory,
    "panel": panels,
    "vital": vitals,
    "pressure": pressures,
    "smoking": smoking,
    "social": social,
    "goal": goals,
    "order": orders,
    "relative": relatives,
    "device": devices,
    "team": teams,
    "patient": patients,
    "document": documents,
}
