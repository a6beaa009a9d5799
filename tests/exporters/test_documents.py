"""FHIR documents, the International Patient Summary and the page: valid, whole, and nothing made up."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.ccda.desk import ANOTHER
from phr.exporters.base import Exported, Options
from phr.exporters.registry import write
from phr.fhir.validity import judge
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

Make = Callable[..., Received]
ADA = {"name": [{"family": "Example", "given": ["Ada"]}], "birthDate": "1971-04-17"}
SUBJECT = {"subject": {"reference": "Patient/p"}}
CLINICAL = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
}
LABORATORY = [{"coding": [{"code": "laboratory"}]}]
VALUE = (
    b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"Sodium"},'
    b'"category":[{"coding":[{"code":"laboratory"}]}],"subject":{"reference":"Patient/p"},'
    b'"performer":[{"reference":"Practitioner/1"},{"reference":"Practitioner/away","display":"Dr. Away"}],'
    b'"effectiveDateTime":"2024-01-01","valueQuantity":{"value":140.00,"unit":"mmol/L"}}'
)


@pytest.fixture
def life(store: Store, received: Make) -> Store:
    """Two sources that know one person; both have a Practitioner/1."""
    one, two = (store.sources.ensure(name).key for name in ("clinic", "hospital"))
    doctor = [{"family": "Penhallow"}]
    store.save(
        one,
        [
            received("Patient", "p", **ADA, identifier=[{"system": "urn:oid:1.2", "value": "A"}]),
            received("Practitioner", "1", name=doctor),
            received("Condition", "c", code={"text": "Asthma <script>"}, clinicalStatus=CLINICAL, **SUBJECT),
            received("Goal", "g", lifecycleStatus="active", description={"text": "Walk"}, **SUBJECT),
            Received("Observation", "o", VALUE),
        ],
    )
    store.save(
        two,
        [
            received("Patient", "p", **ADA, identifier=[{"system": "urn:oid:1.3", "value": "B"}]),
            received("Practitioner", "1", name=[{"family": "Marrow"}]),
            received(
                "Immunization", "i", status="completed", vaccineCode={"text": "Influenza"},
                occurrenceDateTime="2023-10-01", patient={"reference": "Patient/p"},
                performer=[{"actor": {"reference": "Practitioner/1"}}],
            ),
            received("MedicationStatement", "old", wasNotTaken=True, medicationCodeableConcept={"text": "X"}),
        ],
    )  # fmt: skip
    return store


def _written(store: Store, format_: str, **options: Any) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    done = write(store, format_, Selection(), out, Options(**options))
    assert done.bytes == len(out.getvalue())
    return out.getvalue(), done


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


# ── a document of FHIR ────────────────────────────────────────────────────────────────────────────


def test_a_document_begins_with_a_composition_that_leads_to_every_resource_once(life: Store) -> None:
    body, done = _written(life, "fhir", bundle="document")
    document = orjson.loads(body)
    composition, *_ = (entry["resource"] for entry in document["entry"])
    urls = [entry["fullUrl"] for entry in document["entry"]]
    led_to = {*_references(composition)}

    assert judge(document).valid, judge(document).issues
    assert composition["resourceType"] == "Composition"
    assert len(urls) == len(set(urls)) == 3 + sum(done.sections.values())
    assert set(urls[1:]) == led_to
    assert [one["title"] for one in composition["section"]][-1] == "Further records"


def test_a_document_keeps_bytes_and_names_what_is_not_valid(life: Store) -> None:
    body, done = _written(life, "fhir", bundle="document")
    collection, _ = _written(life, "fhir")

    assert VALUE in body
    assert b"wasNotTaken" not in body
    assert b"wasNotTaken" in collection
    assert [(one.type, one.id) for one in done.left_out] == [("MedicationStatement", "old")]


@pytest.mark.parametrize("bundle", ["collection", "document"])
def test_files_of_urn_references_keep_their_names(store: Store, source: str, bundle: str) -> None:
    patient, problem = "6f3d8c52-9a0e-4f0b-8d7e-2b1c5a4e7f90", "7f3d8c52-9a0e-4f0b-8d7e-2b1c5a4e7f90"
    subject = {"reference": f"urn:uuid:{patient}"}
    store.save(
        source,
        [
            Received("Patient", patient, orjson.dumps({"resourceType": "Patient", "id": patient, **ADA})),
            Received(
                "Condition",
                problem,
                orjson.dumps(
                    {"resourceType": "Condition", "id": problem, "code": {"text": "A"}, "subject": subject}
                ),
            ),
        ],
    )
    document = orjson.loads(_written(store, "fhir", bundle=bundle)[0])
    urls = {entry["fullUrl"] for entry in document["entry"]}

    assert {f"urn:uuid:{patient}", f"urn:uuid:{problem}"} <= urls
    assert set(_references(document)) <= urls
    assert judge(document).valid


@pytest.mark.parametrize("format_", ["fhir", "ndjson"])
def test_a_file_that_was_imported_under_two_names_is_told_once(store: Store, format_: str) -> None:
    id_ = "6f3d8c52-9a0e-4f0b-8d7e-2b1c5a4e7f90"
    body = orjson.dumps(
        {
            "resourceType": "Patient",
            "id": id_,
            "link": [{"other": {"reference": f"urn:uuid:{id_}"}, "type": "seealso"}],
        }
    )
    other = body.replace(b"seealso", b"replaces")
    for name, raw in (("a", body), ("b", body), ("c", other)):
        store.save(store.sources.ensure(name).key, [Received("Patient", id_, raw)])
    written, done = _written(store, format_)

    assert done.sections == {"Patient": 2}
    if format_ == "fhir":
        assert judge(orjson.loads(written)).valid


# ── the International Patient Summary ─────────────────────────────────────────────────────────────


def test_a_summary_is_one_valid_document_of_one_patient(life: Store) -> None:
    body, done = _written(life, "ips")
    document = orjson.loads(body)
    resources = [entry["resource"] for entry in document["entry"]]
    ids = [one["id"] for one in resources]
    patients = [one for one in resources if one["resourceType"] == "Patient"]

    assert judge(document).valid, judge(document).issues
    assert len(set(ids)) == len(ids)
    assert all(entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}" for entry in document["entry"])
    assert [one["value"] for one in patients[0]["identifier"]] == ["A", "B"]
    assert len(patients) == 1
    assert {one["name"][0]["family"] for one in resources if one["resourceType"] == "Practitioner"} == {
        "Penhallow",
        "Marrow",
    }
    assert done.sections == {"11450-4": 1, "48765-2": 0, "10160-0": 0, "30954-2": 1, "11369-6": 1}


def test_each_reference_of_a_summary_leads_somewhere_and_digits_stay(life: Store) -> None:
    body, _ = _written(life, "ips")
    document = orjson.loads(body)
    urls = {entry["fullUrl"] for entry in document["entry"]}
    result = next(e["resource"] for e in document["entry"] if e["resource"]["resourceType"] == "Observation")

    assert set(_references(document)) <= urls
    assert result["performer"][1] == {"display": "Dr. Away"}
    assert b'"value":140.00' in body


def test_what_a_summary_cannot_hold_is_named(life: Store) -> None:
    _, done = _written(life, "ips")

    assert {one.type for one in done.left_out} == {"Patient", "Goal", "MedicationStatement"}


def test_a_source_that_does_not_say_whose_it_is_means_its_one_patient(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [received("Patient", "p", **ADA), received("Condition", "c", code={"text": "Asthma"})])
    document = orjson.loads(_written(store, "ips")[0])
    patient, problem = (entry for entry in document["entry"][1:3])

    assert judge(document).valid
    assert problem["resource"]["subject"] == {"reference": patient["fullUrl"]}


@pytest.mark.parametrize("sections", [(), ("immunizations",)])
def test_where_nothing_is_known_a_summary_says_so_and_no_more(
    store: Store, sections: tuple[str, ...]
) -> None:
    body, _ = _written(store, "ips", sections=sections)
    document = orjson.loads(body)
    found = document["entry"][0]["resource"]["section"]

    assert judge(document).valid
    assert [one["code"]["coding"][0]["code"] for one in found] == ["11450-4", "48765-2", "10160-0"]
    assert all(one["emptyReason"]["coding"][0]["code"] == "unavailable" for one in found)
    assert not re.search(rb"no[- ]known|none known|nilknown", body, re.IGNORECASE)
    assert ("Not chosen" in found[0]["text"]["div"]) == bool(sections)


@pytest.mark.parametrize("format_", ["fhir", "ips"])
def test_a_patient_with_a_flaw_does_not_cost_the_document(store: Store, source: str, format_: str) -> None:
    odd = {"resourceType": "Patient", "id": "p", "gender": 7, "deceased": "no", **ADA}
    store.save(source, [Received("Patient", "p", orjson.dumps(odd))])
    body, done = _written(store, format_, bundle="document")
    document = orjson.loads(body)
    patient = next(e["resource"] for e in document["entry"] if e["resource"]["resourceType"] == "Patient")

    assert judge(document).valid
    assert patient["birthDate"] == ADA["birthDate"]
    assert "deceased" not in patient
    assert [one.type for one in done.left_out] == ["Patient"]


def test_samples_of_other_systems_give_valid_summaries_and_documents(store: Store, shared: Path) -> None:
    for number, path in enumerate(sorted((shared / "samples" / "ips").glob("*.json"))):
        bundle = orjson.loads(path.read_bytes())
        found = [entry["resource"] for entry in bundle["entry"]]
        key = store.sources.ensure(f"s{number}").key
        by_address = {(one["resourceType"], one["id"]): one for one in found if one.get("id")}
        store.save(key, [Received(type_, id_, orjson.dumps(one)) for (type_, id_), one in by_address.items()])
    for format_, options in (("ips", {}), ("fhir", {"bundle": "document"})):
        document = orjson.loads(_written(store, format_, **options)[0])
        assert judge(document).valid, judge(document).issues[:5]
        assert len(document["entry"]) > 20


# ── whose it is ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("format_", "options"), [("ccd", {}), ("ips", {}), ("html", {}), ("fhir", {"bundle": "document"})]
)
def test_a_document_is_about_the_first_person_and_what_is_about_another_is_left_out(
    store: Store, received: Make, format_: str, options: dict[str, str]
) -> None:
    own, child = (store.sources.ensure(name).key for name in ("own", "child"))
    mia = {"name": [{"family": "Example", "given": ["Mia"]}], "birthDate": "2015-01-01"}
    store.save(
        own,
        [
            received("Patient", "p", **ADA),
            received("Condition", "c", code={"text": "Asthma"}, clinicalStatus=CLINICAL, **SUBJECT),
        ],
    )
    store.save(
        child,
        [
            received("Patient", "p", **mia),
            *(
                received(
                    "Condition", name, code={"text": f"Measles {name}"}, clinicalStatus=CLINICAL, **SUBJECT
                )
                for name in "xyz"
            ),
        ],
    )
    written, done = _written(store, format_, **options)

    assert done.about == "Ada Example"
    assert "Ada" not in repr(done)
    assert b"Asthma" in written and b"Measles" not in written
    assert sorted(one.id or "" for one in done.left_out if one.reason == ANOTHER and one.type == "Condition") == [
        "x", "y", "z",
    ]  # fmt: skip


def test_a_file_that_is_not_on_the_page_is_not_called_enclosed(
    store: Store, source: str, received: Make
) -> None:
    letter = {"data": "AAEC", "contentType": "application/pdf", "title": "Discharge summary"}
    store.save(
        source,
        [
            received("Patient", "p", **ADA),
            received("DocumentReference", "d", status="current", content=[{"attachment": letter}], **SUBJECT),
        ],
    )

    assert b"A file that is not on this page: Discharge summary (PDF)." in _written(store, "html")[0]
    assert b"An enclosed file: Discharge summary." in _written(store, "ccd")[0]


def test_what_has_no_place_is_said_of_the_document_at_hand(store: Store, source: str, received: Make) -> None:
    store.save(source, [received("Patient", "p", **ADA), received("Claim", "k", status="active")])

    assert [one.reason for one in _written(store, "ccd")[1].left_out] == [
        "No section of a Continuity of Care Document takes it."
    ]
    assert not _written(store, "html")[1].left_out, "the timeline of the page has it"
