"""Our own check: quiet about what we write, and it sees each way to break a document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.ccda.check import Report, examine
from phr.ccda.outline import PARTS, SPOKEN, chosen_codes
from phr.ccda.template import CCD, REFERRAL_NOTE
from phr.errors import UsageError

Write = Callable[..., Any]
DATA = Path(__file__).parent / "data"


def _content() -> list[dict[str, Any]]:
    """One of each kind that an approved example has."""
    found: list[dict[str, Any]] = []
    for path in sorted(DATA.glob("*.json")):
        found += json.loads(path.read_text())
    return list({(one["resourceType"], one.get("id")): one for one in found}.values())


@pytest.fixture
def xml(write: Write) -> bytes:
    return bytes(write(*_content()).ccd.xml)


def _told(report: Report) -> str:
    return "\n".join(f"{one.where}: {one.what}" for one in report.errors)


def test_what_we_write_has_no_fault(write: Write, xml: bytes) -> None:
    assert _told(examine(xml)) == ""
    assert _told(examine(write().ccd.xml)) == ""
    assert _told(examine(write(*_content(), template=REFERRAL_NOTE, reason="Cough").ccd.xml)) == ""


BREAKAGES = (
    (r'<realmCode code="US"/>', "", "has no realmCode"),
    (r"<title>Continuity.*?</title>", "", "has no title"),
    (r"<birthTime [^>]*/>", "", "the patient has no birthTime"),
    (r"<name>Patient-held record</name>", '<name nullFlavor="UNK"/>', "the name of the custodian is null"),
    (r'<setId [^>]*/>|(<languageCode [^>]*/>)', r'\1<setId root="1.2"/>', "setId and versionNumber"),
    (r'(<id root=")[0-9A-F-]{36}("/>\s*<code code="34133-9")', r"\1not an oid\2", "is no OID or UUID"),
    (r'ID="alg1"', 'ID="other"', "leads to no words"),
    (r'ID="alg1"', 'ID="prb1"', "stand more than once"),
    (r'<templateId root="2.16.840.1.113883.10.20.22.4.16"/>', "", "template 4.16 stands with a date only"),
    (r'(?s)<doseQuantity.*?/>', "", "has no doseQuantity"),
    (r'negationInd="(true|false)"(?=[^>]*>\s*<templateId root="[0-9.]*4\.52")', "", "whether it was given"),
    (r'(4\.27" extension="2014-06-09"/>(?s:.*?)<value [^>]*) unit="[^"]*"', r"\1", "no quantity with a unit"),
    (r'(4\.30" extension(?s:.*?)<statusCode code=")[a-z]*', r"\1done", "none of those allowed"),
    (r'(<effectiveTime value=")\d{4}', r"\1may ", "is not written as HL7 has it"),
    (r'(<value [^>]*)xsi:type="CD"', r"\1", "does not say its data type"),
    (r'(<section>(?:(?!</section>)(?s:.))*?48765-2(?s:.*?))<entry (?s:.*?)</section>', r"\1</section>",
     "no entry of the kind"),
    (r'<section>(?=(?:(?!</section>)(?s:.))*?10160-0)', '<section nullFlavor="NI">', "is null and has entries"),
    (r'(<code code="48765-2")', r'<code code="48765-3"', "the section 48765-2 is required"),
    (r'(<interpretationCode [^>]*)codeSystem="[^"]*"', r"\1", "the code has no codeSystem"),
    (r'classCode="OBS"', "", "no classCode or no moodCode"),
)  # fmt: skip


@pytest.mark.parametrize(("pattern", "instead", "said"), BREAKAGES, ids=[one[2] for one in BREAKAGES])
def test_each_breakage_is_seen(xml: bytes, pattern: str, instead: str, said: str) -> None:
    broken, count = re.subn(pattern, instead, xml.decode(), count=1)

    assert count == 1, "the document does not have what was to be broken"
    assert said in _told(examine(broken.encode()))


def test_findings_repeat_no_content(write: Write) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "code": {"text": "Quinceberry"}}
    xml = write(allergy).ccd.xml.replace(b'ID="alg1"', b'ID="other"')
    report = examine(xml)

    assert report.errors
    assert "Quince" not in repr(report)


def test_a_document_of_r1_1_is_not_held_to_the_rules_of_r2_1(xml: bytes) -> None:
    older = re.sub(rb'(<templateId root="[^"]*") extension="[^"]*"', rb"\1", xml)
    older = older.replace(b"<realmCode", b"<!-- <realmCode").replace(b"<typeId", b"--><typeId", 1)

    assert examine(older).kind == "cda"
    assert _told(examine(older)) == ""


# ── what a receiver would miss ────────────────────────────────────────────────────────────────────


def _missing(
    write: Write, *resources: dict[str, Any], **options: Any
) -> dict[tuple[str, str], tuple[int, int]]:
    report = examine(write(*resources, **options).ccd.xml)
    return {(one.section, one.what): (one.count, one.of) for one in report.missing}


def test_an_empty_record_misses_everything_but_says_so_once(write: Write) -> None:
    missing = _missing(write)

    assert missing["11450-4", "any information, also whether there is none known"] == (1, 1)
    assert missing["29762-2", "the smoking status"] == (1, 1)
    assert missing["header", "the preferred language"] == (1, 1)
    assert not [one for one in missing if "without" in one[1]]


def test_what_is_missing_is_counted_out_of_how_many(write: Write) -> None:
    known = {"resourceType": "AllergyIntolerance", "code": {"text": "Nuts"}, "onsetDateTime": "2001",
             "reaction": [{"manifestation": [{"text": "Rash"}]}]}  # fmt: skip
    bare = {"resourceType": "AllergyIntolerance", "code": {"text": "Cats"}}
    quantity = {"value": 1, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    measured = {"resourceType": "Observation", "status": "final", "code": {"text": "Sodium"},
                "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": "2024-01-01",
                "valueQuantity": quantity}  # fmt: skip
    missing = _missing(write, known, bare, measured)

    assert missing["48765-2", "without a reaction"] == (1, 2)
    assert missing["48765-2", "without the time it began"] == (1, 2)
    assert missing["30954-2", "without a reference range"] == (1, 1)
    assert ("30954-2", "without a unit") not in missing


def test_a_statement_that_there_is_none_needs_no_reaction(write: Write) -> None:
    none_known = {"resourceType": "AllergyIntolerance", "code": {"coding": [
        {"system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy"}]}}  # fmt: skip

    assert not [one for one in _missing(write, none_known) if one[0] == "48765-2"]


def test_what_was_not_chosen_is_not_called_missing(write: Write) -> None:
    missing = _missing(write, sections=chosen_codes(["medications"]))

    assert {code for code, _ in missing} == {"header", "10160-0"}


# ── sections ──────────────────────────────────────────────────────────────────────────────────────


def test_only_chosen_sections_are_filled_and_the_required_ones_make_no_claim(write: Write) -> None:
    problem = {"resourceType": "Condition", "code": {"text": "Asthma"}}
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "Walk"}}
    document = write(problem, goal, sections=chosen_codes(["goals", "allergies"]))
    problems, allergies = document.section("11450-4"), document.section("48765-2")

    assert "Asthma" not in document.ccd.xml.decode()
    assert document.ccd.sections["61146-7"] == 1
    assert problems.get("nullFlavor") == allergies.get("nullFlavor") == "NI"
    assert "was not chosen" in "".join(problems.itertext())
    assert "No information" in "".join(allergies.itertext())
    assert document.ccd.left_out == (), "what was not asked for is not left out"
    assert [code for code in CCD.required if not document.find(f"//c:section[c:code/@code='{code}']")] == []


def test_a_section_goes_by_name_by_code_and_by_what_people_say() -> None:
    assert (
        chosen_codes(["problems"])
        == chosen_codes(["11450-4"])
        == chosen_codes([" Conditions "])
        == {"11450-4"}
    )
    assert chosen_codes(["notes"]) > chosen_codes(["18842-5"]) == {"18842-5"}
    assert set(SPOKEN.values()) <= {part.name for part in PARTS}


def test_a_typing_slip_names_the_sections_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        chosen_codes(["medcations"])
    assert "Did you mean medications?" in (caught.value.hint or "")
    assert "immunizations" in (caught.value.hint or "")


# ── referral note ─────────────────────────────────────────────────────────────────────────────────

REFERRAL = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "code": {"text": "Referral to cardiology"},
    "reasonCode": [{"text": "Palpitations"}],
    "performer": [{"display": "Dr. Hart"}],
}


@pytest.mark.parametrize(
    ("resources", "reason", "said"),
    [
        ([], None, "No information"),
        ([REFERRAL], None, "Referral to cardiology: Palpitations"),
        ([REFERRAL], "Chest pain", "Chest pain"),
        ([{**REFERRAL, "status": "completed"}], None, "No information"),
    ],
    ids=["nothing known", "from the referral", "what the person says counts", "one that is over"],
)
def test_why_somebody_is_referred(
    write: Write, judge: Callable[..., list[str]], tmp_path: Path,
    resources: list[dict[str, Any]], reason: str | None, said: str,
) -> None:  # fmt: skip
    document = write(*resources, template=REFERRAL_NOTE, reason=reason)

    assert "".join(document.section("42349-1").find("{*}text").itertext()).strip() == said
    assert document.one("/c:ClinicalDocument/c:code/@code") == "57133-1"
    assert (document.section("42349-1").get("nullFlavor") is None) == (said != "No information")
    found = [one for one in judge(document.ccd.xml, tmp_path) if "CCD" not in one]
    assert found == []
