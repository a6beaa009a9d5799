"""Problems of C-CDA: what it is, how it stands, since when, and what is denied."""

from __future__ import annotations

import pytest

from .statements import Section, T, codes

_SECTION = Section("11450-4")
made, of, one = _SECTION.made, _SECTION.of, _SECTION.one


PNEUMONIA = (
    '<value xsi:type="CD" code="233604007" codeSystem="2.16.840.1.113883.6.96" displayName="Pneumonia"/>'
)


def observation(
    value: str = PNEUMONIA, *, time: str = '<low value="20140227"/>', negated: str = "false", inside: str = ""
) -> str:
    """A Problem Observation."""
    return f"""<observation classCode="OBS" moodCode="EVN" negationInd="{negated}"><templateId root="{T}.4"/>
      <id root="1.2.3.4.5.6.9" extension="1"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/>
      <effectiveTime>{time}</effectiveTime>{value}{inside}</observation>"""


def entry(inside: str, *, act: str = "active", template: str = "3") -> str:
    """A concern."""
    return f"""<act classCode="ACT" moodCode="EVN"><templateId root="{T}.{template}"/>
      <id root="1.2.3.4.5.6.9" extension="act"/><statusCode code="{act}"/>
      <entryRelationship typeCode="SUBJ">{inside}</entryRelationship></act>"""


def status(code: str) -> str:
    return f"""<entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.6"/>
      <code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="CD" code="{code}"
      codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>"""


@pytest.mark.parametrize(
    ("section", "template", "category"),
    [
        ("11450-4", "3", "problem-list-item"),
        ("46240-8", "80", "encounter-diagnosis"),
        ("11535-2", "33", "encounter-diagnosis"),
        ("75310-3", "132", "health-concern"),
    ],
)
def test_the_section_says_the_category(section: str, template: str, category: str) -> None:
    condition = one("Condition", entry(observation(), template=template), section)
    assert codes(condition["category"][0]) == [category]
    assert codes(condition["code"]) == ["233604007"]
    assert condition["onsetDateTime"] == "2014-02-27"


@pytest.mark.parametrize(
    ("time", "inside", "act", "expected"),
    [
        ('<low value="2014"/>', "", "active", "active"),
        ('<low value="2014"/>', "", "completed", "inactive"),
        ('<low value="2014"/><high value="2015"/>', "", "active", "resolved"),
        ('<low value="2014"/><high value="2015"/>', status("55561003"), "active", "resolved"),
        ('<low value="2014"/><high value="2015"/>', status("277022003"), "active", "remission"),
        ('<low value="2014"/><high nullFlavor="UNK"/>', "", "active", "resolved"),
        ('<low value="2014"/><high nullFlavor="UNK"/>', status("55561003"), "active", "active"),
        ('<low value="2014"/><high nullFlavor="NI"/>', "", "active", "active"),
        ('<low value="2014"/>', status("246455001"), "completed", "recurrence"),
    ],
)
def test_clinical_status_follows_status_end_and_act(time: str, inside: str, act: str, expected: str) -> None:
    condition = one("Condition", entry(observation(time=time, inside=inside), act=act))
    assert codes(condition["clinicalStatus"]) == [expected]


def test_over_since_nobody_knows_when_says_that_the_date_is_unknown() -> None:
    condition = one("Condition", entry(observation(time='<high nullFlavor="UNK"/>')))
    assert condition["_abatementDateTime"]["extension"][0]["valueCode"] == "unknown"


def test_a_denied_disease_is_refuted() -> None:
    condition = one("Condition", entry(observation(negated="true")))
    assert codes(condition["verificationStatus"]) == ["refuted"]


def test_a_denied_problem_in_general_is_no_known_problems() -> None:
    general = (
        '<value xsi:type="CD" code="55607006" codeSystem="2.16.840.1.113883.6.96" displayName="Problem"/>'
    )
    condition = one("Condition", entry(observation(general, negated="true")))
    assert codes(condition["code"]) == ["160245001"]
    assert "verificationStatus" not in condition


def test_a_kind_of_problem_as_value_gives_way_to_its_translation() -> None:
    value = """<value xsi:type="CD" code="55607006" codeSystem="2.16.840.1.113883.6.96" displayName="Problem">
      <translation code="346.9" codeSystem="2.16.840.1.113883.6.103" displayName="Migraine"/></value>"""
    condition = one("Condition", entry(observation(value)))
    assert codes(condition["code"]) == ["346.9"]
    assert condition["code"]["text"] == "Migraine"


@pytest.mark.parametrize(
    "value",
    [
        '<value xsi:type="CD" nullFlavor="UNK"><originalText><reference value="#p"/></originalText></value>',
        '<text><reference value="#p"/></text><value xsi:type="CD"/>',
        '<value xsi:type="ST">Sore knee</value>',
    ],
)
def test_a_problem_in_words_only_is_kept(value: str) -> None:
    condition = one("Condition", entry(observation(value)), narrative='<content ID="p">Sore knee</content>')
    assert condition["code"] == {"text": "Sore knee"}


def test_age_severity_site_and_date_of_diagnosis_are_read() -> None:
    inside = f"""<targetSiteCode code="30021000" codeSystem="2.16.840.1.113883.6.96"/>
      <entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN">
      <templateId root="{T}.31"/><value xsi:type="PQ" value="57" unit="a"/></observation></entryRelationship>
      <entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN">
      <templateId root="{T}.8"/><code code="SEV"/><value xsi:type="CD" code="24484000"
      codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>
      <entryRelationship typeCode="COMP"><act classCode="ACT" moodCode="EVN"><templateId root="{T}.502"/>
      <effectiveTime value="20150301"/></act></entryRelationship>"""
    condition = one("Condition", entry(observation(time="", inside=inside)))
    assert (str(condition["onsetAge"]["value"]), condition["onsetAge"]["code"]) == ("57", "a")
    assert codes(condition["severity"]) == ["24484000"]
    assert codes(condition["bodySite"][0]) == ["30021000"]
    assert condition["extension"][0]["valueDateTime"] == "2015-03-01"


def test_several_observations_of_one_concern_are_several_conditions() -> None:
    second = observation(PNEUMONIA.replace("233604007", "195967001")).replace(
        'extension="1"', 'extension="2"'
    )
    joined = observation() + f'</entryRelationship><entryRelationship typeCode="SUBJ">{second}'
    assert [codes(each["code"]) for each in of("Condition", entry(joined))] == [["233604007"], ["195967001"]]


def test_another_observation_inside_a_problem_is_no_problem() -> None:
    inside = """<entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">
      <code code="11778-8" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="TS" value="20200919"/></observation>
      </entryRelationship>"""
    everything = made(entry(observation(inside=inside)))
    assert [each["resourceType"] for each in everything].count("Condition") == 1
    assert [each for each in everything if each["resourceType"] == "Observation"]


def test_a_concern_that_names_nothing_is_skipped_with_a_reason() -> None:
    assert of("Condition", entry(observation('<value xsi:type="CD" nullFlavor="NI"/>'))) == []


def test_a_concern_of_c32_with_a_substance_is_an_allergy() -> None:
    substance = """<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.1.28"/>
      <value xsi:type="CD" code="416098002" codeSystem="2.16.840.1.113883.6.96"/><participant typeCode="CSM">
      <participantRole classCode="MANU"><playingEntity><name>Penicillin</name></playingEntity></participantRole>
      </participant></observation>"""
    older = entry(substance).replace(f"{T}.3", "2.16.840.1.113883.10.20.1.27")
    assert one("AllergyIntolerance", older)["code"] == {"text": "Penicillin"}
