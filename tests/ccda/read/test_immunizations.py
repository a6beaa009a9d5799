"""Vaccinations of C-CDA: given, refused, and which dose of the series."""

from __future__ import annotations

from typing import Any

import pytest

from .statements import Section, T, codes

_SECTION = Section("11369-6")
made, of, one = _SECTION.made, _SECTION.of, _SECTION.one


VACCINE = """<code code="88" codeSystem="2.16.840.1.113883.12.292" displayName="Influenza"><translation
  code="49281042150" codeSystem="2.16.840.1.113883.6.69"/></code>"""


def entry(
    inside: str = '<effectiveTime value="20101115"/>', after: str = "", *, negated: str = 'negationInd="false"',
    status: str = "completed", vaccine: str = VACCINE, mood: str = "EVN", template: str = f"{T}.52",
) -> str:  # fmt: skip
    """An Immunization Activity."""
    return f"""<substanceAdministration classCode="SBADM" moodCode="{mood}" {negated}><templateId root="{template}"/>
      <id root="1.2.3.4.5.6.9" extension="1"/><statusCode code="{status}"/>{inside}<consumable><manufacturedProduct>
      <manufacturedMaterial>{vaccine}<lotNumberText>1</lotNumberText></manufacturedMaterial><manufacturerOrganization>
      <name>Maker</name></manufacturerOrganization></manufacturedProduct></consumable>{after}</substanceAdministration>"""


REFUSAL = f"""<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.53"/>
  <code code="PATOBJ" codeSystem="2.16.840.1.113883.5.8"/></observation></entryRelationship>"""


@pytest.mark.parametrize(
    "template", [f"{T}.52", "2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.12", "1.2.3"]
)
def test_a_vaccination_keeps_code_day_lot_and_maker(template: str) -> None:
    immunization = one("Immunization", entry(template=template))
    assert codes(immunization["vaccineCode"]) == ["88", "49281042150"]
    assert immunization["occurrenceDateTime"] == "2010-11-15"
    assert (immunization["status"], immunization["lotNumber"]) == ("completed", "1")
    assert immunization["manufacturer"]["display"] == "Maker"


@pytest.mark.parametrize(
    ("negated", "status", "after", "expected"),
    [
        ('negationInd="true"', "completed", REFUSAL, "not-done"),
        ("", "completed", REFUSAL, "not-done"),
        ('negationInd="false"', "cancelled", "", "not-done"),
        ('negationInd="false"', "nullified", "", "entered-in-error"),
        ("", "completed", "", "completed"),
    ],
)
def test_what_was_refused_is_never_given(negated: str, status: str, after: str, expected: str) -> None:
    immunization = one("Immunization", entry(negated=negated, status=status, after=after))
    assert immunization["status"] == expected
    assert codes(immunization.get("statusReason")) == (["PATOBJ"] if after else [])


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ('<effectiveTime><low value="20101115"/><high value="20101116"/></effectiveTime>', "2010-11-15"),
        ('<effectiveTime nullFlavor="UNK"/>', None),
    ],
)
def test_when_is_the_low_of_an_interval_or_unknown(time: str, expected: str | None) -> None:
    immunization = one("Immunization", entry(time))
    assert immunization.get("occurrenceDateTime") == expected
    assert immunization.get("occurrenceString") == (None if expected else "unknown")


NUMBER = """<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><code code="30973-2"/>
  <value xsi:type="{}" value="{}"/></observation></entryRelationship>"""


@pytest.mark.parametrize(
    ("inside", "after", "expected"),
    [
        ('<repeatNumber value="2"/>', "", {"doseNumberPositiveInt": 2}),
        ("", NUMBER.format("INT", "3"), {"doseNumberPositiveInt": 3}),
        ("", NUMBER.format("ST", "Booster"), {"doseNumberString": "Booster"}),
    ],
)
def test_the_number_of_the_dose_is_read(inside: str, after: str, expected: dict[str, Any]) -> None:
    assert one("Immunization", entry(inside, after))["protocolApplied"] == [expected]


def test_a_reaction_is_an_observation_of_its_own() -> None:
    reaction = f"""<entryRelationship typeCode="MFST"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.9"/>
      <effectiveTime><low value="20101116"/></effectiveTime><value xsi:type="CD" code="39579001"
      codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>"""
    whole = made(entry(after=reaction))
    immunization = next(each for each in whole if each["resourceType"] == "Immunization")
    observation = next(each for each in whole if each["resourceType"] == "Observation")
    assert immunization["reaction"] == [
        {"date": "2010-11-16", "detail": {"reference": f"Observation/{observation['id']}"}}
    ]
    assert codes(observation["valueCodeableConcept"]) == ["39579001"]


@pytest.mark.parametrize(("related", "expected"), [(True, False), (False, None)])
def test_only_a_relative_makes_it_no_primary_source(related: bool, expected: bool | None) -> None:
    told = "<informant><relatedEntity classCode='PRS'/></informant>" if related else ""
    assert one("Immunization", entry(after=told)).get("primarySource") is expected


def test_a_planned_vaccination_is_a_request() -> None:
    planned = entry(mood="INT", template=f"{T}.120")
    assert one("MedicationRequest", planned, "18776-5")["intent"] == "plan"


def test_a_vaccination_that_names_no_vaccine_is_skipped() -> None:
    assert of("Immunization", entry(vaccine='<code nullFlavor="NI"/>')) == []
