"""Refusals and failures as servers were seen to make them, and what their CapabilityStatements say of that."""

from __future__ import annotations

from typing import Any

import pytest

from phr.errors import UsageError
from phr.sandbox.config import SandboxConfig
from phr.sandbox.record_habits import REFUSALS, wrong
from phr.sandbox.vendors import VENDORS

from .conftest import ADA, BEN, App, Start, observation


def ask(app: App, path: str, scope: str = "patient/*.rs") -> Any:
    return app.fhir(path, app.sandbox.issue_token(scope))


@pytest.mark.parametrize(
    ("way", "status", "shape"),
    [
        ("outcome-404", 404, "outcome"),
        ("html-404", 404, "html"),
        ("html-401", 401, "html"),
        ("html-200", 200, "html"),
        ("outcome-401", 401, "outcome"),
        ("outcome-403", 403, "outcome"),
        ("empty-403", 403, "empty"),
        ("denied-403", 403, "outcome"),
        ("stack-400", 400, "outcome"),
        ("500", 500, "outcome"),
        ("500-not-known", 500, "outcome"),
        ("redirect", 302, "empty"),
    ],
)
def test_a_type_is_refused_in_each_way(start: Start, way: str, status: int, shape: str) -> None:
    app = start(change={"refuses": {"Observation": way}})
    for path in (f"Observation?patient={ADA}", "Observation/a1"):
        answer = ask(app, path)
        assert answer.status_code == status, path
        if shape == "outcome":
            assert answer.json()["resourceType"] == "OperationOutcome"
        elif shape == "html":
            assert answer.headers["content-type"].startswith("text/html")
        else:
            assert answer.content == b""
    assert ask(app, "Patient/ada").status_code == 200
    declared = app.fhir("metadata").json()["rest"][0]["resource"]
    assert "Observation" not in [item["type"] for item in declared]


def test_every_way_is_known() -> None:
    ways = {mark.args[1][i][0] for mark in test_a_type_is_refused_in_each_way.pytestmark for i in range(12)}

    assert ways == set(REFUSALS)


@pytest.mark.parametrize(
    "change",
    [{"total": "al"}, {"refuses": {"Goal": "html"}}, {"attachments": ("relativ",)}, {"retry_after": "later"}],
)
def test_a_slip_of_the_pen_is_no_habit(app: App, change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        SandboxConfig(change=change).check()
    with pytest.raises(ValueError, match=next(iter(change))):
        app.sandbox.change(**change)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_the_habits_of_every_vendor_mean_something(vendor: str) -> None:
    assert wrong(VENDORS[vendor]) == []


def test_nextgen_denies_without_a_code_and_shows_its_stack(start: Start) -> None:
    app = start(vendor="nextgen")
    denied, trace = ask(app, "FamilyMemberHistory?patient=ada"), ask(app, "Provenance?patient=ada")

    assert (denied.status_code, trace.status_code) == (403, 400)
    assert denied.json()["issue"] == [
        {"severity": "error", "diagnostics": "Read access to 'FamilyMemberHistory' is denied by user"}
    ]
    assert trace.json()["issue"][1]["diagnostics"].startswith("at ")
    assert ask(app, "Organization/0001").status_code == 400


def test_cigna_does_not_know_and_calls_it_its_own_failure(start: Start) -> None:
    answer = ask(start(vendor="cigna"), "Practitioner/none")

    assert answer.status_code == 500
    assert answer.json()["issue"][0]["diagnostics"].endswith("Practitioner/none is not known")


def test_athenahealth_names_the_combinations_it_needs(start: Start) -> None:
    app = start(vendor="athenahealth")
    answer = ask(app, f"MedicationRequest?patient={ADA}")
    issue = answer.json()["issue"][0]

    assert (answer.status_code, issue["code"]) == (403, "forbidden")
    assert "[[patient,intent],[_id]]" in issue["details"]["text"]
    assert ask(app, f"MedicationRequest?patient={ADA}&intent=order").status_code == 200
    assert ask(app, f"MedicationRequest?patient={ADA}&intent=option").status_code == 400


def test_epic_and_eclinicalworks_say_what_they_need(start: Start) -> None:
    epic = start(vendor="epic")
    issue = ask(epic, f"Observation?patient={ADA}").json()["issue"][0]
    assert issue["details"]["coding"][0]["code"] == "59108"
    assert issue["diagnostics"] == "Must have either code or category."
    assert ask(epic, f"CarePlan?patient={ADA}").json()["issue"][0]["details"]["coding"][0]["code"] == "59159"
    assert ask(epic, f"Observation?patient={ADA}&category=therapy").status_code == 400
    assert ask(epic, f"Observation?patient={ADA}&category=therapy,laboratory").status_code == 200
    ecw = ask(start(vendor="healow"), f"CareTeam?patient={ADA}&_count=50")
    assert ecw.status_code == 400
    assert "with parameter [patient,_count]" in ecw.json()["issue"][0]["diagnostics"]


def test_oracle_wants_an_id_alone(start: Start) -> None:
    app = start(vendor="oracle")

    assert ask(app, f"Observation?patient={ADA}&_id=a1").status_code == 400
    assert ask(app, "Observation?_id=a1,a2&_count=1").json()["total"] == 2
    assert len(ask(app, "Observation?_id=a1,a2&_count=1").json()["entry"]) == 2


def test_medicare_does_not_show_the_person_without_consent(start: Start) -> None:
    app = start(vendor="medicare")

    refused = ask(app, f"Patient/{ADA}", "patient/Coverage.read")
    assert refused.status_code == 401
    assert ask(app, "Coverage", "patient/Coverage.read").status_code == 200
    assert ask(app, f"Patient/{ADA}", "patient/Patient.read").status_code == 200


def test_some_requests_fail_for_good_and_some_at_first(start: Start) -> None:
    app = start(change={"fails": {"Observation/a2": 500, "Goal": 500}, "fails_first": {"Patient": (408, 2)}})
    token = app.sandbox.issue_token()

    assert [app.fhir("Observation/a2", token).status_code for _ in range(3)] == [500] * 3
    assert [app.fhir("Goal", token).status_code for _ in range(3)] == [500] * 3
    assert [app.fhir("Patient/ada", token).status_code for _ in range(3)] == [408, 408, 200]
    assert app.ids("Observation", token) == ["a1", "a2", "a3"]


def test_the_capability_statement_promises_and_conceals(start: Start) -> None:
    app = start(change={"promises": ("Goal",), "conceals": ("Observation",), "undeclared": ("_id",)})
    declared = {item["type"]: item for item in app.fhir("metadata").json()["rest"][0]["resource"]}

    assert "Goal" in declared
    assert "Observation" not in declared
    assert "_id" not in [param["name"] for param in declared["Patient"]["searchParam"]]
    assert ask(app, "Observation?_id=a1").status_code == 200
    assert start(change={"metadata": False}).fhir("metadata").status_code == 404


def test_what_is_not_acceptable_may_be_refused_with_nothing(start: Start) -> None:
    app = start(vendor="oracle")
    answer = app.fhir("Patient/ada", app.sandbox.issue_token(), Accept="application/fhir+xml")

    assert (answer.status_code, answer.content) == (406, b"")


@pytest.mark.parametrize("said", ["text/plain", "application/json", "text/html", ""])
def test_json_comes_under_many_names(start: Start, said: str) -> None:
    app = start(change={"content_type": said})
    answer = ask(app, "Patient/ada")

    assert answer.headers.get("content-type", "").partition(";")[0] == said
    assert answer.json()["id"] == ADA


def test_a_byte_order_mark_may_come_first(start: Start) -> None:
    assert ask(start(change={"byte_order_mark": True}), "Patient/ada").content.startswith(b"\xef\xbb\xbf{")


@pytest.mark.parametrize(("etag", "second"), [("ETag", 304), ("E-Tag", 200), ("", 200)])
def test_an_etag_is_compared_only_under_its_right_name(start: Start, etag: str, second: int) -> None:
    app = start(change={"etag": etag})
    token = app.sandbox.issue_token()
    first = app.fhir("Patient/ada", token)

    assert first.headers.get(etag or "etag") == ('W/"1"' if etag else None)
    assert app.fhir("Patient/ada", token, **{"If-None-Match": 'W/"1"'}).status_code == second


def test_kaiser_refers_to_versions_and_answers_them(start: Start) -> None:
    app = start(vendor="kaiser")
    app.sandbox.put({"resourceType": "Patient", "id": ADA, "active": True})
    reference = ask(app, "Observation/a2").json()["subject"]["reference"]

    assert reference == f"Patient/{ADA}/_history/2"
    assert ask(app, reference).json()["active"] is True
    absolute = start(change={"references": "absolute"})
    said = ask(absolute, "Observation/a2").json()["subject"]["reference"]
    assert said == f"{absolute.sandbox.fhir_base}/Patient/{ADA}"


@pytest.mark.parametrize(("many", "found"), [("yes", ["a1", "a3"]), ("first", ["a1"])])
def test_several_ids_at_once(start: Start, many: str, found: list[str]) -> None:
    app = start(change={"many_ids": many})

    assert app.ids("Observation?_id=a1,a3", app.sandbox.issue_token()) == found
    assert ask(start(change={"many_ids": "refused"}), "Observation?_id=a1,a3").status_code == 400


def test_provenance_may_not_come_along(start: Start) -> None:
    app = start(change={"revinclude": False})

    assert ask(app, "Observation?_revinclude=Provenance:target").status_code == 400
    declared = app.fhir("metadata").json()["rest"][0]["resource"]
    assert not [item for item in declared if "searchRevInclude" in item]


def test_everything_in_its_odd_forms(start: Start) -> None:
    many = [observation(f"o{n}") for n in range(60)]
    world = ({"resourceType": "Patient", "id": ADA}, {"resourceType": "Patient", "id": BEN}, *many)
    path = f"Patient/{ADA}/$everything"

    whole = ask(start(vendor="humana", resources=world), path).json()
    assert len(whole["entry"]) == 61
    assert [one["relation"] for one in whole["link"]] == ["self"]
    assert f"Patient/{ADA}-other/" in whole["link"][0]["url"]
    stubs = ask(start(resources=world, change={"everything_strangers": 2}), path).json()["entry"]
    assert [e["resource"]["id"] for e in stubs if e["resource"]["resourceType"] == "Patient"] == [
        ADA,
        "stub-1",
        "stub-2",
    ]
    absent = start(resources=world, change={"everything": False})
    assert ask(absent, path).status_code == 404
    patient = next(i for i in absent.fhir("metadata").json()["rest"][0]["resource"] if i["type"] == "Patient")
    assert "everything" not in [one["name"] for one in patient.get("operation", ())]
