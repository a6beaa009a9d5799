"""Procedures, devices, plans and goals of C-CDA: done, not done, to be done, to be reached."""

from __future__ import annotations

import pytest

from .statements import LOINC, SNOMED, T, codes, made, of, one


def procedure(inside: str = "", *, tag: str = "procedure", template: str = f"{T}.14", **options: str) -> str:
    """A Procedure Activity."""
    code = options.get("code", f'<code code="73761001" codeSystem="{SNOMED}" displayName="Colonoscopy"/>')
    mood, negated = options.get("mood", "EVN"), options.get("negated", "false")
    return f"""<{tag} classCode="PROC" moodCode="{mood}" negationInd="{negated}"><templateId root="{template}"/>
      <id root="1.2.3.4.5.6.9" extension="1"/>{code}{options.get("text", "")}
      <statusCode code="{options.get("status", "completed")}"/>
      <effectiveTime value="20240103"/>{inside}</{tag}>"""


DEVICE = f"""<participant typeCode="DEV"><participantRole classCode="MANU"><templateId root="{T}.37"/>
  <id root="2.16.840.1.113883.3.3719" extension="(01)00643169007222(17)280100(10)L7(21)S9"/>
  <playingDevice><code code="704708004" codeSystem="{SNOMED}" displayName="Pacemaker"/>
  <manufacturerModelName>M1</manufacturerModelName></playingDevice>
  <scopingEntity><desc>Maker</desc></scopingEntity></participantRole></participant>"""


@pytest.mark.parametrize(
    ("tag", "template"),
    [
        ("procedure", f"{T}.14"),
        ("act", f"{T}.12"),
        ("observation", f"{T}.13"),
        ("procedure", "2.16.840.1.113883.10.20.1.29"),
        ("procedure", "1.2.3.4.5"),
    ],
)
def test_each_kind_of_activity_is_a_procedure(tag: str, template: str) -> None:
    inside = f"""<targetSiteCode code="71854001" codeSystem="{SNOMED}" displayName="Colon"/>
      <performer><assignedEntity><id root="1.2.3.4.5" extension="p"/><assignedPerson><name><given>Ann</given>
      <family>Lee</family></name></assignedPerson></assignedEntity></performer>
      <participant typeCode="LOC"><participantRole classCode="SDLOC"><playingEntity classCode="PLC"><name>North Clinic
      </name></playingEntity></participantRole></participant>
      <entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.19"/>
      <code code="404684003" codeSystem="{SNOMED}"/><value xsi:type="CD" code="54321" codeSystem="{SNOMED}"/>
      </observation></entryRelationship>"""
    found = one("Procedure", made(procedure(inside, tag=tag, template=template), section="47519-4"))
    assert (codes(found["code"]), found["status"], found["performedDateTime"]) == (
        ["73761001"],
        "completed",
        "2024-01-03",
    )
    assert codes(found["bodySite"][0]) == ["71854001"]
    assert found["performer"][0]["actor"]["display"] == "Ann Lee"
    assert found["location"]["display"] == "North Clinic"
    assert codes(found["reasonCode"][0]) == ["54321"]


@pytest.mark.parametrize(
    ("status", "negated", "expected"),
    [
        ("completed", "true", "not-done"),
        ("cancelled", "false", "not-done"),
        ("active", "false", "in-progress"),
        ("aborted", "false", "stopped"),
        ("strange", "false", "unknown"),
    ],
)
def test_what_was_not_done_says_so(status: str, negated: str, expected: str) -> None:
    whole = procedure(status=status, negated=negated)
    assert one("Procedure", made(whole, section="47519-4"))["status"] == expected


def test_what_an_observation_among_procedures_found_is_part_of_it() -> None:
    value = f'<value xsi:type="CD" code="12345" codeSystem="{SNOMED}" displayName="polyp"/>'
    found = made(procedure(value, tag="observation", template=f"{T}.13"), section="47519-4")
    act, finding = one("Procedure", found), one("Observation", found)
    assert codes(finding["valueCodeableConcept"]) == ["12345"]
    assert finding["partOf"] == [{"reference": f"Procedure/{act['id']}"}]


def test_an_implant_is_a_device_with_what_its_udi_says() -> None:
    found = made(procedure(DEVICE), section="47519-4")
    device = one("Device", found)
    assert device["udiCarrier"] == [
        {"deviceIdentifier": "00643169007222", "carrierHRF": "(01)00643169007222(17)280100(10)L7(21)S9"}
    ]
    assert (device["expirationDate"], device["lotNumber"], device["serialNumber"]) == ("2028-01", "L7", "S9")
    assert (device["manufacturer"], device["modelNumber"], codes(device["type"])) == (
        "Maker",
        "M1",
        ["704708004"],
    )
    assert device["patient"] == one("Procedure", found)["subject"]
    assert one("Procedure", found)["focalDevice"] == [
        {"manipulated": {"reference": f"Device/{device['id']}"}}
    ]


def test_no_implants_makes_no_device() -> None:
    whole = procedure(DEVICE, negated="true", text="<text>No implanted devices.</text>")
    found = made(whole, section="46264-8")
    act = one("Procedure", found)
    assert of("Device", found) == []
    assert (act["status"], act["note"][0]["text"]) == ("not-done", "No implanted devices.")


def test_a_frame_around_a_device_is_no_procedure_and_a_supply_says_since_when() -> None:
    frame = f"""<procedure classCode="PROC" moodCode="EVN"><templateId root="{T}.14"/><id root="1.2.3.4.5.6.9"/>
      <code nullFlavor="UNK"/><statusCode nullFlavor="UNK"/>{DEVICE}</procedure>"""
    supply = f"""<supply classCode="SPLY" moodCode="EVN"><templateId root="{T}.50"/><id root="1.2.3.4.5.6.9" extension="s"/>
      <statusCode code="active"/><effectiveTime><low value="2023"/></effectiveTime><quantity value="2"/>
      {DEVICE.replace("(21)S9", "(21)S10")}</supply>"""
    found = made(frame, supply, section="46264-8")
    use = one("DeviceUseStatement", found)
    assert (len(of("Device", found)), of("Procedure", found)) == (2, [])
    assert (use["timingPeriod"], use["note"][0]["text"]) == ({"start": "2023"}, "Quantity: 2")


@pytest.mark.parametrize(
    ("mood", "status", "intent", "expected"),
    [
        ("RQO", "active", "order", "active"),
        ("INT", "new", "plan", "draft"),
        ("PRP", "cancelled", "proposal", "revoked"),
        ("PRMS", "completed", "plan", "completed"),
    ],
)
@pytest.mark.parametrize(
    ("tag", "number"), [("observation", "44"), ("procedure", "41"), ("act", "39"), ("supply", "43")]
)
def test_what_is_planned_is_requested(
    mood: str, status: str, intent: str, expected: str, tag: str, number: str
) -> None:
    whole = procedure(tag=tag, template=f"{T}.{number}", mood=mood, status=status)
    found = one("ServiceRequest", made(whole, section="18776-5"))
    assert (found["intent"], found["status"], codes(found["code"])) == (intent, expected, ["73761001"])
    assert found["occurrenceDateTime"] == "2024-01-03"


def test_what_is_not_to_be_done_says_so() -> None:
    whole = procedure(tag="observation", template=f"{T}.44", mood="INT", negated="true")
    assert one("ServiceRequest", made(whole, section="18776-5"))["doNotPerform"] is True


def test_an_instruction_keeps_its_words_and_a_visit_is_planned() -> None:
    told = f"""<act classCode="ACT" moodCode="INT"><templateId root="{T}.20"/><code code="409073007" codeSystem="{SNOMED}"
      displayName="Education"/><text>Walk every day.</text><statusCode code="completed"/></act>"""
    visit = procedure(tag="encounter", template=f"{T}.40", mood="INT", status="active")
    found = made(told, visit, section="18776-5")
    request = one("ServiceRequest", found)
    assert (request["status"], request["code"]["text"]) == ("active", "Walk every day.")
    assert (one("Encounter", found)["status"], one("Encounter", found)["period"]) == (
        "planned",
        {"start": "2024-01-03"},
    )


@pytest.mark.parametrize("number", ["121", "44"])
def test_a_goal_has_a_measure_and_a_target_or_only_words(number: str) -> None:
    weight = f"""<observation classCode="OBS" moodCode="GOL"><templateId root="{T}.{number}"/>
      <id root="1.2.3.4.5.6.9" extension="g"/><code code="29463-7" codeSystem="{LOINC}" displayName="Weight"/>
      <statusCode code="active"/><effectiveTime><low value="20240101"/><high value="20240701"/></effectiveTime>
      <value xsi:type="PQ" value="80" unit="kg"/></observation>"""
    words = f"""<observation classCode="OBS" moodCode="GOL"><templateId root="{T}.{number}"/>
      <code nullFlavor="UNK"/><statusCode code="completed"/><value xsi:type="ST">Sleep better</value></observation>"""
    measured, said = of("Goal", made(weight, words, section="61146-7"))
    target = measured["target"][0]
    assert (codes(target["measure"]), str(target["detailQuantity"]["value"])) == (["29463-7"], "80")
    assert (measured["startDate"], target["dueDate"]) == ("2024-01-01", "2024-07-01")
    assert (said["description"], said["lifecycleStatus"]) == ({"text": "Sleep better"}, "completed")
