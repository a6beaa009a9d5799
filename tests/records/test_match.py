"""Which records of two sources are certainly one fact: a table of pairs, half of them near misses."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from phr.records.derive import derive
from phr.records.lines import codes_json
from phr.records.match import Fact, Row, contradict, fact, foremost, same
from phr.records.match_people import id_in, strangers, who
from phr.store.resources import digest

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM, CVX = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/cvx"
NDC, ICD = "http://hl7.org/fhir/sid/ndc", "http://hl7.org/fhir/sid/icd-10-cm"
DAY, MORNING = "2024-03-05", "2024-03-05T08:30:00-05:00"
Json = dict[str, Any]


def fact_of(resource: Json) -> Fact | None:
    """The fact of a resource as the store would have it."""
    record = derive(resource, lambda _: None)
    row = Row(
        record.kind,
        record.title,
        codes_json(record.codes),
        record.date,
        record.end,
        record.description,
        record.value,
        record.facility,
        record.performer,
        record.sensitivity,
        record.resource,
    )
    raw = orjson.dumps(resource)
    return fact(row, raw, digest(raw))


def concept(*codes: tuple[str, str], text: str | None = None) -> Json:
    coding = [{"system": system, "code": code} for system, code in codes]
    return ({"coding": coding} if coding else {}) | ({"text": text} if text else {})


def lab(**more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": concept((LOINC, "2345-7"), text="Glucose"),
        "effectiveDateTime": DAY,
        "valueQuantity": {"value": 5.4, "unit": "mg/dL"},
    } | more


def pressure(high: float, low: float, **more: Any) -> Json:
    parts = [
        {"code": concept((LOINC, code)), "valueQuantity": {"value": value, "unit": "mm[Hg]"}}
        for code, value in (("8480-6", high), ("8462-4", low))
    ]
    return {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": concept((LOINC, "85354-9")),
        "effectiveDateTime": MORNING,
        "component": parts,
    } | more


def drug(type_: str = "MedicationRequest", **more: Any) -> Json:
    date = {"authoredOn": DAY} if type_ == "MedicationRequest" else {"effectivePeriod": {"start": DAY}}
    return {
        "resourceType": type_,
        "id": "1",
        "status": "active",
        "medicationCodeableConcept": concept((RXNORM, "860975"), text="Metformin 500 MG Oral Tablet"),
        **date,
    } | more


def dosage(value: float | None = 1, unit: str = "tablet", **more: Any) -> Json:
    dose = {"doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}]} if value else {}
    return dose | more


def problem(**more: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": "1",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": concept((SNOMED, "44054006"), text="Diabetes"),
        "onsetDateTime": "2019-05-28",
    } | more


def allergy(**more: Any) -> Json:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "1",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": concept((RXNORM, "7980"), text="Penicillin G"),
    } | more


def shot(**more: Any) -> Json:
    return {
        "resourceType": "Immunization",
        "id": "1",
        "status": "completed",
        "vaccineCode": concept((CVX, "140")),
        "occurrenceDateTime": DAY,
    } | more


def procedure(**more: Any) -> Json:
    return {
        "resourceType": "Procedure",
        "id": "1",
        "status": "completed",
        "code": concept((SNOMED, "80146002"), text="Appendectomy"),
        "performedDateTime": DAY,
    } | more


def visit(**more: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": "1",
        "status": "finished",
        "type": [concept(("http://www.ama-assn.org/go/cpt", "99213"))],
        "period": {"start": MORNING},
    } | more


def quantity(value: float, unit: str | None = "mg/dL", **more: Any) -> Json:
    return {"valueQuantity": {"value": value} | ({"unit": unit} if unit else {}) | more}


def known(system: str, value: str, **more: Any) -> Json:
    return {"identifier": [{"system": system, "value": value, **more}]}


UNCODED = {"code": {"text": "Blood  SUGAR"}}
SIGNED = {"reaction": [{"manifestation": [concept((SNOMED, "247472004"))], "severity": "mild"}]}

ONE = {
    "a day holds its instant": (lab(), lab(effectiveDateTime=MORNING)),
    "two zones, one instant": (
        lab(effectiveDateTime=MORNING),
        lab(effectiveDateTime="2024-03-05T13:30:00Z"),
    ),
    "an evening belongs to the day of its writer": (
        lab(),
        lab(effectiveDateTime="2024-03-05T23:30:00-05:00"),
    ),
    "a midnight is its day": (lab(), lab(effectiveDateTime="2024-03-05T00:00:00Z")),
    "a minute holds its seconds": (
        lab(effectiveDateTime="2024-03-05T08:30-05:00"),
        lab(effectiveDateTime="2024-03-05T08:30:12-05:00"),
    ),
    "final zeros and the case of units": (lab(**quantity(5.0)), lab(**quantity(5, "mg/dl"))),
    "UCUM and the words for it": (lab(**quantity(5, "K/uL")), lab(**quantity(5, "10*3/uL"))),
    "the unit as code": (lab(**quantity(5, "mmHg")), lab(**quantity(5, "x", code="mm[Hg]"))),
    "the system as OID": (lab(), lab(code=concept(("urn:oid:2.16.840.1.113883.6.1", "2345-7")))),
    "one of several codes": (lab(), lab(code=concept(("urn:oid:1.2.3", "GLU"), (LOINC, "2345-7")))),
    "both parts of a pressure": (pressure(120, 80), pressure(120.0, 80.0, id="2")),
    "a coded value": (
        lab(valueQuantity=None, valueCodeableConcept=concept((SNOMED, "10828004"))),
        lab(valueQuantity=None, valueCodeableConcept=concept((SNOMED, "10828004"), text="Positive")),
    ),
    "a value in words, coded on one side": (
        lab(valueQuantity=None, valueString="POSITIVE"),
        lab(valueQuantity=None, valueCodeableConcept=concept((SNOMED, "10828004"), text="Positive")),
    ),
    "one answer, filed as a survey here and as social history there": (
        lab(category=[{"coding": [{"code": "survey"}]}]),
        lab(category=[{"coding": [{"code": "social-history"}]}]),
    ),
    "no code, but words, day and value": (lab(**UNCODED), lab(code={"text": "blood sugar"})),
    "an order and a statement of it": (drug(), drug("MedicationStatement")),
    "NDC with hyphens and with eleven digits": (
        drug(medicationCodeableConcept=concept((NDC, "0002-8215-01"))),
        drug(medicationCodeableConcept=concept((NDC, "00002821501"))),
    ),
    "twice a day is every twelve hours": (
        drug(dosageInstruction=[dosage(timing={"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}})]),
        drug(dosageInstruction=[dosage(timing={"repeat": {"period": 12, "periodUnit": "h"}})]),
    ),
    "a counted dose without its unit": (
        drug(dosageInstruction=[dosage(1, "Tablet")]),
        drug(dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": 1.0}}]}]),
    ),
    "a document's start is the day of the order": (
        drug(),
        drug(
            authoredOn="2024-06-01",
            dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": {"start": DAY}}}}],
        ),
    ),
    "a problem by code and onset": (
        problem(),
        problem(code=concept((ICD, "E11.9"), ("2.16.840.1.113883.6.96", "44054006"))),
    ),
    "ICD without its dot": (
        problem(code=concept((ICD, "E11.9"))),
        problem(code=concept(("urn:oid:2.16.840.1.113883.6.90", "E119"))),
    ),
    "a problem of no known beginning": (problem(onsetDateTime=None), problem(onsetDateTime=None)),
    "a year holds a day": (problem(), problem(onsetDateTime="2019")),
    "an allergy without dates": (allergy(), allergy(code={"text": "penicillin g"})),
    "an allergy whose reaction one side knows": (allergy(), allergy(**SIGNED, criticality="high")),
    "a shot by CVX and day": (shot(), shot(vaccineCode=concept((CVX, "140"), (NDC, "49281042150")))),
    "CVX with a leading zero": (
        shot(vaccineCode=concept((CVX, "08"))),
        shot(vaccineCode=concept((CVX, "8"))),
    ),
    "a procedure by code and day": (procedure(), procedure(performedDateTime=MORNING)),
    "a visit by instant and type": (visit(), visit(period={"start": "2024-03-05T13:30:00Z"})),
    "root and extension": (
        lab(**known("urn:oid:1.2.840.1", "77")),
        lab(**known("urn:oid:1.2.840.1", "77"), code=concept((LOINC, "2345-7")), effectiveDateTime=None),
    ),
    "an identifier, codes of two systems": (
        problem(**known("urn:oid:1.2.840.1", "77")),
        problem(**known("urn:oid:1.2.840.1", "77"), code=concept((ICD, "E11.9"))),
    ),
    "an identifier, one side without a date": (
        procedure(**known("http://h.example/case", "9")),
        procedure(
            **known("urn:oid:2.16.840.1.113883.4.873", "http://h.example/case/9"), performedDateTime=None
        ),
    ),
    "a logical id that nobody else gives": (
        visit(id="4b1f0d8e-9c1f-4c6e-8a37-0d6b0c1c9a11", period={"start": DAY}),
        visit(id="4B1F0D8E-9C1F-4C6E-8A37-0D6B0C1C9A11", period={"start": MORNING}),
    ),
}
OWN = known("urn:oid:1.2.840.1", "77")
"""An identifier that both sides have: what contradicts, contradicts all the same."""


def shows(*words: str, severity: str | None = None, **more: Any) -> Json:
    """How an allergy showed itself."""
    grade = {"severity": severity} if severity else {}
    return {"reaction": [{"manifestation": [{"text": each}], **grade} for each in words]} | more


def clinical(code: str) -> Json:
    return {"clinicalStatus": {"coding": [{"code": code}]}}


def sure(code: str) -> Json:
    return {"verificationStatus": {"coding": [{"code": code}]}}


ONE |= {
    "one says that it is confirmed": (allergy(), allergy(**sure("confirmed"))),
    "active and come back": (problem(), problem(**clinical("recurrence"))),
    "active and silent": (problem(), problem(clinicalStatus=None)),
    "over, and ended": (
        problem(**clinical("resolved")),
        problem(clinicalStatus=None, abatementDateTime="2021-01-01"),
    ),
    "one knows of one reaction more": (allergy(**shows("Hives")), allergy(**shows("Itch", "hives"))),
    "one knows how severe it was": (
        allergy(**shows("Hives")),
        allergy(**shows("Hives", severity="severe"), criticality="high"),
    ),
    "an active drug, and one that is being given": (
        drug("MedicationStatement"),
        drug("MedicationStatement", status="unknown"),
    ),
    "called off in two words": (drug(status="stopped"), drug(status="cancelled")),
    "an order as order and as original order": (drug(intent="order"), drug(intent="original-order")),
}
TWO = {
    "an identifier, active and resolved allergy": (allergy(**OWN), allergy(**OWN, **clinical("resolved"))),
    "an identifier, silent and resolved allergy": (
        allergy(**OWN, clinicalStatus=None),
        allergy(**OWN, **clinical("resolved")),
    ),
    "an identifier, an unconfirmed allergy": (allergy(**OWN), allergy(**OWN, **sure("unconfirmed"))),
    "an identifier, a provisional problem": (problem(**OWN), problem(**OWN, **sure("provisional"))),
    "an identifier, other reactions": (
        allergy(**OWN, **shows("Anaphylaxis")),
        allergy(**OWN, **shows("itch", "rash")),
    ),
    "an identifier, other words of a reaction": (
        allergy(**OWN, reaction=[{"description": "Anaphylaxis"}]),
        allergy(**OWN, **shows("itch")),
    ),
    "an identifier, a milder reaction": (
        allergy(**OWN, **shows("Hives", severity="severe")),
        allergy(**OWN, **shows("Hives", severity="mild")),
    ),
    "an identifier, each knows of another danger": (
        allergy(**OWN, criticality="high"),
        allergy(**OWN, **shows("Hives")),
    ),
    "an identifier, how dangerous": (
        allergy(**OWN, criticality="high"),
        allergy(**OWN, criticality="unable-to-assess"),
    ),
    "an identifier, another substance in another system": (
        allergy(**OWN),
        allergy(**OWN, code=concept((SNOMED, "260147004"), text="House dust")),
    ),
    "an identifier, active and resolved problem": (problem(**OWN), problem(**OWN, **clinical("resolved"))),
    "an identifier, silent and ended problem": (
        problem(**OWN, clinicalStatus=None),
        problem(**OWN, clinicalStatus=None, abatementDateTime="2021-01-01"),
    ),
    "an identifier, how severe a problem is": (
        problem(**OWN, severity={"text": "Severe"}),
        problem(**OWN, severity={"text": "Mild"}),
    ),
    **{
        f"an identifier, active and {status}": (drug(**OWN), drug(**OWN, status=status))
        for status in ("stopped", "on-hold", "cancelled", "completed")
    },
    "an identifier, an unknown standing and stopped": (
        drug(**OWN, status="unknown"),
        drug(**OWN, status="stopped"),
    ),
    "an identifier, an order and a plan": (drug(**OWN, intent="order"), drug(**OWN, intent="plan")),
    "an identifier, another medicine in another system": (
        drug(**OWN),
        drug(**OWN, medicationCodeableConcept=concept((NDC, "00002821501"), text="Insulin")),
    ),
    "an identifier, not to be taken by its words": (
        drug(**OWN, dosageInstruction=[{"text": "Take 1 tablet daily"}]),
        drug(**OWN, dosageInstruction=[{"text": "Do NOT take 1 tablet, stop."}]),
    ),
    "an identifier, always and as needed": (
        drug(**OWN, dosageInstruction=[dosage(asNeededBoolean=False)]),
        drug(**OWN, dosageInstruction=[dosage(asNeededBoolean=True)]),
    ),
    "an identifier, done and stopped": (procedure(**OWN), procedure(**OWN, status="stopped")),
    "another value": (lab(), lab(**quantity(5.5))),
    "another unit": (lab(), lab(**quantity(5.4, "mmol/L"))),
    "a unit on one side": (lab(), lab(**quantity(5.4, None))),
    "less than": (lab(), lab(**quantity(5.4, comparator="<"))),
    "the next day": (lab(), lab(effectiveDateTime="2024-03-06")),
    "a month away": (lab(), lab(effectiveDateTime="2024-04")),
    "an hour later": (lab(effectiveDateTime=MORNING), lab(effectiveDateTime="2024-03-05T09:30:00-05:00")),
    "another code": (lab(), lab(code=concept((LOINC, "2339-0"), text="Glucose"))),
    "no date": (lab(effectiveDateTime=None), lab(effectiveDateTime=None)),
    "no value on one side": (lab(), lab(valueQuantity=None)),
    "no values, one day": (lab(valueQuantity=None), lab(valueQuantity=None)),
    "the other arm": (lab(bodySite={"text": "Left arm"}), lab(bodySite={"text": "right arm"})),
    "measured by a laboratory and at home": (lab(), lab(category=[{"coding": [{"code": "vital-signs"}]}])),
    "cancelled": (lab(), lab(status="cancelled")),
    "words alike, no value": (
        lab(**UNCODED, valueQuantity=None),
        lab(**UNCODED, valueQuantity=None),
    ),
    "words alike, another value": (lab(**UNCODED), lab(**UNCODED, **quantity(9))),
    "another part of a pressure": (pressure(120, 80), pressure(120, 85)),
    "positive and negative": (
        lab(valueQuantity=None, valueCodeableConcept=concept((SNOMED, "10828004"))),
        lab(valueQuantity=None, valueCodeableConcept=concept((SNOMED, "260385009"))),
    ),
    "a refill": (drug(), drug(authoredOn="2024-06-05")),
    "another dose": (drug(dosageInstruction=[dosage(1)]), drug(dosageInstruction=[dosage(2)])),
    "more often": (
        drug(dosageInstruction=[dosage(timing={"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}})]),
        drug(dosageInstruction=[dosage(timing={"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}})]),
    ),
    "other numbers in the sentence": (
        drug(dosageInstruction=[{"text": "Take one tablet daily"}]),
        drug(dosageInstruction=[{"text": "Take 2 tablets daily"}]),
    ),
    "another route": (
        drug(dosageInstruction=[dosage(route=concept((SNOMED, "26643006")))]),
        drug(dosageInstruction=[dosage(route=concept((SNOMED, "47625008")))]),
    ),
    "another strength with one ingredient": (
        drug(medicationCodeableConcept=concept((RXNORM, "6809"), text="Metformin 500 MG")),
        drug(medicationCodeableConcept=concept((RXNORM, "6809"), text="Metformin 1,000 mg")),
    ),
    "stopped": (drug(), drug(status="stopped")),
    "not to be taken": (drug(), drug(doNotPerform=True)),
    "not taken": (drug("MedicationStatement"), drug("MedicationStatement", status="not-taken")),
    "dispensed": (drug(), {**drug(), "resourceType": "MedicationDispense", "whenHandedOver": DAY}),
    "another onset": (problem(), problem(onsetDateTime="2020-01-01")),
    "an onset on one side": (problem(), problem(onsetDateTime=None)),
    "over": (problem(), problem(clinicalStatus={"coding": [{"code": "resolved"}]})),
    "refuted": (problem(), problem(verificationStatus={"coding": [{"code": "refuted"}]})),
    "two visits' diagnoses": (
        problem(onsetDateTime=None, category=[concept(("x", "encounter-diagnosis"))], recordedDate=DAY),
        problem(
            onsetDateTime=None, category=[concept(("x", "encounter-diagnosis"))], recordedDate="2024-05-05"
        ),
    ),
    "how dangerous": (allergy(criticality="low"), allergy(criticality="high")),
    "another reaction": (
        allergy(**SIGNED),
        allergy(reaction=[{"manifestation": [concept((SNOMED, "39579001"))]}]),
    ),
    "another substance": (allergy(), allergy(code=concept((RXNORM, "2670")))),
    "an allergy that is over": (allergy(), allergy(clinicalStatus={"coding": [{"code": "inactive"}]})),
    "not given": (shot(), shot(status="not-done")),
    "another lot": (shot(lotNumber="A1"), shot(lotNumber="B2")),
    "another vaccine": (shot(), shot(vaccineCode=concept((CVX, "141")))),
    "not done": (procedure(), procedure(status="not-done")),
    "two visits of a day": (visit(period={"start": DAY}), visit(period={"start": DAY})),
    "planned": (visit(), visit(status="planned")),
    "an identifier of the person": (
        procedure(**known("urn:oid:1.2", "77", type=concept(("v2", "MR")))),
        procedure(
            **known("urn:oid:1.2", "77", type=concept(("v2", "MR"))),
            performedDateTime=None,
            code={"text": "Other"},
        ),
    ),
    "an identifier, other codes": (
        problem(**known("urn:oid:1.2.840.1", "77")),
        problem(**known("urn:oid:1.2.840.1", "77"), code=concept((SNOMED, "38341003"))),
    ),
    "an identifier, another value": (
        lab(**known("urn:oid:1.2.840.1", "77")),
        lab(**known("urn:oid:1.2.840.1", "77"), **quantity(9)),
    ),
    "an identifier, refuted": (
        problem(**known("urn:oid:1.2.840.1", "77")),
        problem(**known("urn:oid:1.2.840.1", "77"), verificationStatus={"coding": [{"code": "refuted"}]}),
    ),
    "a panel's number on two of its results": (
        lab(**known("urn:oid:1.2.840.1", "77"), code=concept((LOINC, "2951-2"))),
        lab(**known("urn:oid:1.2.840.1", "77"), code={"text": "K"}, **quantity(4.1)),
    ),
    "null flavors": (
        procedure(**known("urn:oid:", "UNK"), code={"text": "A"}),
        procedure(**known("urn:oid:", "UNK"), code={"text": "B"}),
    ),
    "private on one side": (
        lab(),
        lab(
            meta={
                "security": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
                ]
            }
        ),
    ),
}


def _pair(one: Json, other: Json) -> tuple[Fact, Fact]:
    facts = [
        fact_of({key: value for key, value in side.items() if value is not None}) for side in (one, other)
    ]
    first, second = facts
    assert first is not None and second is not None
    return first, second


def _second(other: Json) -> Json:
    return {**other, "id": "2"} if other["id"] == "1" else other


@pytest.mark.parametrize("name", ONE)
def test_certainly_one_fact(name: str) -> None:
    one, other = _pair(ONE[name][0], _second(ONE[name][1]))

    assert same(one, other) and same(other, one)
    assert not contradict(one, other)
    assert _meet(one, other), "no key in common, so they would never be compared"


@pytest.mark.parametrize("name", TWO)
def test_less_than_certain_stays_apart(name: str) -> None:
    one, other = _pair(TWO[name][0], _second(TWO[name][1]))

    assert not same(one, other) and not same(other, one)


def _meet(one: Fact, other: Fact) -> bool:
    """As the store finds them: a key in common, or one whose year or month holds the other's."""
    keys, keys_too = one.keys(), other.keys()
    return any(
        a == b or (len(a) > 11 and len(b) > 11 and (a[1:].startswith(b[1:]) or b[1:].startswith(a[1:])))
        for a in keys
        for b in keys_too
    )


def test_shown_is_who_tells_every_danger() -> None:
    some = [
        fact_of(allergy(**shows("Hives"), id="1", note=[{"text": "long " * 50}])),
        fact_of(allergy(**shows("Hives", "Itch", severity="severe"), id="2")),
        fact_of(allergy(id="3", criticality="high")),
    ]
    facts = [one for one in some if one is not None]

    assert foremost(facts[:2]) == [1]
    assert foremost(facts) == [], "the third one knows of another danger"


def test_a_result_without_its_value_is_not_shown_for_one_with_it() -> None:
    one, other = _pair(lab(**OWN), lab(**OWN, valueQuantity=None))

    assert foremost([one, other]) == [0]


def test_many_codes_lead_to_a_few_keys() -> None:
    many = concept(*(("urn:c", str(number)) for number in range(500)))
    found = fact_of(allergy(code=many))

    assert found is not None and len(found.keys()) < 60


def test_equal_values_of_another_day_or_another_number_have_no_key_in_common() -> None:
    one, other = _pair(lab(), lab(**quantity(5.5)))

    assert not _meet(one, other), "thousands of readings of one code are not compared with each other"


PEOPLE = {
    "same": ({"family": "Vale", "given": ["Una"]}, "1980-02-29", False),
    "initial": ({"text": "Vale, U"}, "1981-01-01", False),
    "typed wrongly": ({"family": "Vale", "given": ["Una"]}, "1980-02-28", False),
    "married": ({"family": "Rook", "given": ["Una"]}, "1980-02-29", False),
    "brother": ({"family": "Vale", "given": ["Ben"]}, "1984-05-05", True),
    "year alone": ({"family": "Vale", "given": ["Ben"]}, "1980", False),
    "no name": ({}, "1984-05-05", False),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_two_people_differ_in_name_and_birth_date(name: str) -> None:
    una = who({"name": [{"family": "Valé", "given": ["Una", "M"]}], "birthDate": "1980-02-29"})
    named, born, differ = PEOPLE[name]
    other = who({"name": [named], "birthDate": born})

    assert strangers(una, other) is strangers(other, una) is differ


@pytest.mark.parametrize(
    "reference",
    ["Patient/p", "https://h.example/fhir/Patient/p", "Patient/p/_history/3", "urn:uuid:p", "urn:oid:p"],
)
def test_a_reference_names_its_patient(reference: str) -> None:
    assert id_in(None, {"reference": reference}) == "p"


def test_what_is_an_error_tells_nothing() -> None:
    assert fact_of(lab(status="entered-in-error")) is None
    assert fact_of(problem(verificationStatus={"coding": [{"code": "entered-in-error"}]})) is None


def test_the_same_bytes_are_the_same_even_where_nothing_else_tells() -> None:
    team = {"resourceType": "CareTeam", "id": "7", "name": "Team"}
    one, other = _pair(team, team)

    assert same(one, other) and set(one.keys()) & set(other.keys())


def test_an_identifier_that_several_share_says_nothing() -> None:
    one, other = _pair(
        procedure(**known("urn:oid:1.2.840.1", "77")),
        procedure(**known("urn:oid:1.2.840.1", "77"), id="2", performedDateTime=None),
    )

    assert same(one, other)
    assert not same(one, other, shared=one.identifiers)
