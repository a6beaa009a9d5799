"""Results and vital signs of C-CDA, C32 and IHE: reports, values of every type, ranges, blood pressure."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from . import statements
from .statements import LOINC, SNOMED, T, codes, of, one

made = partial(statements.made, section="30954-2")


def observation(
    inside: str = '<value xsi:type="PQ" value="13.20" unit="g/dL"/>',
    *,
    code: str = f'<code code="718-7" codeSystem="{LOINC}" displayName="Hemoglobin"/>',
    template: str = f"{T}.2",
    number: str = "1",
    attributes: str = "",
) -> str:
    """A Result Observation."""
    return f"""<observation classCode="OBS" moodCode="EVN" {attributes}><templateId root="{template}"/>
      <id root="1.2.3.4.5.6.9" extension="{number}"/>{code}<statusCode code="completed"/>
      <effectiveTime value="20240103"/>{inside}</observation>"""


def organizer(*components: str, template: str = f"{T}.1", inside: str = "", status: str = "completed") -> str:
    """A Result Organizer."""
    held = "".join(f"<component>{each}</component>" for each in components)
    return f"""<organizer classCode="BATTERY" moodCode="EVN"><templateId root="{template}"/>
      <id root="1.2.3.4.5.6.9" extension="organizer"/>
      <code code="58410-2" codeSystem="{LOINC}" displayName="CBC panel"/><statusCode code="{status}"/>
      <effectiveTime><low value="20240102"/><high value="20240103"/></effectiveTime>{inside}{held}</organizer>"""


@pytest.mark.parametrize("template", [f"{T}.1", "2.16.840.1.113883.10.20.1.32"])
def test_an_organizer_is_a_report_with_its_results(template: str) -> None:
    specimen = f"""<specimen><specimenRole><id root="1.2.3.4.5.6.9" extension="s"/><specimenPlayingEntity>
      <code code="119297000" codeSystem="{SNOMED}" displayName="Blood"/></specimenPlayingEntity></specimenRole></specimen>"""
    found = made(organizer(observation(), observation(number="2"), template=template, inside=specimen))
    report = one("DiagnosticReport", found)
    assert codes(report["code"]) == ["58410-2"]
    assert codes(report["category"][0]) == ["LAB"]
    assert report["status"] == "final"
    assert report["effectivePeriod"] == {"start": "2024-01-02", "end": "2024-01-03"}
    assert [each["reference"] for each in report["result"]] == [
        f"Observation/{each['id']}" for each in of("Observation", found)
    ]
    assert codes(one("Specimen", found)["type"]) == ["119297000"]
    assert report["specimen"] == [{"reference": f"Specimen/{one('Specimen', found)['id']}"}]


@pytest.mark.parametrize(
    ("value", "key", "expected"),
    [
        ('<value xsi:type="PQ" value="13.20" unit="g/dL"/>', "valueQuantity", Decimal("13.20")),
        ('<value xsi:type="INT" value="9"/>', "valueInteger", 9),
        ('<value xsi:type="ST">Yellow</value>', "valueString", "Yellow"),
        ('<value xsi:type="ED">Clear lungs.</value>', "valueString", "Clear lungs."),
        ('<value xsi:type="BL" value="true"/>', "valueBoolean", True),
        ('<value xsi:type="TS" value="20240103"/>', "valueDateTime", "2024-01-03"),
        ('<value xsi:type="REAL" value="0.50"/>', "valueQuantity", Decimal("0.50")),
    ],
)
def test_a_value_of_any_type_keeps_its_type_and_digits(value: str, key: str, expected: object) -> None:
    found = one("Observation", made(organizer(observation(value))))
    told = found[key]["value"] if key == "valueQuantity" else found[key]
    assert (told, str(told)) == (expected, str(expected))


def test_a_bound_is_a_comparator_and_a_coded_value_keeps_its_translations() -> None:
    high = '<value xsi:type="IVL_PQ"><high value="5" unit="ng/mL" inclusive="false"/></value>'
    coded = f"""<value xsi:type="CD" code="260373001" codeSystem="{SNOMED}" displayName="Detected">
      <translation code="POS" codeSystem="1.2.3.4"/></value>"""
    found = of("Observation", made(organizer(observation(high), observation(coded, number="2"))))
    assert found[0]["valueQuantity"]["comparator"] == "<"
    assert codes(found[1]["valueCodeableConcept"]) == ["260373001", "POS"]


def test_a_value_that_is_missing_says_why() -> None:
    found = one("Observation", made(organizer(observation('<value xsi:type="PQ" nullFlavor="NASK"/>'))))
    assert codes(found["dataAbsentReason"]) == ["not-asked"]


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        ("completed", '<value xsi:type="ST">x</value>', "final"),
        ("active", '<value xsi:type="ST">x</value>', "preliminary"),
        ("active", '<value xsi:type="ST" nullFlavor="NAV"/>', "registered"),
        ("aborted", "", "cancelled"),
        ("nullified", "", "entered-in-error"),
    ],
)
def test_what_has_a_value_but_is_not_finished_is_preliminary(status: str, value: str, expected: str) -> None:
    whole = observation(value).replace('"completed"', f'"{status}"')
    assert one("Observation", made(whole))["status"] == expected


def test_ranges_and_interpretations_all_come_back() -> None:
    inside = """<value xsi:type="PQ" value="13" unit="g/dL"/>
      <interpretationCode code="H" codeSystem="2.16.840.1.113883.5.83"/>
      <interpretationCode nullFlavor="UNK"><originalText>odd</originalText></interpretationCode>
      <referenceRange><observationRange><value xsi:type="IVL_PQ">
      <low value="12.0" unit="g/dL"/><high value="16" unit="g/dL"/>
      </value><interpretationCode code="N" codeSystem="2.16.840.1.113883.5.83"/></observationRange></referenceRange>
      <referenceRange><observationRange><text>below 3 in children</text></observationRange></referenceRange>
      <referenceRange><observationRange><value xsi:type="ST">negative</value></observationRange></referenceRange>"""
    found = one("Observation", made(observation(inside)))
    assert [each.get("text") or codes(each) for each in found["interpretation"]] == [["H"], "odd"]
    first, *further = found["referenceRange"]
    assert (str(first["low"]["value"]), first["high"]["code"], "type" in first) == ("12.0", "g/dL", False)
    assert [each["text"] for each in further] == ["below 3 in children", "negative"]


def test_site_method_performer_note_and_time_of_issue_stand_on_the_observation() -> None:
    inside = f"""<value xsi:type="ST">x</value><methodCode code="1" codeSystem="1.2.3.4" displayName="PCR"/>
      <targetSiteCode code="368208006" codeSystem="{SNOMED}" displayName="Left arm"/>
      <performer><assignedEntity><id root="1.2.3.4.5" extension="p"/><assignedPerson><name><given>Ann</given>
      <family>Lee</family></name></assignedPerson></assignedEntity></performer>
      <author><time value="20240103101500+0000"/><assignedAuthor><id root="1.2.3.4.5" extension="lab"/>
      <representedOrganization><name>North Lab</name></representedOrganization></assignedAuthor></author>
      <entryRelationship typeCode="SUBJ" inversionInd="true"><act classCode="ACT" moodCode="EVN"><templateId root="{T}.64"/>
      <code code="48767-8" codeSystem="{LOINC}"/><text>Hemolyzed.</text></act></entryRelationship>"""
    found = one("Observation", made(observation(inside)))
    assert (found["method"]["text"], codes(found["bodySite"])) == ("PCR", ["368208006"])
    assert [each["display"] for each in found["performer"]] == ["North Lab", "Ann Lee"]
    assert found["issued"] == "2024-01-03T10:15:00+00:00"
    assert [each["text"] for each in found["note"]] == ["Hemolyzed."]


def test_a_group_in_a_group_has_its_members_and_nested_results_are_linked() -> None:
    inner = organizer(observation(number="3")).replace('"organizer"', '"inner"')
    child = f'<entryRelationship typeCode="COMP">{observation(number="2")}</entryRelationship>'
    found = made(organizer(observation(f'<value xsi:type="ST">E. coli</value>{child}'), inner))
    report = one("DiagnosticReport", found)
    results = {each["id"]: each for each in of("Observation", found)}
    told = [results[each["reference"].split("/")[1]] for each in report["result"]]
    assert len(results) == 4
    assert [len(each.get("hasMember", ())) for each in told if "hasMember" in each] == [1, 1]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('<code code="71020" codeSystem="2.16.840.1.113883.6.12" displayName="Chest"/>', "RAD"),
        (f'<code code="36643-5" codeSystem="{LOINC}" displayName="XR Chest 2 Views"/>', "RAD"),
        ('<code nullFlavor="UNK"><originalText>MRI of the knee</originalText></code>', "RAD"),
        ('<code nullFlavor="UNK"><originalText>Electrolytes, mixed</originalText></code>', "LAB"),
    ],
)
def test_pictures_are_told_from_the_laboratory(code: str, expected: str) -> None:
    whole = organizer(observation('<value xsi:type="ST">x</value>', code=code))
    whole = whole.replace(f'<code code="58410-2" codeSystem="{LOINC}" displayName="CBC panel"/>', code)
    assert codes(one("DiagnosticReport", made(whole))["category"][0]) == [expected]


def test_a_negated_result_asserts_nothing() -> None:
    value = f'<value xsi:type="CD" code="260373001" codeSystem="{SNOMED}" displayName="Detected"/>'
    found = one("Observation", made(observation(value, attributes='negationInd="true"')))
    assert found["valueCodeableConcept"] == {"text": "Not: Detected"}
    assert "260373001" in found["note"][0]["text"]


def test_what_says_nothing_is_named_and_not_made() -> None:
    document = made(observation("", code='<code nullFlavor="UNK"/>'))
    assert of("Observation", document) == []


# ── vital signs ───────────────────────────────────────────────────────────────────────────────────


def vital(code: str, value: str, *, number: str, unit: str = "mm[Hg]", time: str = "20240103") -> str:
    return observation(
        f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>',
        code=f'<code code="{code}" codeSystem="{LOINC}"/>',
        template=f"{T}.27",
        number=number,
    ).replace("20240103", time)


def panel(*parts: str, template: str = f"{T}.26") -> list[dict[str, Any]]:
    return made(organizer(*parts, template=template), section="8716-3")


@pytest.mark.parametrize("order", [("8480-6", "8462-4"), ("8462-4", "8480-6")])
def test_systolic_and_diastolic_of_one_moment_are_one_blood_pressure(order: tuple[str, str]) -> None:
    values = {"8480-6": "128", "8462-4": "82"}
    parts = [vital(code, values[code], number=code) for code in order]
    found = panel(*parts, vital("8867-4", "70", number="3", unit="/min"))
    pressure, rate = sorted(of("Observation", found), key=lambda each: "component" not in each)
    assert codes(pressure["code"]) == ["85354-9"]
    assert [codes(each["code"]) for each in pressure["component"]] == [["8480-6"], ["8462-4"]]
    assert [str(each["valueQuantity"]["value"]) for each in pressure["component"]] == ["128", "82"]
    assert [each["value"] for each in pressure["identifier"]] == ["8480-6", "8462-4"]
    assert codes(rate["category"][0]) == ["vital-signs"]
    assert rate["valueQuantity"]["code"] == "/min"
    assert of("DiagnosticReport", found) == []


def test_two_readings_pair_with_what_follows_and_other_times_stay_apart() -> None:
    found = panel(
        vital("8480-6", "128", number="1"),
        vital("8462-4", "82", number="2"),
        vital("8480-6", "140", number="3"),
        vital("8462-4", "90", number="4"),
        vital("8480-6", "150", number="5"),
        vital("8462-4", "95", number="6", time="20240104"),
    )
    pairs = [
        [str(part["valueQuantity"]["value"]) for part in each["component"]]
        for each in of("Observation", found)
        if "component" in each
    ]
    alone = [
        str(each["valueQuantity"]["value"]) for each in of("Observation", found) if "component" not in each
    ]
    assert (pairs, alone) == ([["128", "82"], ["140", "90"]], ["150", "95"])


def test_c32_gives_results_and_vital_signs_one_template_and_the_section_tells() -> None:
    whole = organizer(
        observation(template="2.16.840.1.113883.10.20.1.31"), template="2.16.840.1.113883.10.20.1.35"
    )
    assert codes(one("Observation", made(whole, section="8716-3"))["category"][0]) == ["vital-signs"]
    whole = whole.replace("10.20.1.35", "10.20.1.32")
    assert codes(one("Observation", made(whole))["category"][0]) == ["laboratory"]
