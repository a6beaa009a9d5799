"""Encounters of C-CDA: what kind, when, where, with whom, and what was found."""

from __future__ import annotations

import pytest

from .statements import Section, T, codes

_SECTION = Section("46240-8")
made, of, one = _SECTION.made, _SECTION.of, _SECTION.one


PERIOD = '<effectiveTime><low value="20141028"/><high value="20141031"/></effectiveTime>'
OFFICE = '<code code="99213" codeSystem="2.16.840.1.113883.6.12" displayName="Office visit">{}</code>'
CLASS = '<translation code="AMB" codeSystem="2.16.840.1.113883.5.4"/>'


def entry(
    kind: str = OFFICE.format(CLASS),
    time: str = PERIOD,
    after: str = "",
    *,
    template: str = f"{T}.49",
    mood: str = "EVN",
) -> str:
    """An Encounter Activity."""
    return f"""<encounter classCode="ENC" moodCode="{mood}"><templateId root="{template}"/>
      <id root="1.2.3.4.5.6.9" extension="1"/>{kind}{time}{after}</encounter>"""


@pytest.mark.parametrize(
    "template", [f"{T}.49", "2.16.840.1.113883.10.20.1.21", "1.3.6.1.4.1.19376.1.5.3.1.4.14", "1.2.3"]
)
def test_a_visit_has_kind_class_and_time(template: str) -> None:
    encounter = one("Encounter", entry(template=template))
    assert codes(encounter["type"][0]) == ["99213"]
    assert (encounter["class"]["code"], encounter["status"]) == ("AMB", "finished")
    assert encounter["period"] == {"start": "2014-10-28", "end": "2014-10-31"}


@pytest.mark.parametrize(
    ("kind", "class_", "types"),
    [
        ('<code code="IMP" codeSystem="2.16.840.1.113883.5.4"/>', "IMP", []),
        ('<code code="E" codeSystem="2.16.840.1.113883.12.4"/>', "EMER", []),
        (OFFICE.format(""), "UNK", [["99213"]]),
        ('<code nullFlavor="UNK"><originalText>Wellness Visit</originalText></code>', "UNK", [[]]),
    ],
)
def test_a_class_is_read_where_it_stands_and_never_invented(
    kind: str, class_: str, types: list[list[str]]
) -> None:
    encounter = one("Encounter", entry(kind))
    assert encounter["class"]["code"] == class_
    assert [codes(each) for each in encounter.get("type", ())] == types


@pytest.mark.parametrize(
    ("status", "time", "expected"),
    [
        ('<statusCode code="completed"/>', "", "finished"),
        ('<statusCode code="active"/>', PERIOD, "in-progress"),
        ('<statusCode code="aborted"/>', PERIOD, "unknown"),
        ("", PERIOD, "finished"),
        ("", '<effectiveTime value="20141028"/>', "unknown"),
    ],
)
def test_the_status_is_what_is_said_else_what_has_an_end_is_over(
    status: str, time: str, expected: str
) -> None:
    assert one("Encounter", entry(time=status + time))["status"] == expected


def test_people_place_reason_and_disposition_are_read() -> None:
    after = f"""<sdtc:dischargeDispositionCode code="04" codeSystem="2.16.840.1.113883.6.301.5"/>
      <performer typeCode="PRF"><sdtc:functionCode code="ATND" codeSystem="2.16.840.1.113883.5.90"/><assignedEntity>
      <id root="2.16.840.1.113883.4.6" extension="12345679"/><assignedPerson><name><given>James</given>
      <family>Getwell</family></name></assignedPerson></assignedEntity></performer><participant typeCode="LOC">
      <participantRole classCode="SDLOC"><code code="1061-1" codeSystem="2.16.840.1.113883.6.259"/>
      <playingEntity classCode="PLC"><name>Good Day Hospital</name></playingEntity></participantRole></participant>
      <entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.19"/>
      <value xsi:type="CD" code="32398004" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>"""
    encounter = one("Encounter", entry(after=after))
    assert codes(encounter["hospitalization"]["dischargeDisposition"]) == ["04"]
    assert codes(encounter["participant"][0]["type"][0]) == ["ATND"]
    assert encounter["participant"][0]["individual"]["display"] == "James Getwell"
    assert encounter["location"][0]["location"]["display"] == "Good Day Hospital"
    assert codes(encounter["reasonCode"][0]) == ["32398004"]


@pytest.mark.parametrize(("template", "use"), [("80", None), ("33", "DD"), ("34", "AD")])
def test_diagnoses_are_conditions_that_the_visit_names(template: str, use: str | None) -> None:
    after = f"""<entryRelationship typeCode="SUBJ"><act classCode="ACT" moodCode="EVN"><templateId root="{T}.{template}"/>
      <entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.4"/>
      <id root="1.2.3.4.5.6.9" extension="dx"/><value xsi:type="CD" code="42343007"
      codeSystem="2.16.840.1.113883.6.96"/><entryRelationship typeCode="REFR"><observation classCode="OBS"
      moodCode="EVN"><code code="263486008" codeSystem="2.16.840.1.113883.6.96"/><value xsi:type="INT" value="1"/>
      </observation></entryRelationship></observation></entryRelationship></act></entryRelationship>"""
    whole = made(entry(after=after))
    encounter = next(each for each in whole if each["resourceType"] == "Encounter")
    (condition,) = [each for each in whole if each["resourceType"] == "Condition"]
    (diagnosis,) = encounter["diagnosis"]
    assert diagnosis["condition"] == {"reference": f"Condition/{condition['id']}"}
    assert condition["encounter"] == {"reference": f"Encounter/{encounter['id']}"}
    assert codes(condition["category"][0]) == ["encounter-diagnosis"]
    assert (diagnosis["rank"], codes(diagnosis.get("use"))) == (1, [use] if use else [])


@pytest.mark.parametrize(
    "kind",
    ['<code nullFlavor="NI"/>', '<code nullFlavor="NI"><originalText>No encounters</originalText></code>'],
)
def test_an_entry_that_says_nothing_of_a_visit_is_skipped(kind: str) -> None:
    assert of("Encounter", entry(kind, time='<effectiveTime nullFlavor="NI"/>')) == []
