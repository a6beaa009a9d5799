"""Care team, notes, family history, directives and payers of C-CDA, and our own CCD read back."""

from __future__ import annotations

import base64
import re
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from phr.ccda.document import write_ccd
from phr.ccda.read.document import read

from .statements import LOINC, SNOMED, T, codes, made, of, one

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DOCUMENT_ID = "0f5b8c7e-2f6d-4c55-9a3e-3d1f6a7b8c9d"


PERSON = """<assignedEntity><id root="1.2.3.4.5" extension="p"/><assignedPerson><name><given>Ann</given><family>Lee</family>
  </name></assignedPerson></assignedEntity>"""


def test_a_team_has_its_members_with_their_roles() -> None:
    member = f"""<component><act classCode="PCPR" moodCode="EVN"><templateId root="{T}.500.1"/>
      <code code="92707-9" codeSystem="{LOINC}"/><statusCode code="active"/>
      <effectiveTime><low value="2024"/></effectiveTime>
      <performer typeCode="PRF"><sdtc:functionCode code="17561000" codeSystem="{SNOMED}" displayName="Cardiologist"/>{PERSON}
      </performer></act></component>"""
    whole = f"""<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="{T}.500"/><id root="1.2.3.4.5.6.9"/>
      <code code="86744-0" codeSystem="{LOINC}"><originalText>Heart team</originalText></code><statusCode code="active"/>
      <effectiveTime><low value="2023"/></effectiveTime>{member}</organizer>"""
    team = one("CareTeam", made(whole, section="85847-2"))
    found = team["participant"][0]
    assert (team["name"], team["status"], team["period"]) == ("Heart team", "active", {"start": "2023"})
    assert (codes(found["role"][0]), found["member"]["display"]) == (["17561000"], "Ann Lee")
    assert found["period"] == {"start": "2024"}


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────


def note(text: str, *, translation: str = "11488-4") -> str:
    return f"""<act classCode="ACT" moodCode="EVN"><templateId root="{T}.202"/><id root="1.2.3.4.5.6.9" extension="n"/>
      <code code="34109-9" codeSystem="{LOINC}">
      <translation code="{translation}" codeSystem="{LOINC}" displayName="Consult"/></code>
      {text}<statusCode code="completed"/><effectiveTime value="20240103"/>
      <author><time value="20240104101500+0000"/>{PERSON.replace("assignedEntity", "assignedAuthor")}</author></act>"""


def words(resource: dict[str, Any]) -> tuple[str, str]:
    attachment = resource["content"][0]["attachment"]
    return attachment["contentType"], base64.b64decode(attachment["data"]).decode()


@pytest.mark.parametrize(
    ("narrative", "expected"),
    [
        ('<paragraph ID="n1">One<br/>two.</paragraph>', ("text/plain", "One\ntwo.")),
        (
            '<list><item ID="n1"><caption>Title</caption><paragraph>One</paragraph><paragraph>Two</paragraph></item></list>',
            ("text/plain", "One\n\nTwo"),
        ),
    ],
)
def test_a_note_has_the_lines_of_its_narrative(narrative: str, expected: tuple[str, str]) -> None:
    found = made(note('<text><reference value="#n1"/></text>'), section="11488-4", narrative=narrative)
    document = next(each for each in of("DocumentReference", found) if "category" in each and "date" in each)
    assert words(document) == expected
    assert (codes(document["type"]), document["docStatus"]) == (["11488-4"], "final")
    assert document["author"][0]["display"] == "Ann Lee"
    assert document["context"]["period"] == {"start": "2024-01-03"}


def test_an_enclosed_file_stays_as_it_is() -> None:
    text = '<text mediaType="application/pdf" representation="B64">JVBE\n Rg==<reference value="#x"/></text>'
    found = made(note(text), section="11488-4")
    attachments = [each["content"][0]["attachment"] for each in of("DocumentReference", found)]
    assert {"contentType": "application/pdf", "data": "JVBERg=="} in attachments


# ── relatives ─────────────────────────────────────────────────────────────────────────────────────


def condition(inside: str = "", attributes: str = "") -> str:
    return f"""<observation classCode="OBS" moodCode="EVN" {attributes}><templateId root="{T}.46"/><id root="1.2.3.4.5.6.9"/>
      <code code="64572001" codeSystem="{SNOMED}"/><statusCode code="completed"/><effectiveTime value="1994"/>
      <value xsi:type="CD" code="22298006" codeSystem="{SNOMED}" displayName="Heart attack"/>{inside}</observation>"""


def relative(*conditions: str) -> str:
    held = "".join(f"<component>{each}</component>" for each in conditions)
    return f"""<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="{T}.45"/><statusCode code="completed"/>
      <subject><relatedSubject classCode="PRS"><code code="FTH" codeSystem="2.16.840.1.113883.5.111" displayName="Father"/>
      <subject><administrativeGenderCode code="M" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="1912"/></subject>
      </relatedSubject></subject>{held}</organizer>"""


AGE = f"""<entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN">
  <templateId root="{T}.31"/><code code="445518008" codeSystem="{SNOMED}"/><value xsi:type="PQ" value="57" unit="a"/>
  </observation></entryRelationship>"""
DEATH = f"""<entryRelationship typeCode="CAUS"><observation classCode="OBS" moodCode="EVN"><templateId root="{T}.47"/>
  <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><value xsi:type="CD" code="419099009" codeSystem="{SNOMED}"/>
  </observation></entryRelationship>"""


def test_a_relative_has_sex_birth_conditions_ages_and_death() -> None:
    father = one(
        "FamilyMemberHistory", made(relative(condition(AGE + DEATH), condition()), section="10157-6")
    )
    first, second = father["condition"]
    assert (codes(father["relationship"]), codes(father["sex"]), father["bornDate"]) == (
        ["FTH"],
        ["male"],
        "1912",
    )
    assert (first["onsetAge"]["value"], first["onsetAge"]["code"], first["contributedToDeath"]) == (
        57,
        "a",
        True,
    )
    assert (second["onsetPeriod"], father["deceasedBoolean"]) == ({"start": "1994"}, True)


def test_what_a_relative_did_not_have_is_denied_again_when_written() -> None:
    father = made(relative(condition(attributes='negationInd="true"')), section="10157-6")
    assert "modifierExtension" in one("FamilyMemberHistory", father)["condition"][0]
    again = etree.fromstring(written(father))
    assert again.xpath("//*[local-name()='observation'][@negationInd='true']")


# ── directives and payers ─────────────────────────────────────────────────────────────────────────


def directive(value: str, attributes: str = "") -> str:
    return f"""<observation classCode="OBS" moodCode="EVN" {attributes}><templateId root="{T}.48"/>
      <id root="1.2.3.4.5.6.9" extension="d"/><code code="304251008" codeSystem="{SNOMED}" displayName="Resuscitation">
      <translation code="75320-2" codeSystem="{LOINC}"/></code><statusCode code="completed"/>
      <effectiveTime><low value="2024"/><high nullFlavor="NA"/></effectiveTime>{value}</observation>"""


def test_a_directive_is_a_consent_and_one_that_there_is_not_is_inactive() -> None:
    value = (
        f'<value xsi:type="CD" code="304253006" codeSystem="{SNOMED}" displayName="Not for resuscitation"/>'
    )
    consent = one("Consent", made(directive(value), section="42348-3"))
    assert (consent["status"], codes(consent["category"][0])) == ("active", ["304251008"])
    assert codes(consent["provision"]["code"][0]) == ["304253006"]
    assert consent["provision"]["period"] == {"start": "2024"}
    none = one("Consent", made(directive("", 'negationInd="true"'), section="42348-3"))
    assert (none["status"], codes(none["category"][0])) == ("inactive", [])
    assert none["category"][0]["text"].startswith("Not: Resuscitation")


@pytest.mark.parametrize(
    ("outer", "inner"),
    [(f"{T}.60", f"{T}.61"), ("2.16.840.1.113883.10.20.1.20", "2.16.840.1.113883.10.20.1.26")],
)
def test_a_policy_is_a_coverage(outer: str, inner: str) -> None:
    policy = f"""<act classCode="ACT" moodCode="EVN"><templateId root="{inner}"/><id root="1.2.3.4.5.6.9" extension="group"/>
      <code code="1" codeSystem="2.16.840.1.113883.3.221.5" displayName="Medicare"/><statusCode code="completed"/>
      <performer typeCode="PRF"><assignedEntity><id root="1.2.3.4.5" extension="payer"/><code code="PAYOR"/>
      <representedOrganization><name>Good Health</name></representedOrganization></assignedEntity></performer>
      <performer typeCode="PRF"><assignedEntity><id root="1.2.3.4.5" extension="g"/><code code="GUAR"/><assignedPerson><name>
      <given>Sam</given><family>Payer</family></name></assignedPerson></assignedEntity></performer>
      <participant typeCode="COV"><time><low value="2023"/><high value="2024"/></time><participantRole classCode="PAT">
      <id root="1.2.3.4.6" extension="M123"/><code code="SELF" codeSystem="2.16.840.1.113883.5.111"/></participantRole>
      </participant><entryRelationship typeCode="REFR"><act classCode="ACT" moodCode="DEF">
      <id root="1.2.3.4.7" extension="P7"/><code nullFlavor="NA"/><text>Gold plan</text></act>
      </entryRelationship></act>"""
    whole = f"""<act classCode="ACT" moodCode="EVN"><templateId root="{outer}"/><id root="1.2.3.4.5.6.9" extension="c"/>
      <code code="48768-6" codeSystem="{LOINC}"/><statusCode code="completed"/><entryRelationship typeCode="COMP">
      <sequenceNumber value="2"/>{policy}</entryRelationship></act>"""
    found = one("Coverage", made(whole, section="48768-6"))
    assert [each["display"] for each in found["payor"]] == ["Good Health"]
    assert (found["subscriberId"], found["order"], codes(found["type"])) == ("M123", 2, ["1"])
    assert found["period"] == {"start": "2023", "end": "2024"}
    assert (found["class"][0]["name"], found["class"][0]["value"]) == ("Gold plan", "P7")
    assert found["subscriber"] == found["beneficiary"]


# ── there and back ────────────────────────────────────────────────────────────────────────────────


def written(resources: list[dict[str, Any]]) -> bytes:
    """Our own CCD of what was read."""
    entries = [
        {"fullUrl": f"https://one.example/fhir/{each['resourceType']}/{each['id']}", "resource": each}
        for each in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return write_ccd(bundle, document_id=DOCUMENT_ID, now=NOW).xml


KINDS = frozenset(
    """Observation DiagnosticReport Procedure Device ServiceRequest Goal CareTeam FamilyMemberHistory
    Consent""".split()
)


def facts(resources: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Codes and values of each resource of these kinds, in no order."""
    found: list[tuple[str, ...]] = []
    for each in resources:
        if each["resourceType"] in KINDS and not (each["resourceType"] == "Device" and "patient" not in each):
            found.append((each["resourceType"], *sorted(_codes(each))))
    return sorted(found)


def _codes(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [f"{value.get('system')}|{value['code']}"] if isinstance(value.get("code"), str) else []
        number = [str(value["value"])] if "value" in value and "code" in value else []
        return [*own, *number, *(one for key, each in value.items() if key != "meta" for one in _codes(each))]
    return [one for each in value for one in _codes(each)] if isinstance(value, list) else []


SAMPLES = ["hl7-samples__CCD.sample.xml", "nist__CCDA_CCD_b1_Ambulatory_v2.xml", "agastha__agastha_ccd.xml"]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_read_once_stays_the_same_from_then_on(name: str, shared: Path) -> None:
    first = read(written(read((shared / "samples" / "ccda" / name).read_bytes()).resources)).resources
    second = read(written(first)).resources
    assert facts(first), "nothing was read"
    assert facts(second) == facts(first)


# ── nothing lost ──────────────────────────────────────────────────────────────────────────────────

STATEMENTS = "//*[local-name()='observation' or local-name()='procedure' or local-name()='organizer']"
MINE = frozenset("30954-2 8716-3 47519-4 18776-5 61146-7 47420-5 10190-7 46264-8 10157-6 42348-3".split())
FRAMES = frozenset(
    """ASSERTION 64572001 55607006 282291009 404684003 46680005 74728-7 75326-9 75315-2 445518008 397659008 33999-4
    225773000 394849002 74711-3 C160939 C45329 C154407 C101722 C101671 C101670 C101672 C101669 15240007 419099009
    55561003 74964007 362956003 7087005 UNK UNKNOWN NA""".split()
)
"""Codes that only say what kind of statement follows, or that stand in FHIR as a status or an element."""


def documents(shared: Path) -> list[tuple[str, bytes]]:
    found = [
        (path.name, path.read_bytes())
        for folder in ("ccda", "ccda-eicr")
        for path in sorted((shared / "samples" / folder).glob("*.xml"))
    ]
    with tarfile.open(shared / "samples" / "ccda" / "hl7-c-cda-examples-snippets.tar.gz") as archive:
        for member in archive.getmembers():
            held = archive.extractfile(member) if member.isfile() and member.name.endswith(".xml") else None
            if held is not None:
                found.append((member.name, held.read()))
    return found


def test_every_code_of_these_sections_is_found_again(shared: Path) -> None:
    """As a code; those of a negated statement in the words that say so."""
    looked_for = 0
    lost: list[tuple[str, str]] = []
    for name, content in documents(shared):
        root = etree.fromstring(content, etree.XMLParser(recover=True, resolve_entities=False))
        resources = read(content).resources
        known = set(_plain_codes(resources)) | set(re.findall(r"Not: .*? (\w+)\)", str(resources)))
        for section in root.xpath("//*[local-name()='section']"):
            if not MINE & set(section.xpath("*[local-name()='code']/@code")):
                continue
            nameless = "[@displayName or not(../*[local-name()='code'][@nullFlavor and not(*)])]"
            path = f".{STATEMENTS}/*[local-name()='code' or local-name()='value']{nameless}"
            for code in (str(each).strip() for each in section.xpath(f"{path}/@code")):
                looked_for += code not in FRAMES
                if code not in known and code not in FRAMES:
                    lost.append((name, code))
    assert looked_for > 700
    assert lost == []


def _plain_codes(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["code"]] if isinstance(value.get("code"), str) else []
        return [*own, *(one for each in value.values() for one in _plain_codes(each))]
    return [one for each in value for one in _plain_codes(each)] if isinstance(value, list) else []
