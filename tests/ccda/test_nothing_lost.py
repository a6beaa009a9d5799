"""Nothing lost: what went in is counted by one walk, what the document holds by another, and nothing is missing.

The first walk reads FHIR by itself (no function of the writer), the second reads XML with lxml. A resource either
stands in the document or is named as left out with a reason; a field that stands in no entry and no words is a failure.
"""

from __future__ import annotations

import gzip
import json
import re
import tarfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

Write = Callable[..., Any]
Resource = dict[str, Any]
V3 = "{urn:hl7-org:v3}"

# ── what goes in ──────────────────────────────────────────────────────────────────────────────────

MAPPED = frozenset(
    """AllergyIntolerance Condition MedicationRequest MedicationStatement MedicationAdministration MedicationDispense
    Immunization Procedure Encounter Observation DiagnosticReport Goal CareTeam CarePlan DocumentReference Device
    ServiceRequest FamilyMemberHistory Coverage Consent ClinicalImpression Appointment""".split()
)
STATUSES = {
    "active": "55561003", "recurrence": "246455001", "relapse": "263855007", "inactive": "73425007",
    "remission": "277022003", "resolved": "413322009",
}  # fmt: skip
SEVERITIES = {"mild": "255604002", "moderate": "6736007", "severe": "24484000"}
RISKS = {"low": "CRITL", "high": "CRITH", "unable-to-assess": "CRITU"}

NONE_KNOWN = frozenset(
    "716186003 409137002 429625007 428607008 no-known-allergies no-known-medication-allergies".split()
)

Fact = tuple[str, str]
"""What kind of fact, and how the document must hold it: an attribute, or words."""


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def stamp(date: Any) -> str | None:
    """A FHIR date as HL7 v3 TS: digits, no fraction, the offset kept."""
    found = re.fullmatch(
        r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?",
        str(date),
    )
    if found is None:
        return None
    zone = (found[7] or "").replace("Z", "+00:00").replace(":", "")
    return "".join(part or "" for part in found.groups()[:6]) + zone


def coded(kind: str, concept: Any) -> Iterator[Fact]:
    """Each code of a concept; of one without codes its text."""
    for each in several(concept):
        if not isinstance(each, dict):
            continue
        found = [
            c["code"]
            for c in several(each.get("coding"))
            if c.get("code") and c.get("system") and " " not in c["code"]
        ]
        yield from ((f"{kind} code", code) for code in found)
        if not found and each.get("text"):
            yield f"{kind} text", each["text"]


def dated(kind: str, *dates: Any) -> Iterator[Fact]:
    yield from ((kind, found) for date in dates if date and (found := stamp(date)))


def measured(kind: str, quantity: Any) -> Iterator[Fact]:
    if isinstance(quantity, dict) and quantity.get("value") is not None:
        yield f"{kind} value", f"{quantity['value']}"
        if (
            unit := quantity.get("code")
            if quantity.get("system") == "http://unitsofmeasure.org"
            else quantity.get("unit")
        ):
            yield f"{kind} unit", unit


def noted(resource: Resource) -> Iterator[Fact]:
    yield from (("note", each["text"]) for each in several(resource.get("note")) if each.get("text"))


def named(kind: str, *references: Any) -> Iterator[Fact]:
    """Whom a Reference names; one that is in the Bundle may be called by its own name there."""
    for each in references:
        for reference in several(each):
            if isinstance(reference, dict) and reference.get("display"):
                yield f"{kind} of {reference.get('reference')}", reference["display"]


def period(value: Any) -> list[Any]:
    return [value.get("start"), value.get("end")] if isinstance(value, dict) else []


def of_allergy(r: Resource) -> Iterator[Fact]:
    codes = [c.get("code") for c in several((r.get("clinicalStatus") or {}).get("coding"))]
    if not any(c.get("code") in NONE_KNOWN for c in several((r.get("code") or {}).get("coding"))):
        yield from coded("code", r.get("code"))  # a denial is told by negationInd
    yield from (("status", STATUSES[code]) for code in codes if code in STATUSES)
    yield from (("criticality", RISKS[r["criticality"]]) for _ in [0] if r.get("criticality") in RISKS)
    yield from dated("date", r.get("onsetDateTime"), r.get("recordedDate"))
    for reaction in several(r.get("reaction")):
        yield from coded("reaction", reaction.get("manifestation"))
        if reaction.get("severity"):
            yield "severity", SEVERITIES[reaction["severity"]]


def of_condition(r: Resource) -> Iterator[Fact]:
    codes = [c.get("code") for c in several((r.get("clinicalStatus") or {}).get("coding"))]
    yield from coded("code", r.get("code"))
    yield from (("status", STATUSES[code]) for code in codes if code in STATUSES)
    yield from dated("date", r.get("onsetDateTime"), r.get("recordedDate"))
    yield from dated("end", r.get("abatementDateTime"))
    yield from coded("site", r.get("bodySite"))


def of_medicine(r: Resource) -> Iterator[Fact]:
    yield from coded("code", r.get("medicationCodeableConcept"))
    yield from dated(
        "date", r.get("authoredOn"), r.get("effectiveDateTime"), *period(r.get("effectivePeriod"))
    )
    yield from coded("reason", r.get("reasonCode"))
    for dosage in [d for d in several(r.get("dosageInstruction") or r.get("dosage")) if isinstance(d, dict)]:
        yield from coded("route", dosage.get("route"))
        yield from coded("site", dosage.get("site"))
        yield from (
            ("instructions", dosage[key]) for key in ("text", "patientInstruction") if dosage.get(key)
        )
        for number, dose in enumerate(several(dosage.get("doseAndRate"))):
            said = dose.get("doseQuantity") or {}  # the first is coded, the others stand in words
            yield from measured("dose", said if number == 0 else {**said, "system": None})
        repeat = (dosage.get("timing") or {}).get("repeat") or {}
        if repeat.get("period") and repeat.get("periodUnit") and not repeat.get("when"):
            yield "timing", repeat["periodUnit"]
        yield from dated("date", *period(repeat.get("boundsPeriod")))
    request = r.get("dispenseRequest") or {}
    yield from measured("supply", request.get("quantity"))


def of_immunization(r: Resource) -> Iterator[Fact]:
    yield from coded("code", r.get("vaccineCode"))
    yield from dated("date", r.get("occurrenceDateTime"))
    yield from coded("route", r.get("route"))
    yield from coded("site", r.get("site"))
    yield from measured("dose", r.get("doseQuantity"))
    yield from ((key, r[key]) for key in ("lotNumber",) if r.get(key))
    yield from dated("expiry", r.get("expirationDate"))


def of_procedure(r: Resource) -> Iterator[Fact]:
    yield from coded("code", r.get("code"))
    yield from dated("date", r.get("performedDateTime"), *period(r.get("performedPeriod")))
    yield from coded("site", r.get("bodySite"))
    yield from coded("reason", r.get("reasonCode"))
    yield from named("performer", *(each.get("actor") for each in several(r.get("performer"))))


def of_encounter(r: Resource) -> Iterator[Fact]:
    yield from coded("code", several(r.get("type"))[:1])
    yield from dated("date", *period(r.get("period")))
    yield from coded("reason", r.get("reasonCode"))
    yield from named("performer", *(each.get("individual") for each in several(r.get("participant"))))
    yield from named("place", *(each.get("location") for each in several(r.get("location"))))


def of_observation(r: Resource) -> Iterator[Fact]:
    yield from dated("date", r.get("effectiveDateTime"), *period(r.get("effectivePeriod")))
    vital = "vital-signs" in json.dumps(r.get("category"))
    panel = bool(r.get("component") or r.get("hasMember")) and not any(key.startswith("value") for key in r)
    for part in [*([] if panel else [r]), *several(r.get("component"))]:
        quantity = part.get("valueQuantity") or {}
        if vital and (quantity.get("value") is None or not _is_ucum(quantity)):
            continue  # no valid entry (see the coverage page): its row in the table has it
        yield from coded("code", part.get("code"))
        yield from measured("result", quantity)
        yield from coded("result", part.get("valueCodeableConcept"))
        yield from (("result words", part[key]) for key in ("valueString",) if part.get(key))
        for one in several(part.get("interpretation"))[:1]:
            codings = several(one.get("coding"))[:1]
            yield from (
                ("interpretation", c["code"])
                for c in codings
                if "ObservationInterpretation" in str(c.get("system"))
            )
        for limits in several(part.get("referenceRange")):
            ends = [limits.get(end) or {} for end in ("low", "high")]
            yield from (("range", f"{end['value']}") for end in ends if end.get("value") is not None)


def _is_ucum(quantity: Resource) -> bool:
    return quantity.get("system") == "http://unitsofmeasure.org" or quantity.get("code") == "mm[Hg]"


def of_report(r: Resource) -> Iterator[Fact]:
    yield from coded("code", r.get("code"))
    yield from ((key, r[key]) for key in ("conclusion",) if r.get(key))


def of_goal(r: Resource) -> Iterator[Fact]:
    yield "description", (r.get("description") or {}).get("text") or ""
    yield from dated("date", r.get("startDate"), *(each.get("dueDate") for each in several(r.get("target"))))


def of_request(r: Resource) -> Iterator[Fact]:
    yield from coded("code", r.get("code"))
    yield from dated(
        "date", r.get("authoredOn"), r.get("occurrenceDateTime"), *period(r.get("occurrencePeriod"))
    )


def of_team(r: Resource) -> Iterator[Fact]:
    for each in several(r.get("participant")):
        if "Patient" not in str(each.get("member")) and "role" in each and not _is_patient(each):
            yield from coded("role", several(each.get("role"))[:1])


def _is_patient(participant: Resource) -> bool:
    """Synthea's transactions name the patient as a member, by a UUID."""
    return "116154003" in json.dumps(participant.get("role")) or "116153009" in json.dumps(
        participant.get("role")
    )


def of_relative(r: Resource) -> Iterator[Fact]:
    yield from coded("relationship", r.get("relationship"))
    for each in several(r.get("condition")):
        yield from coded("code", each.get("code"))


def of_device(r: Resource) -> Iterator[Fact]:
    yield from coded("code", r.get("type"))
    yield from (
        ("identifier", each["carrierHRF"])
        for each in several(r.get("udiCarrier"))[:1]
        if each.get("carrierHRF")
    )
    yield from ((key, r[key]) for key in ("serialNumber", "lotNumber", "modelNumber") if r.get(key))


FACTS: dict[str, Callable[[Resource], Iterator[Fact]]] = {
    "AllergyIntolerance": of_allergy, "Condition": of_condition, "MedicationRequest": of_medicine,
    "MedicationStatement": of_medicine, "Immunization": of_immunization, "Procedure": of_procedure,
    "Encounter": of_encounter, "Observation": of_observation, "DiagnosticReport": of_report, "Goal": of_goal,
    "ServiceRequest": of_request, "CareTeam": of_team, "FamilyMemberHistory": of_relative, "Device": of_device,
}  # fmt: skip

# ── what the document holds ───────────────────────────────────────────────────────────────────────


class Held:
    """A document, by the ids of its statements."""

    def __init__(self, xml: bytes) -> None:
        self.root: Any = etree.fromstring(xml, etree.XMLParser(huge_tree=True))
        self.words = flat("".join(self.root.find(f"{V3}component").itertext()))
        self.statements: dict[tuple[str, str | None], list[Any]] = {}
        for own in self.root.iter(f"{V3}id"):
            key = (own.get("root", "").upper(), own.get("extension"))
            self.statements.setdefault(key, []).append(own.getparent())
        self._said: dict[Any, set[str]] = {}

    def entries(self, keys: set[tuple[str, str | None]]) -> list[Any]:
        """The entries in which a statement with one of these ids stands."""
        found = []
        for key in keys:
            for statement in self.statements.get(key, ()):
                at = statement
                while at is not None and at.tag != f"{V3}entry":
                    at = at.getparent()
                if at is not None:
                    found.append(at)
        return found

    def holds(self, entries: list[Any], value: str) -> bool:
        """Whether an attribute or a text of the entries, or the words of the document, say this."""
        if any(value in self._attributes(entry) for entry in entries):
            return True
        if len(value) > 3:
            return flat(value) in self.words
        return any(f": {value}" in words for entry in entries for words in self._rows(entry))

    def _rows(self, entry: Any) -> list[str]:
        """The rows of the table that an entry points at."""
        meant = {each.get("value", "")[1:] for each in entry.iter(f"{V3}reference")}
        return ["".join(row.itertext()) for row in self.root.iter(f"{V3}tr") if row.get("ID") in meant]

    def _attributes(self, entry: Any) -> set[str]:
        if entry not in self._said:
            said = {each for one in entry.iter() for each in one.attrib.values()}
            said |= {(one.text or "").strip() for one in entry.iter()}
            self._said[entry] = said | {
                str(float(each)) for each in said if re.fullmatch(r"-?\d+(\.\d+)?", each)
            }
        return self._said[entry]


def flat(words: str) -> str:
    """Letters and digits only: notes are laid out anew, form feeds go."""
    return re.sub(r"\W+", "", words)


def keys_of(resource: Resource, url: str) -> set[tuple[str, str | None]]:
    """Ids that say that a resource stands in the document: its identifiers, else the UUID of where it is.

    What C-CDA counts separately (a component, the act around a problem) has an id made of these and a name.
    """
    own: set[tuple[str, str | None]] = {(uuid_of(url), None)}
    for each in several(resource.get("identifier")):
        system, value = each.get("system") or "", str(each.get("value") or "").strip()
        if value:
            bare = re.sub(r"^urn:(oid|uuid):", "", system)
            joined = (
                f"{system}{':' if system.startswith('urn:') else '' if system.endswith('/') else '/'}{value}"
            )
            own |= {(bare.upper(), value), (KNOWN.get(system, URLS), value), (URLS, joined)}
            own |= {(re.sub(r"^urn:(oid|uuid):", "", value).upper(), None), (uuid_of(server(url)), value)}
    parts = ["plan", "vital signs", "organizer", "conclusion", "medicine", "procedure"]
    parts += [f"component{n}" for n, _ in enumerate(several(resource.get("component")))]
    parts += [f"activity{n}" for n, _ in enumerate(several(resource.get("activity")))]
    wholes = [f"{root.lower()}|{extension}" if extension else root.lower() for root, extension in own]
    return own | {(uuid_of(f"{whole}~{part}"), None) for whole in [url, *wholes] for part in parts}


URLS = "2.16.840.1.113883.4.873"
KNOWN = {"http://hl7.org/fhir/sid/us-npi": "2.16.840.1.113883.4.6"}


def uuid_of(words: str) -> str:
    """A name-based UUID in capitals."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, words)).upper()


def server(url: str) -> str:
    return url.rpartition("/")[0].rpartition("/")[0]


# ── both together ─────────────────────────────────────────────────────────────────────────────────

NARRATIVE_ONLY = frozenset(("Coverage", "ClinicalImpression"))


def lost(write: Write, bundle: Resource) -> tuple[Counter[str], list[str]]:
    """What was counted by type and field, and what is missing, each with what it is (no value)."""
    document = write(bundle).ccd
    held = Held(document.xml)
    named_out = Counter((each.type, each.id) for each in document.left_out)
    there = {f"{each['resource']['resourceType']}/{each['resource'].get('id')}" for each in bundle["entry"]}
    there |= {str(each.get("fullUrl")) for each in bundle["entry"]}
    assert all(each.reason.strip().endswith(".") for each in document.left_out)
    counted: Counter[str] = Counter()
    missing: list[str] = []
    for entry in bundle["entry"]:
        resource, url = entry["resource"], entry.get("fullUrl") or ""
        type_ = resource["resourceType"]
        if type_ not in MAPPED or named_out[type_, resource.get("id")]:
            continue
        counted[type_] += 1
        entries = held.entries(keys_of(resource, url))
        if not entries and type_ not in NARRATIVE_ONLY and not _only_words(held, resource):
            missing.append(f"{type_}/{resource.get('id')}")
            continue
        for kind, value in [*FACTS.get(type_, lambda _: iter(()))(resource), *noted(resource)]:
            kind, _, target = kind.partition(" of ")
            counted[f"{type_}: {kind}"] += 1
            if target in there:
                continue
            if value and not held.holds(entries, value):
                missing.append(f"{type_}/{resource.get('id')}: {kind}")
    return counted, missing


def _only_words(held: Held, resource: Resource) -> bool:
    """A vital sign without a number and a unit stands in the table of its section only."""
    parts = [resource, *several(resource.get("component"))]
    named = [part.get("code") or {} for part in parts]
    words = [
        each.get("text") or next((c["display"] for c in several(each.get("coding")) if c.get("display")), "")
        for each in named
    ]
    return resource["resourceType"] == "Observation" and any(
        each and flat(each) in held.words for each in words
    )


def bundle_of(resources: list[Resource]) -> Resource:
    entries = [
        {"fullUrl": f"https://one.example/fhir/{each['resourceType']}/{each['id']}", "resource": each}
        for each in resources
        if each.get("id")
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def resources_of(answer: Any) -> Iterator[Resource]:
    if isinstance(answer, dict) and answer.get("resourceType") == "Bundle":
        for entry in answer.get("entry") or []:
            yield from resources_of(entry.get("resource"))
    elif isinstance(answer, dict) and answer.get("resourceType"):
        yield answer


def packed(archive: Path) -> Iterator[tuple[str, Any]]:
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            file = opened.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield member.name, json.loads(file.read())


@pytest.mark.parametrize("name", ["Alyce_Walsh", "Crista774"])
def test_nothing_of_a_synthea_patient_is_lost(write: Write, shared: Path, name: str) -> None:
    archive = shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz"
    patient = next(content for path, content in packed(archive) if name in path)

    counted, missing = lost(write, patient)

    assert missing == []
    assert counted.total() > 500
    assert counted["Condition: code code"] > 0


@pytest.mark.full
def test_nothing_of_a_patient_with_thousands_of_resources_is_lost(write: Write, shared: Path) -> None:
    path = shared / "samples" / "synthea" / "large-patient-2176-resources.json.gz"

    counted, missing = lost(write, json.loads(gzip.decompress(path.read_bytes())))

    assert missing == []
    assert counted.total() > 5000


def test_nothing_of_the_us_core_examples_is_lost(write: Write, shared: Path) -> None:
    archive = shared / "samples" / "us-core" / "us-core-current-examples.tar.gz"
    whole = [each for _, content in packed(archive) for each in resources_of(content)]
    found = [each for each in whole if each["resourceType"] != "Patient" or each["id"] == "example"]

    counted, missing = lost(write, bundle_of(found))

    assert missing == []
    assert counted["Observation"] > 30


def test_nothing_of_the_patient_summaries_is_lost(write: Write, shared: Path) -> None:
    wrong = {}
    for path in sorted((shared / "samples" / "ips").glob("*.json")):
        _, missing = lost(write, json.loads(path.read_bytes()))
        if missing:
            wrong[path.name] = missing

    assert wrong == {}


@pytest.mark.parametrize("vendor", ["epic", "athenahealth", "nextgen", "cerner-docs-millennium-r4"])
def test_nothing_that_a_vendor_answered_is_lost(write: Write, shared: Path, vendor: str) -> None:
    found: dict[tuple[str, str], Resource] = {}
    for path in sorted((shared / "samples" / "vendor-fhir" / vendor).rglob("*")):
        if path.is_file() and path.name != "index.json":
            try:
                answer = json.loads(path.read_bytes())
            except ValueError:  # a PDF or an HTML error page
                continue
            found |= {(r["resourceType"], r["id"]): r for r in resources_of(answer) if r.get("id")}

    _, missing = lost(write, bundle_of(list(found.values())))

    assert missing == []
