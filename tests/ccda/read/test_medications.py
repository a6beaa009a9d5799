"""Medicines of C-CDA: ordered or taken, how, how often, and what is denied."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .statements import Section, T, codes

_SECTION = Section("10160-0")
made, of, one = _SECTION.made, _SECTION.of, _SECTION.one


DRUG = '<code code="314076" codeSystem="2.16.840.1.113883.6.88" displayName="lisinopril 10 MG Oral Tablet"/>'
PERIOD = '<effectiveTime xsi:type="IVL_TS"><low value="20170101"/><high value="20171231"/></effectiveTime>'


def entry(
    inside: str = PERIOD,
    after: str = "",
    *,
    mood: str = "INT",
    status: str = "active",
    drug: str = DRUG,
    negated: str = "false",
    template: str = "16",
) -> str:
    """A Medication Activity."""
    return f"""<substanceAdministration classCode="SBADM" moodCode="{mood}" negationInd="{negated}">
      <templateId root="{T}.{template}"/><id root="1.2.3.4.5.6.9" extension="1"/><statusCode code="{status}"/>{inside}
      <consumable><manufacturedProduct><manufacturedMaterial>{drug}</manufacturedMaterial></manufacturedProduct>
      </consumable>{after}</substanceAdministration>"""


def timing(time: str) -> dict[str, Any]:
    (dosage,) = one("MedicationRequest", entry(PERIOD + time))["dosageInstruction"]
    repeat: dict[str, Any] = dosage["timing"]["repeat"]
    return repeat


@pytest.mark.parametrize(
    ("mood", "section", "type_", "intent"),
    [
        ("INT", "10160-0", "MedicationRequest", "order"),
        ("RQO", "10160-0", "MedicationRequest", "order"),
        ("EVN", "10160-0", "MedicationStatement", None),
        ("INT", "18776-5", "MedicationRequest", "plan"),
        ("PRP", "18776-5", "MedicationRequest", "proposal"),
        ("EVN", "18776-5", "MedicationRequest", "plan"),
    ],
)
def test_mood_and_section_say_whether_it_is_ordered_planned_or_taken(
    mood: str, section: str, type_: str, intent: str | None
) -> None:
    medicine = one(type_, entry(mood=mood), section)
    assert codes(medicine["medicationCodeableConcept"]) == ["314076"]
    assert medicine.get("intent") == intent


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        ("active", None, "active"),
        ("suspended", None, "on-hold"),
        ("completed", None, "completed"),
        ("aborted", None, "stopped"),
        ("nullified", None, "entered-in-error"),
        ("", None, "unknown"),
        ("completed", "55561003", "active"),
        ("completed", "73425007", "completed"),
        ("completed", "421139008", "on-hold"),
    ],
)
def test_the_status_observation_of_older_documents_wins(status: str, said: str | None, expected: str) -> None:
    observed = f"""<entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">
      <templateId root="2.16.840.1.113883.10.20.1.47"/><code code="33999-4"/><value xsi:type="CE" code="{said}"
      codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>"""
    request = one("MedicationRequest", entry(after=observed if said else "", status=status))
    assert request["status"] == expected


def test_dates_in_the_past_do_not_complete_a_medicine() -> None:
    statement = one("MedicationStatement", entry(mood="EVN"))
    assert statement["status"] == "active"
    assert statement["effectivePeriod"] == {"start": "2017-01-01", "end": "2017-12-31"}


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ('xsi:type="PIVL_TS" institutionSpecified="true"><period value="0.333333" unit="d"/>', (3, "1", "d")),
        ('xsi:type="PIVL_TS" institutionSpecified="true"><period value="0.5" unit="d"/>', (2, "1", "d")),
        ('xsi:type="PIVL_TS" institutionSpecified="false"><period value="6" unit="h"/>', (1, "6", "h")),
        ('xsi:type="PIVL_TS"><period value="2" unit="Weeks"/>', (1, "2", "wk")),
        ('><period value="12" unit="h"/>', (1, "12", "h")),
    ],
)
def test_a_period_becomes_how_often(time: str, expected: tuple[int, str, str]) -> None:
    repeat = timing(f'<effectiveTime operator="A" {time}</effectiveTime>')
    assert (repeat["frequency"], str(repeat["period"]), repeat["periodUnit"]) == expected
    assert repeat["boundsPeriod"] == {"start": "2017-01-01", "end": "2017-12-31"}


def test_a_range_of_periods_keeps_both_ends() -> None:
    repeat = timing(
        """<effectiveTime xsi:type="PIVL_TS" operator="A"><period xsi:type="IVL_PQ"><low value="4" unit="h"/>
        <high value="6" unit="h"/></period></effectiveTime>"""
    )
    assert (repeat["period"], repeat["periodMax"]) == (Decimal(4), Decimal(6))


def test_an_event_of_the_day_keeps_its_offset() -> None:
    repeat = timing(
        """<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="AC"/><offset><low value="1" unit="h"/></offset>
        </effectiveTime>"""
    )
    assert (repeat["when"], repeat["offset"]) == (["AC"], 60)


def test_an_expression_of_times_is_read_by_its_parts() -> None:
    request = one(
        "MedicationRequest",
        entry(
            """<effectiveTime xsi:type="SXPR_TS"><comp xsi:type="IVL_TS"><low value="2017"/></comp>
            <comp xsi:type="PIVL_TS"><period value="8" unit="h"/></comp></effectiveTime>"""
        ),
    )
    repeat = request["dosageInstruction"][0]["timing"]["repeat"]
    assert (repeat["boundsPeriod"], repeat["period"]) == ({"start": "2017"}, Decimal(8))


def test_dose_rate_route_and_limit_are_read() -> None:
    how = """<routeCode code="C38288" codeSystem="2.16.840.1.113883.3.26.1.1"/><approachSiteCode code="7569003"
      codeSystem="2.16.840.1.113883.6.96"/><doseQuantity><low value="1"/><high value="2"/></doseQuantity>
      <rateQuantity value="90" unit="mL/min"/><maxDoseQuantity><numerator value="4" unit="g"/>
      <denominator value="1" unit="d"/></maxDoseQuantity>"""
    (dosage,) = one("MedicationRequest", entry(PERIOD + how))["dosageInstruction"]
    amounts = dosage["doseAndRate"][0]
    assert codes(dosage["route"]) == ["C38288"]
    assert codes(dosage["site"]) == ["7569003"]
    assert [str(amounts["doseRange"][end]["value"]) for end in ("low", "high")] == ["1", "2"]
    assert amounts["rateQuantity"]["code"] == "mL/min"
    assert str(dosage["maxDosePerPeriod"]["numerator"]["value"]) == "4"


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ("", {"asNeededBoolean": True}),
        ('<value xsi:type="CD" nullFlavor="UNK"/>', {"asNeededBoolean": True}),
        ('<value xsi:type="CD" nullFlavor="OTH"><originalText>Pain</originalText></value>',
         {"asNeededCodeableConcept": {"text": "Pain"}}),
    ],
)  # fmt: skip
def test_a_precondition_means_as_needed(criterion: str, expected: dict[str, Any]) -> None:
    after = f'<precondition typeCode="PRCN"><criterion><code code="ASSERTION"/>{criterion}</criterion></precondition>'
    (dosage,) = one("MedicationRequest", entry(after=after))["dosageInstruction"]
    assert {key: value for key, value in dosage.items() if key.startswith("asNeeded")} == expected


FREE = f"""<entryRelationship typeCode="COMP"><substanceAdministration classCode="SBADM" moodCode="EVN">
  <templateId root="{T}.147"/><code code="76662-6"/><text><reference value="#sig"/></text></substanceAdministration>
  </entryRelationship>"""


@pytest.mark.parametrize(
    ("narrative", "expected"),
    [
        ('<content ID="sig">take one at night</content>', "take one at night"),
        ("<table><thead><tr><th>Medicine</th><th>How to take it</th><th>Status</th></tr></thead><tbody>"
         '<tr ID="sig"><td>Lisinopril</td><td>take one at night</td><td>active</td></tr></tbody></table>',
         "take one at night"),
    ],
)  # fmt: skip
def test_the_sig_is_the_sentence_and_not_the_row(narrative: str, expected: str) -> None:
    (dosage,) = one("MedicationRequest", entry(after=FREE), narrative=narrative)["dosageInstruction"]
    assert dosage["text"] == expected


def test_a_row_without_a_column_for_it_is_no_sig() -> None:
    linked = '<text><reference value="#r"/></text>' + PERIOD
    narrative = '<table><tbody><tr ID="r"><td>Lisinopril</td><td>active</td></tr></tbody></table>'
    request = one("MedicationRequest", entry(linked), narrative=narrative)
    assert all("text" not in dosage for dosage in request["dosageInstruction"])


def test_supply_order_indication_and_instruction_are_part_of_the_request() -> None:
    after = f"""<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.19"/>
      <value xsi:type="CD" code="38341003" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>
      <entryRelationship typeCode="REFR"><supply classCode="SPLY" moodCode="INT"><templateId root="{T}.17"/>
      <effectiveTime xsi:type="IVL_TS"><high value="20180101"/></effectiveTime><repeatNumber value="3"/>
      <quantity value="75"/></supply></entryRelationship><entryRelationship typeCode="SUBJ" inversionInd="true">
      <act classCode="ACT" moodCode="INT"><templateId root="{T}.20"/><code code="PINSTRUCT"/><text>With food</text></act>
      </entryRelationship>"""
    request = one("MedicationRequest", entry(after=after))
    assert codes(request["reasonCode"][0]) == ["38341003"]
    assert request["dispenseRequest"]["numberOfRepeatsAllowed"] == 2
    assert request["dispenseRequest"]["validityPeriod"] == {"end": "2018-01-01"}
    assert request["dosageInstruction"][0]["patientInstruction"] == "With food"


def test_a_dispense_belongs_to_its_request() -> None:
    after = f"""<entryRelationship typeCode="REFR"><supply classCode="SPLY" moodCode="EVN"><templateId root="{T}.18"/>
      <id root="1.2.3.4.5.6.9" extension="d"/><statusCode code="completed"/><effectiveTime value="20170105"/>
      <quantity value="30"/></supply></entryRelationship>"""
    whole = made(entry(after=after))
    dispense = next(each for each in whole if each["resourceType"] == "MedicationDispense")
    request = next(each for each in whole if each["resourceType"] == "MedicationRequest")
    assert dispense["authorizingPrescription"] == [{"reference": f"MedicationRequest/{request['id']}"}]
    assert codes(dispense["medicationCodeableConcept"]) == ["314076"]
    assert (dispense["status"], dispense["whenHandedOver"]) == ("completed", "2017-01-05")


def test_form_and_maker_stand_in_a_contained_medication() -> None:
    inside = PERIOD + '<administrationUnitCode code="C42998" codeSystem="2.16.840.1.113883.3.26.1.1"/>'
    request = one("MedicationRequest", entry(inside))
    (medication,) = request["contained"]
    assert request["medicationReference"]["reference"] == "#medication"
    assert (codes(medication["code"]), codes(medication["form"])) == (["314076"], ["C42998"])


NO_DRUG = """<code nullFlavor="OTH"><translation code="410942007" codeSystem="2.16.840.1.113883.6.96"
  displayName="drug or medication"/></code>"""


def test_no_known_medications_is_a_concept_that_denies() -> None:
    statement = one("MedicationStatement", entry(drug=NO_DRUG, negated="true", mood="EVN"))
    assert codes(statement["medicationCodeableConcept"]) == ["787481004"]


def test_none_given_during_a_visit_is_not_no_known_medications() -> None:
    statement = one("MedicationStatement", entry(drug=NO_DRUG, negated="true", mood="EVN"), "29549-3")
    assert codes(statement["medicationCodeableConcept"]) == []
    assert statement["status"] == "not-taken"


def test_a_refused_medicine_is_not_taken_and_says_why() -> None:
    after = """<entryRelationship><observation classCode="OBS" moodCode="EVN"><code code="77301-0"/><value xsi:type="CD"
      code="105480006" codeSystem="2.16.840.1.113883.6.96"/></observation></entryRelationship>"""
    statement = one("MedicationStatement", entry(after=after, negated="true", mood="EVN"))
    assert statement["status"] == "not-taken"
    assert codes(statement["statusReason"][0]) == ["105480006"]


@pytest.mark.parametrize(
    "drug",
    ['<code nullFlavor="UNK"/>', '<code nullFlavor="NI"/><name>No medication data is available</name>'],
)
def test_an_entry_without_a_medicine_is_skipped(drug: str) -> None:
    assert of("MedicationStatement", entry(drug=drug, mood="EVN")) == []
