"""Items 41 to 49 of what a tolerant client must cope with: resources of every shape, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from phr.views.selection import Selection
from phr.views.timeline import timeline

from .conftest import Stay, news, quiet, refused, rows, said

Begin = Callable[..., Stay]
WHO = '"subject":{"reference":"Patient/p"}'
DOCTOR = {"resourceType": "Practitioner", "id": "doc", "name": [{"text": "Dr. Ines Falk"}]}


def tombstones(here: Stay) -> dict[str, str]:
    found = here.sql(
        "SELECT r.type, r.fhir_id, t.reason FROM tombstone t JOIN resource r ON r.id = t.resource_id"
    )
    return {f"{type_}/{id_}": reason for type_, id_, reason in found}


def absent(here: Stay) -> set[str]:
    found = here.sql("SELECT r.type, r.fhir_id FROM absence a JOIN resource r ON r.id = a.resource_id")
    return {f"{type_}/{id_}" for type_, id_ in found}


# ── 41 to 44: ids, versions, references ───────────────────────────────────────────────────────────

ODD = ("x" * 200, "a.b=c==", "e|f g,h", "Blöße-ß", "..", "%2e%2e", "a/b", "-rf", "CON", "id with\ttab")


def test_41_ids_are_opaque_text(stay: Begin) -> None:
    who = {"reference": "Patient/p"}
    odd = [{"resourceType": "Observation", "id": id_, "subject": who} for id_ in ODD]
    here = stay([*odd, *rows("Observation", 25)], next_by="page")
    first = here.sync()
    assert (first.status, first.types["Observation"].new) == ("completed", 25 + len(ODD)), first.skipped
    assert here.kept() == here.held()
    assert quiet(here.sync())
    here.sandbox.put({**odd[1], "status": "amended"})
    assert news(here.sync()) == {"Observation": (0, 1, 0, 0)}
    with here.person.workspace.store() as store:
        assert {event["resource"].partition("/")[2] for event in timeline(store, Selection()).document()["events"]} \
            >= set(ODD)  # fmt: skip


@pytest.mark.parametrize("id_", ["a-1.Practitioner-195900.Q=", "e" + "k" * 100 + "3", "Zm9v-_.~"])
def test_41_what_is_pointed_at_by_an_odd_id_is_read(id_: str, stay: Begin) -> None:
    doctor = {**DOCTOR, "id": id_}
    here = stay([doctor, *rows("Observation", 1, performer=[{"reference": f"Practitioner/{id_}"}])])
    assert here.sync().exit_status == 0
    assert here.kept() == here.held()
    assert here.sql("SELECT performer FROM record WHERE resource = 'Observation/obs-01'") == [
        ("Dr. Ines Falk",)
    ]


@pytest.mark.parametrize("meta", ["none", "no-last-updated", "constant-version", "half"])
def test_42_a_change_is_told_by_the_content_alone(meta: str, stay: Begin) -> None:
    made = {"meta": {"versionId": "7", "lastUpdated": "2025-05-05T08:00:00Z"}, "status": "final"}
    here = stay(rows("Observation", 25, **made), meta=meta)
    here.sync()
    assert quiet(here.sync()) and quiet(here.sync())
    one = rows("Observation", 2)[1]
    here.sandbox.put(
        {**one, "status": "amended", "meta": {"versionId": "7", "lastUpdated": "2024-01-01T08:00:00Z"}}
    )
    here.sync(full=True)
    assert here.kept("Observation") == here.held("Observation"), "although it says it is older than before"
    assert here.sql("SELECT count(*) FROM resource_version") == [(1,)]
    assert quiet(here.sync())


SIGNED = (
    "https://store.invalid/b?X-Amz-Date=2026010{0}T000000Z&X-Amz-Expires=300&X-Amz-Signature=ab{0}",
    "https://store.invalid/b?sv=2024-01-01&se=2026-01-0{0}T00%3A00%3A00Z&sig=ab{0}%3D",
    "https://clinic.invalid/documents/b;jsessionid=AB{0}?version=2",
)


@pytest.mark.parametrize("address", SIGNED)
def test_42_what_is_made_anew_in_each_answer_is_no_change(address: str, stay: Begin) -> None:
    def tonight(night: int) -> list[dict[str, Any]]:
        text = {"status": "generated", "div": f"<div>printed in night {night}</div>"}
        content = [{"attachment": {"url": address.format(night), "contentType": "application/pdf"}}]
        return [*rows("DocumentReference", 1, content=content), *rows("Goal", 1, text=text)]

    here = stay(tonight(1))
    here.sync(documents=False)
    for night in (2, 3):
        for one in tonight(night):
            here.sandbox.put(one)
        assert quiet(here.sync(documents=False))
    assert here.sql("SELECT count(*) FROM resource_version") == [(0,)]
    assert here.kept("DocumentReference") == here.held("DocumentReference"), "the newest bytes all the same"


def pointing(*references: Any) -> list[dict[str, Any]]:
    found = rows("Observation", len(references))
    for one, reference in zip(found, references, strict=True):
        one["performer"] = [reference if isinstance(reference, dict) else {"reference": reference}]
    return found


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"batch": False},
        {"undeclared": ("_id",)},
        {"many_ids": "first"},
        {"many_ids": "refused"},
        {"many_ids": "refused", "batch": False},
        {"references": "versioned"},
        {"references": "absolute"},
    ],
    ids=str,
)
def test_43_references_are_followed_and_what_is_not_there_is_remembered(
    habits: dict[str, Any], stay: Begin
) -> None:
    doctors = [{**DOCTOR, "id": f"doc-{n}"} for n in range(4)]
    pointers = pointing(
        *(f"Practitioner/doc-{n}" for n in range(4)),
        "Practitioner/doc-1/_history/3",
        "Practitioner/nobody-1",
        "Practitioner/nobody-2",
        "Organization/closed",
        "Location/broken",
        "https://fhir4.invalid/fhir/Practitioner/stranger",
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        "#inside",
        {"identifier": {"system": "urn:oid:1.2", "value": "77"}},
        "http://loinc.org/vs/LL715-4",
        "CodeSystem/loinc",
        "Practitioner?identifier=9",
        {"reference": 7},
    )
    closed = {"resourceType": "Organization", "id": "closed"}
    broken = {"resourceType": "Location", "id": "broken"}
    here = stay([*doctors, *pointers, closed, broken], fails={"Location/broken": 500}, **habits)
    here.sandbox.delete("Organization/closed")
    first = here.sync()
    assert set(here.kept("Practitioner")) == {f"Practitioner/doc-{n}" for n in range(4)}
    assert here.kept("Observation") == here.held("Observation")
    assert not {"Organization/closed", "Location/broken"} & set(here.kept())
    named = {one.id for one in first.skipped if one.id}
    assert named == {"nobody-1", "nobody-2", "closed", "broken"}, first.skipped
    paths = [one.path for one in here.desk.records()]
    assert not [path for path in paths if "inside" in path or "stranger" in path or "uuid" in path]
    assert here.sandbox.ledger.strayed == []
    here.sync()
    third = here.sync()
    assert quiet(third), third.skipped
    assert not [one for one in here.desk.records() if "/Practitioner" in one.path or "broken" in one.path]
    here.sandbox.put({**DOCTOR, "id": "nobody-1"})
    here.later(days=31)
    here.sync()
    assert "Practitioner/nobody-1" in here.kept(), "asked again after a month"


@pytest.mark.parametrize("way", ["500-not-known", "stack-400", "outcome-404"])
def test_43_an_id_that_is_not_known_is_asked_once(way: str, stay: Begin) -> None:
    here = stay(
        pointing("Practitioner/nobody"), unknown_id=way, batch=False, promises=("Practitioner",), undeclared=("_id",)
    )  # fmt: skip
    first = here.sync()
    assert first.exit_status == 0 and "nobody" in {one.id for one in first.skipped}
    assert len(here.asked("Practitioner")) == 1
    assert quiet(here.sync()) and here.asked("Practitioner") == []


def test_44_what_is_contained_stays_inside_its_parent(stay: Begin) -> None:
    both = pointing("#d", "#d")
    both[0]["contained"] = [{**DOCTOR, "id": "d", "name": [{"text": "Dr. Falk"}]}]
    both[1]["contained"] = [{**DOCTOR, "id": "d", "name": [{"text": "Dr. Osei"}]}]
    here = stay(both)
    assert here.sync().exit_status == 0
    assert here.kept() == here.held() and set(here.kept("Practitioner")) == set()
    assert here.sql("SELECT performer FROM record WHERE resource LIKE 'Observation/%' ORDER BY resource") == [
        ("Dr. Falk",),
        ("Dr. Osei",),
    ]
    assert not [one for one in here.desk.records() if one.path.startswith("/fhir/Practitioner/")]


# ── 45 and 46: what was taken back, and what no longer comes ──────────────────────────────────────


def test_45_entered_in_error_is_a_tombstone_and_no_deletion(stay: Begin) -> None:
    here = stay(rows("Observation", 3, status="final", valueString="7"))
    here.sync()
    masked = {
        "resourceType": "Observation",
        "id": "obs-02",
        "subject": {"reference": "Patient/p"},
        "status": "entered-in-error",
        "code": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                    "valueCode": "masked",
                }
            ]
        },
    }
    here.sandbox.put(masked)
    run = here.sync()
    assert run.exit_status == 0 and run.types["Observation"].gone == 1
    assert tombstones(here) == {"Observation/obs-02": "entered-in-error"}
    assert here.kept("Observation") == here.held("Observation"), "what it says now"
    ((before,),) = here.sql("SELECT raw FROM resource_version")
    assert orjson.loads(before)["valueString"] == "7", "and what it said"
    again = here.sync(full=True)
    assert quiet(again) and again.types["Observation"].gone == 0, "once"
    here.sandbox.put({**masked, "status": "final"})
    here.sync()
    assert tombstones(here) == {}


def test_45_data_that_is_absent_for_a_reason_is_kept_and_shown(stay: Begin) -> None:
    why = {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
        ]
    }
    bare = rows("Observation", 1, _status=why, code=why, _effectiveDateTime=why, valueQuantity=why)
    letter = rows(
        "DocumentReference",
        1,
        _status=why,
        content=[{"attachment": {"contentType": "text/plain", "_data": why}}],
    )
    here = stay([*bare, *letter])  # fmt: skip
    run = here.sync()
    assert (run.status, run.exit_status) == ("completed", 0), run.skipped
    assert here.kept() == here.held()
    assert here.sql("SELECT count(*) FROM record WHERE resource LIKE 'Observation/%'") == [(1,)]
    assert quiet(here.sync())


def test_46_what_is_deleted_at_the_source_is_gone_and_stays_here(stay: Begin) -> None:
    here = stay([*rows("Observation", 5), *rows("Goal", 2)], unknown_id="stack-400")
    here.sync()
    here.sandbox.delete("Observation/obs-01")
    here.sandbox.delete("Goal/goa-01")
    run = here.sync(full=True)
    assert run.exit_status == 0
    assert (run.types["Observation"].gone, run.types["Goal"].gone) == (1, 1)
    assert set(tombstones(here)) == {"Observation/obs-01", "Goal/goa-01"}
    assert len(here.kept("Observation")) == 5
    assert quiet(here.sync(full=True))


@pytest.mark.parametrize("unknown", ["stack-400", "500-not-known"])
def test_46_what_is_only_hidden_is_kept_and_named_since_when(unknown: str, stay: Begin) -> None:
    here = stay(rows("Observation", 5), unknown_id=unknown, meta="none")
    here.sync()
    here.sandbox.hide("Observation/obs-03")
    run = here.sync()
    assert (run.exit_status, run.types["Observation"].gone) == (0, 0)
    assert (absent(here), tombstones(here)) == ({"Observation/obs-03"}, {})
    assert "1 not returned since" in said(run, "Observation")
    assert quiet(second := here.sync()) and "1 not returned since" in said(second, "Observation")
    assert not [one for one in here.desk.records() if one.path.endswith("/obs-03")], "asked once in a while"
    here.sandbox.show("Observation/obs-03")
    assert quiet(here.sync()) and absent(here) == set()
    assert "not returned" not in said(here.sync(), "Observation")


def test_46_what_can_still_be_read_is_not_absent(stay: Begin) -> None:
    here = stay(rows("Observation", 5), meta="none")
    here.sync()
    here.sandbox.hide("Observation/obs-03", readable=True)
    assert quiet(here.sync()) and quiet(here.sync())
    assert (absent(here), tombstones(here)) == (set(), {})
    assert len(here.kept("Observation")) == 5


@pytest.mark.parametrize("how", ["empty-403", "html-404", "html-401", "500", "stack-400", "html-200"])
def test_46_a_type_that_is_refused_today_has_lost_nothing(how: str, stay: Begin) -> None:
    here = stay([*rows("Observation", 5), *rows("Goal", 2)])
    here.sync()
    here.sandbox.change(refuses={"Goal": how}, promises=("Goal",))
    run = here.sync(full=True)
    assert refused(run, "Goal") and run.exit_status == 3
    assert (absent(here), tombstones(here), len(here.kept("Goal"))) == (set(), {}, 2)
    here.sandbox.change(refuses={})
    assert quiet(here.sync()) and here.asked("Goal"), "what came before is asked every night"


def test_46_a_server_that_shows_nothing_today_has_deleted_nothing(stay: Begin) -> None:
    resources = [*rows("Observation", 5), *rows("Goal", 2)]
    here = stay(resources, meta="none")
    here.sync()
    for one in resources:
        here.sandbox.hide(f"{one['resourceType']}/{one['id']}")
    here.sandbox.change(promises=("Observation", "Goal"))
    run = here.sync(full=True)
    assert run.exit_status == 0 and tombstones(here) == {}
    assert len(here.kept("Observation")) == 5 and len(absent(here)) == 7
    assert not [one for one in here.desk.records() if one.path.startswith("/fhir/Observation/")]
    for one in resources:
        here.sandbox.show(f"{one['resourceType']}/{one['id']}")
    assert quiet(here.sync()) and absent(here) == set()


def test_46_a_sign_in_with_fewer_rights_has_lost_nothing(stay: Begin) -> None:
    here = stay([*rows("Observation", 5), *rows("Goal", 2)])
    here.sync()
    for grant in here.sandbox.authorization.living():
        grant.scopes = ("patient/Patient.rs", "patient/Observation.rs", "offline_access")
    here.sandbox.authorization.expire_all()
    run = here.sync(full=True)
    assert refused(run, "Goal"), run.skipped
    assert (absent(here), tombstones(here), len(here.kept("Goal"))) == (set(), {}, 2)


def test_46_a_merged_patient_is_followed(stay: Begin) -> None:
    into = {
        "resourceType": "Patient",
        "id": "p-new",
        "name": [{"family": "Quill"}],
        "birthDate": "1970-12-31",
    }
    here = stay([*rows("Observation", 5), into])
    here.sync()
    here.sandbox.merge("Patient/p", "Patient/p-new")
    run = here.sync()
    assert run.exit_status == 0 and "merged" in said(run, "Patient")
    assert tombstones(here) == {"Patient/p": "merged"}
    assert {one.get("patient") for one in here.asked("Observation")} == {"p-new"}
    assert here.kept("Observation") == here.held("Observation") and absent(here) == set()
    assert quiet(here.sync()) and "merged" not in said(here.sync(), "Patient")


def test_46_a_merged_resource_is_followed(stay: Begin) -> None:
    here = stay([*rows("Observation", 5), *rows("Encounter", 2)], meta="none")
    here.sync()
    here.sandbox.merge("Encounter/enc-01", "Encounter/enc-02")
    run = here.sync(full=True)
    assert run.exit_status == 0 and len(here.kept("Encounter")) == 2
    assert absent(here) == {"Encounter/enc-01"}
    assert quiet(here.sync(full=True))


# ── 47 to 49: what is malformed, and how it is labelled ───────────────────────────────────────────

MALFORMED = (
    '{"resourceType":"Encounter","id":"no-status",%s}',
    '{"resourceType":"Observation","id":"object-for-list","category":{"coding":{"code":"laboratory"}},"code":[{"text":"K"}],%s}',
    '{"resourceType":"Observation","id":"list-for-object","code":[[{"text":["K"]}]],"status":["final"],%s}',
    '{"resourceType":"Observation","id":"number-as-text","status":"final","valueQuantity":{"value":"1.20","unit":7},%s}',
    '{"resourceType":"Observation","id":"time-alone","effectiveDateTime":"10:15","issued":"9/12/2018 1:01:03 PM",%s}',
    '{"resourceType":"Observation","id":"rtf","note":[{"text":"{\\\\rtf1\\\\ansi K}"}],"valueString":"<b>K</b>",%s}',
    '{"resourceType":"Observation","id":"extension","zebra":{"stripes":[1,2,{}]},"extension":"none",%s}',
    '{"resourceType":"Observation","id":"twice","status":"final","status":"amended",%s}',
    '{"resourceType":"Observation","id":"digits","valueQuantity":{"value":1.2000000000000000000000001},%s}',
    '{"resourceType":"Observation","id":"nulls","code":null,"status":null,"category":[null],"component":[null,{}],%s}',
    '{"resourceType":"Observation", "id":"spaces" , "note":[{"text":"\\ud83d\\ude00 \\u0000"}],%s }',
)  # fmt: skip

NO_JSON = (
    '{"resourceType":"Observation","id":"nan","valueQuantity":{"value":NaN},"low":-Infinity,%s}',
    '{"resourceType":"Observation","id":"leap","valueQuantity":{"value":1e999},"status":"final",%s}',
)


@pytest.mark.parametrize("mark", [False, True], ids=["plain", "bom"])
def test_47_what_is_malformed_is_kept_to_the_byte(mark: bool, stay: Begin) -> None:
    odd = [(text % WHO).encode() for text in MALFORMED]
    here = stay([*odd, *rows("Goal", 1)], byte_order_mark=mark)
    for text in NO_JSON:
        here.sandbox.put((text % WHO).encode())
    first = here.sync()
    assert here.kept() == here.held(), first.skipped
    assert len(here.kept("Observation")) == len(odd) - 1 + len(NO_JSON)
    assert here.sql("SELECT count(*) FROM record") == [(len(here.kept()),)]
    second = here.sync()
    assert quiet(second), second.skipped
    with here.person.workspace.store() as store:
        assert timeline(store, Selection()).total >= len(odd)


def test_47_a_broken_remark_beside_good_records_loses_none(stay: Begin) -> None:
    here = stay(
        rows("Observation", 3), warnings={"Observation": "Something is missing"}, issue_has_code=False
    )
    run = here.sync()
    assert (run.status, run.types["Observation"].new) == ("completed", 3)
    assert "Something is missing" in said(run, "Observation")


@pytest.mark.parametrize(
    "label",
    [
        "application/fhir+json",
        "application/fhir+json;charset=UTF-8",
        "application/json+fhir; charset=utf-8",
        "application/json",
        "text/plain",
        "text/html; charset=utf-8",
        "application/octet-stream",
        "not a media type",
        "",
    ],
)
def test_48_json_is_read_under_any_label(label: str, stay: Begin) -> None:
    file = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "aGVsbG8="}
    letter = rows("DocumentReference", 1, content=[{"attachment": {"url": "Binary/b"}}])
    doctor = pointing("Practitioner/doc")
    here = stay([*rows("Goal", 25), file, *letter, *doctor, DOCTOR], content_type=label)
    run = here.sync()
    assert (run.status, run.types["Goal"].new, run.documents["new"]) == ("completed", 25, 1), run.skipped
    held = {address: raw for address, raw in here.held().items() if address != "Binary/b"}
    assert here.kept() == held
    assert quiet(here.sync())


def test_49_every_question_says_what_it_takes(stay: Begin) -> None:
    here = stay([*rows("Observation", 25), *pointing("Practitioner/doc"), DOCTOR], batch=False)
    here.sync()
    assert {one.headers["accept"] for one in here.desk.records()} == {
        "application/fhir+json, application/json+fhir;q=0.9, application/json;q=0.8"
    }


def test_49_a_406_is_no_empty_record(stay: Begin) -> None:
    here = stay([*rows("Observation", 5), *rows("Goal", 2)], not_acceptable="empty")
    here.sync()
    here.sandbox.change(fails={"Goal": 406})
    run = here.sync(full=True)
    assert refused(run, "Goal") == [(406, False)] and run.exit_status == 3
    assert (absent(here), tombstones(here), len(here.kept("Goal"))) == (set(), {}, 2)
    assert quiet(second := here.sync(full=True)) and refused(second, "Goal") == [(406, True)]
