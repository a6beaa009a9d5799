"""Allergies of C-CDA: what somebody does not tolerate, what is denied, and what nobody said."""

from __future__ import annotations

import pytest

from .statements import Section, T, codes

_SECTION = Section("48765-2")
of, one = _SECTION.of, _SECTION.one


def entry(
    substance: str = '<code code="2670" codeSystem="2.16.840.1.113883.6.88" displayName="codeine"/>',
    *,
    value: str = "416098002",
    inside: str = "",
    negated: str = "false",
    act: str = "active",
    time: str = '<low value="20140103"/>',
) -> str:
    """An Allergy Concern Act with one observation."""
    return f"""<act classCode="ACT" moodCode="EVN"><templateId root="{T}.30"/><id root="1.2.3.4.5.6.9" extension="act"/>
      <statusCode code="{act}"/><entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"
      negationInd="{negated}"><templateId root="{T}.7"/><id root="1.2.3.4.5.6.9" extension="1"/>
      <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><effectiveTime>{time}</effectiveTime>
      <value xsi:type="CD" code="{value}" codeSystem="2.16.840.1.113883.6.96" displayName="kind"/>
      <participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">{substance}
      </playingEntity></participantRole></participant>{inside}</observation></entryRelationship></act>"""


def inner(template: str, value: str, inside: str = "", type_code: str = "SUBJ") -> str:
    """An observation inside."""
    return f"""<entryRelationship typeCode="{type_code}" inversionInd="true"><observation classCode="OBS" moodCode="EVN">
      <templateId root="{T}.{template}"/>{value}{inside}</observation></entryRelationship>"""


def snomed(code: str, words: str = "") -> str:
    return f'<value xsi:type="CD" code="{code}" codeSystem="2.16.840.1.113883.6.96" displayName="{words}"/>'


@pytest.mark.parametrize(
    ("value", "category", "type_"),
    [
        ("414285001", ["food"], "allergy"),
        ("416098002", ["medication"], "allergy"),
        ("235719002", ["food"], "intolerance"),
        ("59037007", ["medication"], "intolerance"),
        ("418471000", ["food"], None),
        ("419511003", ["medication"], None),
        ("419199007", None, "allergy"),
        ("418038007", None, None),
        ("420134006", None, None),
    ],
)
def test_the_value_says_category_and_type(value: str, category: list[str] | None, type_: str | None) -> None:
    allergy = one("AllergyIntolerance", entry(value=value))
    assert (allergy.get("category"), allergy.get("type")) == (category, type_)
    assert codes(allergy["code"]) == ["2670"]
    assert allergy["onsetDateTime"] == "2014-01-03"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("419199007", "716186003"), ("416098002", "409137002"), ("414285001", "429625007")],
)
def test_a_denied_kind_without_substance_is_no_known_allergy(value: str, expected: str) -> None:
    allergy = one("AllergyIntolerance", entry('<code nullFlavor="NA"/>', value=value, negated="true"))
    assert codes(allergy["code"]) == [expected]
    assert "verificationStatus" not in allergy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("No Known Allergies", "716186003"),
        ("NKDA", "409137002"),
        ("No known drug allergies", "409137002"),
        ("Patient has no known food allergies.", "429625007"),
    ],
)
def test_words_that_deny_are_never_an_allergy_of_that_name(name: str, expected: str) -> None:
    allergy = one("AllergyIntolerance", entry(f'<code nullFlavor="UNK"/><name>{name}</name>'))
    assert codes(allergy["code"])[0] == expected
    assert allergy["code"]["text"] == name


def test_an_older_code_for_none_known_gets_the_one_everybody_knows() -> None:
    older = '<code code="160244002" codeSystem="2.16.840.1.113883.6.96" displayName="No known allergies"/>'
    assert codes(one("AllergyIntolerance", entry(older))["code"]) == ["716186003", "160244002"]


def test_a_denied_substance_is_refuted_and_not_an_allergy() -> None:
    allergy = one("AllergyIntolerance", entry(negated="true"))
    assert codes(allergy["verificationStatus"]) == ["refuted"]


@pytest.mark.parametrize("name", ["No information about allergies", "Unknown", "Allergies not on file"])
def test_what_says_that_nobody_asked_is_no_statement(name: str) -> None:
    substance = f'<code nullFlavor="UNK"/><name>{name}</name>'
    assert of("AllergyIntolerance", entry(substance)) == []


def test_reactions_keep_manifestation_severity_and_onset() -> None:
    severe = inner("8", '<code code="SEV"/>' + snomed("24484000", "Severe"))
    reaction = inner(
        "9",
        '<effectiveTime><low value="2012"/></effectiveTime>' + snomed("422587007", "Nausea"),
        severe,
        "MFST",
    )
    allergy = one("AllergyIntolerance", entry(inside=reaction))
    (found,) = allergy["reaction"]
    assert codes(found["manifestation"][0]) == ["422587007"]
    assert (found["severity"], found["onset"]) == ("severe", "2012")


def test_a_severity_of_the_allergy_is_that_of_each_reaction_without_one() -> None:
    reactions = "".join(
        inner("9", snomed(code, "x"), type_code="MFST") for code in ("422587007", "247472004")
    )
    allergy = one("AllergyIntolerance", entry(inside=reactions + inner("8", snomed("6736007", "Moderate"))))
    assert [each["severity"] for each in allergy["reaction"]] == ["moderate", "moderate"]


def test_a_severity_without_a_reaction_is_kept() -> None:
    allergy = one("AllergyIntolerance", entry(inside=inner("8", snomed("255604002", "Mild"))))
    assert allergy["reaction"][0]["severity"] == "mild"


@pytest.mark.parametrize(
    ("inside", "act", "expected"),
    [
        (inner("28", snomed("73425007", "Inactive")), "active", "inactive"),
        ("", "active", "active"),
        ("", "completed", "inactive"),
        (inner("28", snomed("55561003", "Active")), "completed", "active"),
    ],
)
def test_clinical_status_is_the_status_observation_else_that_of_the_act(
    inside: str, act: str, expected: str
) -> None:
    assert codes(one("AllergyIntolerance", entry(inside=inside, act=act))["clinicalStatus"]) == [expected]


def test_criticality_and_abatement_are_read() -> None:
    risk = inner("145", '<value xsi:type="CD" code="CRITH" codeSystem="2.16.840.1.113883.5.1063"/>')
    allergy = one("AllergyIntolerance", entry(inside=risk, time='<low value="2010"/><high value="2015"/>'))
    assert allergy["criticality"] == "high"
    assert allergy["extension"][0]["valueDateTime"] == "2015"


def test_the_words_of_a_reaction_do_not_name_the_substance() -> None:
    substance = """<code code="7980" codeSystem="2.16.840.1.113883.6.88" displayName="Penicillin G"><originalText>
      <reference value="#r"/></originalText></code>"""
    hives = inner("9", snomed("247472004", "Hives"), type_code="MFST")
    narrative = '<content ID="r">Hives</content>'
    allergy = one("AllergyIntolerance", entry(substance, inside=hives), narrative=narrative)
    assert allergy["code"]["text"] == "Penicillin G"


def test_an_alert_of_c32_takes_its_kind_from_the_code() -> None:
    alert = """<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.1.27"/>
      <statusCode code="active"/><entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.1.18"/><code code="419511003" codeSystem="2.16.840.1.113883.6.96"/>
      <value xsi:type="CD"/><participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity>
      <code code="UNK" nullFlavor="UNK"/><name>LATEX STRAP</name></playingEntity></participantRole></participant>
      </observation></entryRelationship></act>"""
    allergy = one("AllergyIntolerance", alert)
    assert allergy["code"] == {"text": "LATEX STRAP"}
    assert allergy["category"] == ["medication"]


def test_several_observations_of_one_act_are_several_allergies() -> None:
    twice = (
        entry().replace("</act>", "")
        + entry(value="414285001").partition("<statusCode")[2].partition("/>")[2]
    )
    assert len(of("AllergyIntolerance", twice.replace('extension="1"', 'extension="2"', 1))) == 2
