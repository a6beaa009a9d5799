"""Allergies, problems and medications: the entries of the first sections that every CCD has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Write = Callable[..., Any]
SCT = "http://snomed.info/sct"
RX = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def amount(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


# ── allergies ─────────────────────────────────────────────────────────────────────────────────────


def allergy(**more: Any) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "code": {"text": "Egg"}, **more}


@pytest.mark.parametrize(
    ("category", "type_", "value"),
    [
        (["food"], "allergy", "414285001"),
        (["food", "medication"], "intolerance", "59037007"),
        (["biologic"], None, "418038007"),
        (None, "allergy", "419199007"),
        (None, None, "420134006"),
        (["plants"], "odd", "420134006"),
    ],
)
def test_the_kind_of_an_allergy_comes_from_category_and_type(
    write: Write, category: list[str] | None, type_: str | None, value: str
) -> None:
    document = write(allergy(category=category, type=type_))

    assert (
        document.one("//c:section[c:code/@code='48765-2']//c:observation[c:participant]/c:value").get("code")
        == value
    )


@pytest.mark.parametrize("code", ["716186003", "no-known-allergies"])
def test_no_known_allergies_is_a_negation(write: Write, code: str) -> None:
    document = write(allergy(code=concept(SCT, code, "No known allergy")))

    entry = document.one("//c:observation[@negationInd='true']")
    assert entry.find("{*}effectiveTime/{*}low").get("nullFlavor") == "NI"
    assert entry.find(".//{*}playingEntity/{*}code").get("nullFlavor") == "NA"
    assert document.rows("48765-2")[0][0] == "No known allergy"


def test_no_information_about_allergies_is_no_statement(write: Write) -> None:
    document = write(allergy(code=concept("http://ips", "no-allergy-info")))

    assert document.section("48765-2").get("nullFlavor") == "NI"
    assert [problem.reason for problem in document.ccd.left_out] == ["It says that there is no information."]


def test_a_resolved_allergy_is_completed_with_an_end(write: Write) -> None:
    document = write(allergy(clinicalStatus=concept("x", "resolved"), onsetDateTime="2015-03-01"))

    act = document.one("//c:act[c:code/@code='CONC']")
    assert act.find("{*}statusCode").get("code") == "completed"
    assert act.find("{*}effectiveTime/{*}high").get("nullFlavor") == "UNK"
    status = document.one("//c:observation[c:code/@code='33999-4']/c:value")
    assert (status.get("code"), status.get(XSI)) == ("413322009", "CE")


def test_each_manifestation_is_a_reaction_with_its_severity(write: Write) -> None:
    hives, wheeze = concept(SCT, "247472004", "Hives"), {"text": "Wheeze"}
    document = write(
        allergy(reaction=[{"manifestation": [hives, wheeze], "severity": "moderate", "onset": "2015"}])
    )

    values = document.find("//c:entryRelationship[@typeCode='MFST']/c:observation/c:value")
    assert [value.get("code") for value in values] == ["247472004", None]
    assert len(document.find("//c:observation[c:code/@code='SEV']/c:value[@code='6736007']")) == 2
    assert document.one("//c:observation[c:participant]/c:effectiveTime/c:low").get("value") == "2015"
    assert document.rows("48765-2")[0][2] == "Hives, Wheeze (moderate)"


# ── problems ──────────────────────────────────────────────────────────────────────────────────────


def condition(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": concept(SCT, "59621000", "Hypertension"), **more}


def test_a_problem_without_a_code_of_the_binding_is_other_with_translation(write: Write) -> None:
    icd = concept("http://hl7.org/fhir/sid/icd-10-cm", "I10", "Hypertension")
    value = write(condition(code=icd)).one("//c:observation[c:code/@code='64572001']/c:value")

    assert value.get("nullFlavor") == "OTH"
    assert value.find("{*}translation").get("code") == "I10"


def test_a_refuted_problem_is_negated_and_says_so(write: Write) -> None:
    document = write(condition(verificationStatus=concept("x", "refuted")))

    assert len(document.find("//c:observation[@negationInd='true']")) == 1
    assert document.rows("11450-4")[0][0] == "Hypertension (refuted)"


def test_a_high_stands_only_where_it_is_over(write: Write) -> None:
    def high(**more: Any) -> list[Any]:
        path = "//c:observation[c:code/@code='64572001']/c:effectiveTime/c:high"
        return [dict(found.attrib) for found in write(condition(**more)).find(path)]

    assert high(clinicalStatus=concept("x", "active"), onsetPeriod={"start": "2010", "end": "2011"}) == []
    assert high(abatementDateTime="2019-05") == [{"value": "201905"}]
    assert high(clinicalStatus=concept("x", "resolved")) == [{"nullFlavor": "UNK"}]


def test_an_old_diagnosis_stands_with_its_encounter_and_a_current_one_also_here(write: Write) -> None:
    visit = {"resourceType": "Encounter", "id": "v", "status": "finished", "period": {"start": "2024-01-10"}}
    diagnosis = {"category": [concept("x", "encounter-diagnosis")], "encounter": {"reference": "Encounter/v"}}
    old = condition(id="old", clinicalStatus=concept("x", "resolved"), **diagnosis)
    current = condition(id="now", clinicalStatus=concept("x", "active"), **diagnosis)
    lost = condition(id="lost", **diagnosis | {"encounter": {"reference": "Encounter/none"}})

    document = write(visit, old, current, lost)

    assert document.ccd.sections["11450-4"] == 2
    assert len(document.find("//c:encounter//c:act[c:code/@code='29308-4']")) == 2


def test_a_health_concern_has_its_own_section(write: Write) -> None:
    document = write(condition(category=[concept("x", "health-concern")]))

    assert document.ccd.sections["75310-3"] == 1
    assert document.ccd.sections["11450-4"] == 0


# ── medications ───────────────────────────────────────────────────────────────────────────────────


def request(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(RX, "314076", "lisinopril 10 MG"),
        **more,
    }


def test_a_request_is_intended_and_a_statement_happened(write: Write) -> None:
    statement = request(resourceType="MedicationStatement", effectivePeriod={"start": "2020", "end": "2021"})
    document = write(request(), statement)

    moods = document.find("//c:entry/c:substanceAdministration/@moodCode")
    assert sorted(moods) == ["EVN", "INT"]
    low = document.one("//c:substanceAdministration[@moodCode='EVN']/c:effectiveTime/c:low")
    assert low.get("value") == "2020"


@pytest.mark.parametrize(
    ("repeat", "period", "unit", "times_a_day"),
    [
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, "0.5", "d", "true"),
        ({"frequency": 1, "period": 8, "periodUnit": "h"}, "8", "h", "false"),
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, "0.333333", "d", "true"),
        ({"period": 2, "periodUnit": "wk"}, "2", "wk", "false"),
    ],
)
def test_how_often_is_the_second_time(
    write: Write, repeat: dict[str, Any], period: str, unit: str, times_a_day: str
) -> None:
    document = write(request(dosageInstruction=[{"timing": {"repeat": repeat}}]))

    first, second = document.find("//c:entry/c:substanceAdministration/c:effectiveTime")
    assert first.find("{*}low").get("nullFlavor") == "UNK"
    assert dict(second.find("{*}period").attrib) == {"value": period, "unit": unit}
    assert (second.get("operator"), second.get("institutionSpecified")) == ("A", times_a_day)


def test_dose_instructions_refills_and_need_are_written(write: Write) -> None:
    dosage = {
        "text": "One tablet daily",
        "asNeededBoolean": True,
        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
        "maxDosePerPeriod": {"numerator": amount(3, "mg"), "denominator": amount(1, "d")},
    }
    document = write(request(dosageInstruction=[dosage], dispenseRequest={"numberOfRepeatsAllowed": 2}))

    assert dict(document.one("//c:doseQuantity").attrib) == {"value": "1"}
    assert document.one("//c:maxDoseQuantity/c:denominator").get("unit") == "d"
    assert len(document.find("//c:precondition")) == 1
    assert document.one("//c:supply/c:repeatNumber").get("value") == "3"
    assert len(document.find("//c:substanceAdministration[c:code/@code='76662-6']")) == 1
    assert document.rows("10160-0")[0][1] == "One tablet daily"


def test_a_medicine_may_be_contained_or_elsewhere_or_only_a_name(write: Write) -> None:
    contained = {"resourceType": "Medication", "id": "m", "code": concept(RX, "1", "Contained")}
    elsewhere = {"resourceType": "Medication", "id": "e", "code": concept(RX, "2", "Elsewhere")}
    bare = {key: value for key, value in request().items() if key != "medicationCodeableConcept"}

    document = write(
        bare | {"id": "a", "contained": [contained], "medicationReference": {"reference": "#m"}},
        bare | {"id": "b", "medicationReference": {"reference": "Medication/e"}},
        bare | {"id": "c", "medicationReference": {"reference": "Medication/gone", "display": "By name"}},
        elsewhere,
    )

    assert [row[0] for row in document.rows("10160-0")] == ["Contained", "Elsewhere", "By name"]
    assert document.find("//c:manufacturedMaterial/c:code/@code") == ["1", "2"]


def test_what_is_not_taken_is_negated(write: Write) -> None:
    document = write(request(resourceType="MedicationStatement", status="not-taken"))

    assert document.one("//c:entry/c:substanceAdministration").get("negationInd") == "true"
    assert document.rows("10160-0")[0][0] == "lisinopril 10 MG (not taken)"


def test_no_known_medications_needs_a_code_that_says_so(write: Write) -> None:
    document = write(request(medicationCodeableConcept=concept("http://ips", "no-known-medications")))

    material = document.one("//c:manufacturedMaterial/c:code")
    assert material.get("nullFlavor") == "OTH"
    assert material.find("{*}translation").get("code") == "410942007"
    assert document.one("//c:doseQuantity").get("nullFlavor") == "NA"


def test_a_dispense_stands_with_its_request(write: Write) -> None:
    dispense = {
        "resourceType": "MedicationDispense",
        "id": "d",
        "status": "completed",
        "whenHandedOver": "2024-02-01",
        "authorizingPrescription": [{"reference": "MedicationRequest/r"}],
        "medicationCodeableConcept": concept(RX, "314076"),
    }
    document = write(request(id="r"), dispense)

    assert document.ccd.sections["10160-0"] == 1
    assert document.one("//c:supply[@moodCode='EVN']/c:effectiveTime").get("value") == "20240201"
    assert document.ccd.left_out == ()
