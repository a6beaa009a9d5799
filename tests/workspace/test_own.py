"""Every kind a person can write down: valid FHIR, the kind that was asked for, and what was typed, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import orjson
import pytest

from phr.fhir import validity
from phr.model import KINDS as RECORD_KINDS
from phr.model import Code
from phr.records.derive import derive
from phr.store.store import Store
from phr.views.events import events
from phr.workspace.own import fields as f
from phr.workspace.own import making, person, writing
from phr.workspace.own.kinds import BY_NAME, KINDS, Kind
from phr.workspace.own.told import Link, OwnFile, Told

NOW = "2026-11-21T12:00:00Z"
PDF = OwnFile("scan.pdf", "application/pdf", b"%PDF-1.4 nothing in it")
EXAMPLES: dict[str, Any] = {
    "value": "6.1", "unit": "mg/dL", "low": "4", "high": "5.60", "age": "45", "minutes": "30", "amount": "120.50",
    "currency": "USD", "note": "a line\nand another", "answer": ["I cough=3", "I sleep = well"], "text": "what it says",
    "dose_number": "2",
}  # fmt: skip


def ids() -> Any:
    numbers = count(1)
    return lambda: f"00000000-0000-4000-8000-{next(numbers):012}"


def minimal(kind: Kind) -> dict[str, Any]:
    said: dict[str, Any] = {"title": kind.title.example}
    for one in kind.fields:
        if one.required:
            said[one.name] = filled(one)
    return said


def full(kind: Kind) -> dict[str, Any]:
    said: dict[str, Any] = {"title": kind.title.example}
    for one in kind.fields:
        if one.type != f.FILE:
            said[one.name] = filled(one)
    if kind.makes == "medication":  # an end and still taken exclude each other
        del said["still_taking"], said["status"]
    said["sensitivity"] = "sensitive"
    return said


def filled(one: f.Field) -> Any:
    if one.name in EXAMPLES:
        return EXAMPLES[one.name]
    if one.type == f.DATE:
        return "2027-02-03" if one.ahead else "2025-03" if one.name == "date" else "2026-01-02"
    if one.type == f.CHOICE:
        return next(iter(dict.fromkeys(one.choices.values())))
    if one.type == f.FLAG:
        return True
    return [one.example, "two"] if one.many else one.example


def told(kind: Kind, said: dict[str, Any], **more: Any) -> Told:
    return Told(kind, NOW, said, files=(PDF,) if kind.files else (), **more)


def made(kind: Kind, said: dict[str, Any], **more: Any) -> dict[str, Any]:
    return orjson.loads(writing.encoded(making.resource(told(kind, said, **more), "a-1", "Patient/p")).raw)


CASES = [(kind, shape) for kind in KINDS for shape in ("minimal", "full", "linked")]


@pytest.mark.parametrize(("kind", "shape"), CASES, ids=[f"{kind.name}-{shape}" for kind, shape in CASES])
def test_every_kind_is_valid_fhir_of_that_kind(kind: Kind, shape: str) -> None:
    more: dict[str, Any] = {}
    if shape == "linked":
        more["codes"] = (
            Code("http://snomed.info/sct", "195967001", "Asthma"),
            Code("http://loinc.org", "4548-4"),
        )
        link = Link("https://clinic.example/fhir/Observation/1", "Observation", "HbA1c")
        more["about"] = (link,) if kind.name in f.ABOUT_TARGETS else ()
        visit = Link("https://clinic.example/fhir/Encounter/1", "Encounter", "Visit")
        more["visit"] = visit if kind.name in f.VISITS else None
    said = minimal(kind) if shape == "minimal" else full(kind)
    resource = made(kind, said, **more)

    assert [(one.path, one.message) for one in validity.judge(resource).issues] == []
    record = derive(resource, lambda _: None)
    assert record.kind == kind.makes
    if kind.makes == "family_history":  # a relative is who it is about
        assert record.title == f"{said['relation']}: {said['title']}"
        assert record.description is not None and said["title"] in record.description
    elif kind.makes != "coverage" or "plan" not in said:
        assert record.title == said["title"] or kind.name == "vital_sign"
    if said.get("value") and kind.makes != "other":
        assert record.value == said["value"]
    when = said.get("date")
    if when:
        assert (record.date or "")[: len(when)] == when
    assert record.sensitivity == said.get("sensitivity", "normal")


@pytest.mark.parametrize("level", ["normal", "sensitive", "restricted"])
def test_how_private_it_is_is_read_back_as_it_was_said(level: str) -> None:
    resource = made(BY_NAME["problem"], {"title": "Depression", "sensitivity": level})
    assert derive(resource, lambda _: None).sensitivity == level


def test_every_kind_of_record_can_be_written_down() -> None:
    assert {kind.makes for kind in KINDS} == set(RECORD_KINDS)


def test_words_lead_to_one_kind_each() -> None:
    words = [word for kind in KINDS for word in (kind.name, *kind.words)]
    assert len(words) == len(set(words))


def test_a_blood_pressure_is_a_panel_with_two_components() -> None:
    resource = made(BY_NAME["vital_sign"], {"title": "bp", "value": "128/82", "date": "2026-11-20"})
    assert resource["code"]["coding"] == [{"system": "http://loinc.org", "code": "85354-9"}]
    found = {one["code"]["coding"][0]["code"]: one["valueQuantity"] for one in resource["component"]}
    assert found == {
        "8480-6": {"value": 128, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
        "8462-4": {"value": 82, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    }
    record = derive(resource, lambda _: None)
    assert (record.title, record.value, record.unit) == ("Blood pressure", "128/82", "mmHg")


def test_digits_stay_as_they_were_typed() -> None:
    said = {"title": "Potassium", "value": "<4.10", "unit": "mmol/L", "low": "3.50", "date": "2026"}
    raw = writing.encoded(making.resource(told(BY_NAME["lab"], said), "a-1", "Patient/p")).raw
    assert b'"value":4.10' in raw
    assert b'"value":3.50' in raw
    assert b'"comparator":"<"' in raw


def test_a_laboratory_glucose_is_not_coded_as_a_fingerstick() -> None:
    said = {"title": "Glucose", "value": "104", "unit": "mg/dL"}
    assert "coding" not in made(BY_NAME["lab_result"], said)["code"]
    assert (
        made(BY_NAME["lab_result"], {**said, "title": "Glucose, fingerstick"})["code"]["coding"][0]["code"]
        == "41653-7"
    )
    moles = {"title": "Glucose, fingerstick", "value": "5.8", "unit": "mmol/L"}
    assert made(BY_NAME["lab_result"], moles)["code"]["coding"][0]["code"] == "14743-9"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, "unknown"),
        ({"still_taking": True}, "active"),
        ({"stopped": True}, "stopped"),
        ({"stop": "2025"}, "stopped"),
        ({"status": "on-hold"}, "on-hold"),
    ],
)
def test_whether_a_medicine_is_taken_is_never_assumed(said: dict[str, Any], status: str) -> None:
    assert made(BY_NAME["med"], {"title": "Metformin", **said})["status"] == status


def test_a_symptom_is_no_diagnosis_and_not_said_to_go_on() -> None:
    resource = made(BY_NAME["symptom"], {"title": "cough", "date": "2026-11-20"})
    assert resource["category"][0]["coding"][0]["code"] == "health-concern"
    assert "clinicalStatus" not in resource


@pytest.mark.parametrize(
    ("when", "minutes", "status", "start", "end"),
    [
        ("2027-01-02T09:00:00Z", None, "booked", "2027-01-02T09:00:00Z", "2027-01-02T09:00:00Z"),
        (
            "2027-01-02T09:00:00-05:00",
            "45",
            "booked",
            "2027-01-02T09:00:00-05:00",
            "2027-01-02T09:45:00-05:00",
        ),
        ("2027-01-02", None, "proposed", None, None),
        ("2027-01", "45", "proposed", None, None),
    ],
)
def test_an_appointment_has_start_and_end_or_is_not_settled(
    when: str, minutes: str | None, status: str, start: str | None, end: str | None
) -> None:
    resource = made(BY_NAME["appointment"], {"title": "Lungs", "date": when, "minutes": minutes})
    assert (resource["status"], resource.get("start"), resource.get("end")) == (status, start, end)


# ── into the record and out again ─────────────────────────────────────────────────────────────────


@pytest.fixture
def clinic(store: Store, received: Any) -> Iterator[Store]:
    key = store.sources.ensure("clinic").key
    store.save(
        key,
        [
            received("Patient", "p", name=[{"family": "Quill", "given": ["Ada"]}], birthDate="1976-05-04", gender="female"),
            received(
                "Observation", "o", status="final", subject={"reference": "Patient/p"},
                category=[{"coding": [{"code": "laboratory"}]}],
                code={"coding": [{"system": "http://loinc.org", "code": "4548-4"}], "text": "HbA1c"},
                effectiveDateTime="2026-02-03", valueQuantity={"value": 6.0, "unit": "%"},
            ),
        ],
    )  # fmt: skip
    yield store


def write(store: Store, kind: str, said: dict[str, Any], **more: Any) -> writing.Written:
    return writing.add_to(
        store, told(BY_NAME[kind], said), new_id=more.pop("new_id", writing.random_id), **more
    )


def test_an_entry_comes_with_its_person_and_its_provenance(clinic: Store) -> None:
    written = write(
        clinic, "lab", {"title": "HbA1c", "value": "6.1", "unit": "%", "date": "2026-03"}, new_id=ids()
    )
    (event,) = events(clinic.db, [written.record or 0])
    assert (event["origin"], event["sources"], event["title"], event["value"]) == (
        "person",
        ["self"],
        "HbA1c",
        6.1,
    )
    (patient,) = [
        orjson.loads(raw)
        for source, raw in clinic.raw("Patient", written.resource["subject"]["reference"][8:])
    ]
    assert patient["name"] == [{"family": "Quill", "given": ["Ada"]}]
    assert (patient["birthDate"], patient["gender"]) == ("1976-05-04", "female")
    raws = clinic.db.execute("SELECT raw FROM resource WHERE type = 'Provenance'").fetchall()
    (provenance,) = [orjson.loads(raw[0]) for raw in raws]
    assert validity.judge(provenance).issues == validity.judge(patient).issues == ()
    assert provenance["target"] == [{"reference": event["resource"]}]
    assert provenance["agent"][0]["who"] == {"reference": f"Patient/{patient['id']}"}
    assert clinic.audit.events()[0].action == "add"
    assert "HbA1c" not in clinic.audit.events()[0].objects


def test_the_person_is_one_however_much_is_written(clinic: Store) -> None:
    write(clinic, "problem", {"title": "Asthma"})
    write(clinic, "allergy", {"title": "Nuts"})
    (number,) = clinic.db.execute(
        "SELECT count(*) FROM resource x JOIN source s ON s.id = x.source_id WHERE s.key = 'self' AND x.type = 'Patient'"
    ).fetchone()
    assert number == 1


def test_without_a_patient_the_own_one_says_nothing_and_learns_later(store: Store, received: Any) -> None:
    write(store, "problem", {"title": "Asthma"})
    assert set(person.patient(store, "x")) == {"resourceType", "id"}
    store.save(store.sources.ensure("clinic").key, [received("Patient", "p", birthDate="1976-05-04")])
    write(store, "problem", {"title": "Gout"})
    raw = store.db.execute(
        "SELECT x.raw FROM resource x JOIN source s ON s.id = x.source_id WHERE s.key = 'self' AND x.type = 'Patient'"
    ).fetchone()[0]
    assert orjson.loads(raw)["birthDate"] == "1976-05-04"
    origins = store.db.execute("SELECT DISTINCT origin FROM record WHERE kind = 'problem'").fetchall()
    assert origins == [("person",)]


def test_the_very_same_is_not_written_twice_unless_it_is_meant(clinic: Store) -> None:
    said = {"title": "Asthma", "date": "2009"}
    first = write(clinic, "problem", said)
    with pytest.raises(writing.AlreadyThere) as error:
        write(clinic, "problem", said)
    assert error.value.record == first.record
    assert write(clinic, "problem", said, again=True).record != first.record
    assert write(clinic, "problem", {**said, "date": "2010"}).record


def test_a_document_is_kept_once_and_found_by_its_words(clinic: Store) -> None:
    letter = OwnFile("letter.txt", "text/plain", b"A zebra was seen in the waiting room.")
    for title in ("One", "Two"):
        entry = Told(BY_NAME["document"], NOW, {"title": title, "date": "2026-11-03"}, files=(letter,))
        writing.add_to(clinic, entry)
    assert clinic.documents.totals() == (1, len(letter.content))
    found = clinic.db.execute(
        "SELECT r.title, r.origin FROM record_search f JOIN record r ON r.id = f.rowid WHERE record_search MATCH 'zebra'"
    ).fetchall()
    assert sorted(found) == [("One", "person"), ("Two", "person")]


def test_tags_are_put_on_it(clinic: Store) -> None:
    written = write(clinic, "problem", {"title": "Asthma"}, tags=["lungs"])
    (event,) = events(clinic.db, [written.record or 0])
    assert event["tags"] == ["lungs"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_withdrawn_says_so_and_stays_valid(kind: Kind) -> None:
    gone = writing._in_error(made(kind, full(kind)))
    assert [(one.path, one.message) for one in validity.judge(gone).issues] == []
    from phr.fhir.content import taken_back

    assert taken_back(gone)


def test_times_are_instants_of_the_clock_on_the_wall() -> None:
    assert datetime.fromisoformat(NOW).tzinfo == UTC
