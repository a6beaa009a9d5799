"""Whole syncs against the sandbox over loopback: complete, repeatable, and honest about what did not come."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from phr.errors import Busy, UsageError
from phr.sandbox.server import Sandbox
from phr.sync.pull import NO_LONGER_ANSWERS

Hospital = Callable[..., Sandbox]


def ward(observations: int = 45, **more: Any) -> tuple[dict[str, Any], ...]:
    """A small hospital: one patient, many observations, a medication, a doctor, a letter."""
    subject = {"reference": "Patient/p"}
    return (
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Quill", "given": ["Ada"]}]},
        {"resourceType": "Patient", "id": "other", "name": [{"family": "Stranger"}]},
        {"resourceType": "Practitioner", "id": "doc", "name": [{"text": "Dr. Ines Falk"}]},
        {"resourceType": "Organization", "id": "top", "name": "Lakeside Group"},
        {"resourceType": "Organization", "id": "org", "name": "Lakeside", "partOf": {"reference": "Organization/top"}},
        {"resourceType": "Medication", "id": "m", "code": {"text": "Albuterol inhaler"}},
        {
            "resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order", "subject": subject,
            "medicationReference": {"reference": "Medication/m"}, "requester": {"reference": "Practitioner/doc"},
        },
        {
            "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"}, "subject": subject,
            "serviceProvider": {"reference": "Organization/org"}, "period": {"start": "2026-01-05"},
        },
        {
            "resourceType": "DocumentReference", "id": "d", "status": "current", "subject": subject,
            "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/b"}}],
        },
        {"resourceType": "Binary", "id": "b", "contentType": "application/pdf", "data": "JVBERi0xLjQK"},
        *(
            {
                "resourceType": "Observation", "id": f"o{n}", "status": "final", "subject": subject,
                "code": {"text": "Glucose"}, "effectiveDateTime": f"2025-01-{n % 28 + 1:02}",
                "valueQuantity": {"value": 90 + n, "unit": "mg/dL"},
            }
            for n in range(observations)
        ),
        {"resourceType": "Observation", "id": "secret", "status": "final", "subject": {"reference": "Patient/other"},
         "code": {"text": "Not hers"}},
        *more.values(),
    )  # fmt: skip


def test_a_second_sync_changes_nothing_and_says_so(person: Any, hospital: Hospital) -> None:
    person.connect(hospital(resources=ward()))
    first, second = person.sync(), person.sync()
    assert (first.status, first.exit_status) == ("completed", 0)
    counts = first.runs[0].types
    assert counts["Observation"].new == 45
    assert counts["Organization"].new == 2  # one is only mentioned by the other
    assert first.runs[0].documents["new"] == 1
    again = second.runs[0]
    assert sum(c.new + c.updated + c.failed for c in again.types.values()) == 0
    assert again.types["Observation"].unchanged == 45
    assert again.documents["new"] == 0


def test_only_the_own_record_comes(person: Any, hospital: Hospital) -> None:
    person.connect(hospital(resources=ward()))
    person.sync()
    with person.workspace.store() as store:
        assert store.raw("Patient", "p")
        assert not store.raw("Patient", "other")
        assert not store.raw("Observation", "secret")


def test_bytes_are_kept_as_they_were_served(person: Any, hospital: Hospital) -> None:
    raw = b'{"resourceType":"Observation", "id":"x",  "status":"final","subject":{"reference":"Patient/p"},' \
        b'"code":{"text":"K"},"valueQuantity":{"value":1.20}}'  # fmt: skip
    person.connect(hospital(resources=(*ward(0), raw)))
    person.sync()
    with person.workspace.store() as store:
        assert store.raw("Observation", "x")[0][1] == raw
        assert store.documents.content("Binary/b") == [("127.0.0.1", b"%PDF-1.4\n")]


def test_names_come_through_references(person: Any, hospital: Hospital) -> None:
    person.connect(hospital(resources=ward(0)))
    person.sync()
    with person.workspace.store() as store:
        row = store.db.execute(
            "SELECT title, performer FROM record WHERE resource = 'MedicationRequest/r'"
        ).fetchone()
        visit = store.db.execute("SELECT facility FROM record WHERE resource = 'Encounter/e'").fetchone()
    assert row == ("Albuterol inhaler", "Dr. Ines Falk")
    assert visit == ("Lakeside",)


def test_an_update_and_a_deletion_at_the_source(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=ward(3))
    person.connect(sandbox)
    person.sync()
    subject = {"reference": "Patient/p"}
    sandbox.store.put({"resourceType": "Observation", "id": "o0", "status": "amended", "subject": subject})
    sandbox.store.delete("Observation", "o1")
    counts = person.sync().runs[0].types["Observation"]
    assert (counts.new, counts.updated, counts.unchanged) == (0, 1, 1)
    with person.workspace.store() as store:
        assert store.raw("Observation", "o1"), "absence is not deletion"
        assert json.loads(store.raw("Observation", "o0")[0][1])["status"] == "amended"
        assert store.db.execute("SELECT count(*) FROM resource_version").fetchone() == (1,)


@pytest.mark.parametrize(
    "fault", ["429", "500-once", "503", "expired-token", "page-2", "truncated", "html-error", "reset"]
)
def test_a_passing_fault_costs_nothing_but_time(person: Any, hospital: Hospital, fault: str) -> None:
    person.connect(hospital(resources=ward(), faults=(fault,)))
    report = person.sync()
    assert (report.status, report.exit_status) == ("completed", 0), report.runs[0].skipped
    assert report.runs[0].types["Observation"].new == 45


def test_without_retries_a_failed_page_is_named_and_the_rest_is_kept(person: Any, hospital: Hospital) -> None:
    person.environ["PHR_SYNC_RETRY_ATTEMPTS"] = "0"
    person.connect(hospital(resources=ward(), faults=("page-2",)))
    first = person.sync()
    assert (first.status, first.exit_status) == ("partial", 3)
    assert first.runs[0].types["Observation"].new == 20
    assert [p.type for p in first.runs[0].skipped if not p.known] == ["Observation"]
    assert first.runs[0].types["Encounter"].new == 1
    second = person.sync()
    assert (second.status, second.exit_status) == ("completed", 0)
    assert second.runs[0].types["Observation"].new == 25


def test_a_broken_resource_is_named_and_does_not_stop_the_rest(person: Any, hospital: Hospital) -> None:
    person.connect(hospital(resources=ward(), faults=("broken-resource",)))
    first, second = person.sync(), person.sync()
    run = first.runs[0]
    assert (first.status, first.exit_status) == ("partial", 3)
    assert run.types["Observation"].new >= 44
    assert any(p.type == "Observation" and not p.known for p in run.skipped)
    assert sum(c.new + c.updated for c in second.runs[0].types.values()) == 0
    assert second.exit_status == 0, "the same broken entry is known the second time"
    assert [p.type for p in second.runs[0].skipped if p.type == "Observation"]


def test_a_type_that_was_not_granted_is_named_and_not_asked(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=ward(3))
    (person.workspace.paths.config).mkdir(parents=True)
    person.workspace.paths.providers_file.write_text(
        f'[vendors.narrow]\nname = "Narrow"\nresource_scopes = ["patient/Patient", "patient/Observation"]\n'
        f'[providers.narrow]\nvendor = "narrow"\nname = "Narrow"\nfhir_base = "{sandbox.fhir_base}"\n'
    )
    connection = person.connect(sandbox, provider="narrow", url=None)
    assert {r.type for r in connection.refused} >= {"Encounter", "MedicationRequest"}
    report = person.sync()
    assert (report.status, report.exit_status) == ("completed", 0)
    assert set(report.runs[0].types) == {"Patient", "Observation"}
    assert not [path for _, path, _ in sandbox.requests if "/Encounter" in path]


def test_a_dead_sign_in_asks_for_a_new_one_and_the_other_connection_goes_on(
    person: Any, hospital: Hospital
) -> None:
    one, two = hospital(resources=ward(2), token_seconds=3600), hospital(resources=ward(2))
    person.connect(one, name="one")
    person.connect(two, name="two")
    one.authorization.revoke_all()
    report = person.sync()
    assert {run.connection: run.exit_status for run in report.runs} == {"one": 4, "two": 0}
    assert (report.status, report.exit_status) == ("partial", 3)
    assert person.sync("one").exit_status == 4
    with person.workspace.store() as store:
        assert store.connections.get("one").state == "expired"


def test_a_server_that_is_gone_fails_and_loses_nothing(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=ward(2))
    person.connect(sandbox)
    person.sync()
    sandbox.close()
    report = person.sync()
    assert (report.status, report.exit_status) == ("failed", 1)
    with person.workspace.store() as store:
        assert store.counts()[0]["Observation"] == 2


def test_two_runs_do_not_meet(person: Any, hospital: Hospital) -> None:
    person.connect(hospital(resources=ward(1)))
    with person.workspace.lock(), pytest.raises(Busy) as caught:
        person.sync()
    assert caught.value.exit_status == 5


def test_a_name_that_is_none_is_said_before_anything_happens(person: Any, hospital: Hospital) -> None:
    person.connect(hospital(resources=ward(1)), name="lakeside")
    with pytest.raises(UsageError) as caught:
        person.sync("lakside")
    assert "lakeside" in (caught.value.hint or "")


def test_a_server_that_dies_in_the_middle_is_not_asked_on_and_on(person: Any, hospital: Hospital) -> None:
    types = "Condition Procedure Goal CarePlan CareTeam Coverage Immunization Device Specimen Consent Task".split()
    subject = {"reference": "Patient/p"}
    words = {"subject": subject, "patient": subject, "beneficiary": subject, "for": subject}
    sandbox = hospital(resources=ward(60, **{t: {"resourceType": t, "id": "x", **words} for t in types}))
    person.connect(sandbox)
    asked: list[Any] = []

    def cut(progress: Any) -> None:
        if progress.type == "Encounter" and not asked:
            asked.append(progress)
            sandbox.close()

    report = person.sync(progress=cut)
    assert (report.status, report.exit_status) == ("partial", 3)
    reasons = [p.reason for p in report.runs[0].skipped if not p.known]
    assert reasons.count(NO_LONGER_ANSWERS) >= 1
    assert sum("cannot be reached" in reason or "connection" in reason for reason in reasons) <= 5
    with person.workspace.store() as store:
        assert store.counts()[0]["Encounter"] == 1


def test_a_run_that_was_killed_does_not_stay_open(person: Any, hospital: Hospital) -> None:
    connection = person.connect(hospital(resources=ward(1)))
    with person.workspace.store() as store:
        store.runs.start(connection.key, "manual", "full")
    person.sync()
    with person.workspace.store() as store:
        assert [run.status for run in store.runs.recent()] == ["completed", "cancelled"]
