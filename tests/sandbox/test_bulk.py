"""Bulk Data Access 2.0.0: kick-off, status, manifest, files, cancel; and how servers were seen to do it."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import orjson
import pytest

from phr.sandbox import dates
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET

from .conftest import ADA, App, Clock, Start, observation

HEADERS = {"Accept": "application/fhir+json", "Prefer": "respond-async"}


class Client:
    """A machine that exports, one request at a time."""

    def __init__(self, app: App, scope: str = "system/*.rs", token: str | None = None) -> None:
        self.app = app
        self.token = token or app.sandbox.issue_token(scope)

    def ask(self, url: str, method: str = "GET", **headers: str) -> httpx.Response:
        address = url if url.startswith("http") else f"{self.app.sandbox.fhir_base}/{url}"
        return self.app.http.request(
            method, address, headers={"Authorization": f"Bearer {self.token}", **headers}
        )

    def kick_off(self, path: str = "Patient/$export") -> httpx.Response:
        return self.ask(path, **HEADERS)

    def manifest(self, path: str = "Patient/$export") -> dict[str, Any]:
        begun = self.kick_off(path)
        assert begun.status_code == 202, begun.text
        for _ in range(20):
            answer = self.ask(begun.headers["content-location"])
            if answer.status_code != 202:
                assert answer.status_code == 200, answer.text
                return dict(answer.json())
        raise AssertionError("still not done")

    def resources(self, manifest: dict[str, Any], member: str = "output") -> list[dict[str, Any]]:
        found = []
        for file in manifest.get(member, ()):
            lines = self.ask(file["url"]).content.splitlines()
            assert len(lines) == file["count"]
            found += [orjson.loads(line) for line in lines]
        return found

    def addresses(self, path: str = "Patient/$export") -> list[str]:
        return [f"{one['resourceType']}/{one['id']}" for one in self.resources(self.manifest(path))]


@pytest.fixture
def machine(app: App) -> Client:
    return Client(app)


def test_an_export_goes_by_the_book(app: App, machine: Client, clock: Clock) -> None:
    begun = machine.kick_off("Patient/$export?_type=Patient,Observation")
    assert (begun.status_code, begun.content) == (202, b"")
    status = begun.headers["content-location"]
    waiting = machine.ask(status)
    assert waiting.status_code == 202
    assert (waiting.headers["retry-after"], waiting.headers["x-progress"]) == ("1", "50% complete")
    done = machine.ask(status)
    said = done.json()

    assert done.headers["content-type"] == "application/json"
    assert "expires" in done.headers
    assert set(said) == {"transactionTime", "request", "requiresAccessToken", "output", "error"}
    assert said["request"] == f"{app.sandbox.fhir_base}/Patient/$export?_type=Patient,Observation"
    assert said["requiresAccessToken"] is True
    assert dates.interval(said["transactionTime"]) is not None
    assert [(one["type"], one["count"]) for one in said["output"]] == [("Patient", 2), ("Observation", 4)]
    file = machine.ask(said["output"][1]["url"])
    assert file.headers["content-type"] == "application/fhir+ndjson"
    assert b'"value": 1.20' in file.content


def test_the_levels_hold_what_they_say(app: App, machine: Client) -> None:
    app.sandbox.put(
        {
            "resourceType": "Group",
            "id": "g",
            "type": "person",
            "actual": True,
            "member": [{"entity": {"reference": "Patient/ben"}}],
        }
    )
    patients, group = set(machine.addresses()), set(machine.addresses("Group/g/$export"))
    system = set(machine.addresses("$export"))

    assert group == {"Patient/ben", "Observation/b1", "DocumentReference/d2"}
    assert {"Patient/ada", "Patient/ben", "Observation/a1", "Provenance/p1", "Practitioner/doc"} <= patients
    assert system >= patients
    assert "Group/g" in system
    assert set(machine.addresses("Group/everybody/$export")) == patients
    assert machine.kick_off("Group/none/$export").status_code == 404


def test_a_person_may_export_their_own_record_where_that_is_offered(start: Start) -> None:
    app = start()
    mine = Client(app, "patient/*.rs")

    assert {one for one in mine.addresses() if one.startswith("Patient/")} == {f"Patient/{ADA}"}
    assert "Observation/b1" not in mine.addresses("$export")
    closed = Client(start(change={"bulk_for_people": False}), "patient/*.rs")
    assert closed.kick_off().status_code == 403


def test_backend_services_export(app: App) -> None:
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
    token = app.post("token", form, auth=(CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)).json()["access_token"]
    machine = Client(app, token=token)

    assert machine.addresses() == ["Patient/ada", "Patient/ben"]
    refused = machine.manifest("Patient/$export?_type=Patient,Observation")
    assert [one["type"] for one in refused["output"]] == ["Patient"]
    assert machine.resources(refused, "error")[0]["issue"][0]["code"] == "forbidden"


def test_since_leaves_out_what_is_older_and_names_what_is_gone(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    machine = Client(app)
    clock.now += 100
    since = dates.instant(clock.now)
    app.sandbox.put(observation("fresh"))
    app.sandbox.delete("Observation/a2")
    said = machine.manifest(f"Patient/$export?_since={since}")

    assert [one["id"] for one in machine.resources(said)] == ["fresh"]
    gone = machine.resources(said, "deleted")
    assert gone[0]["type"] == "transaction"
    assert gone[0]["entry"] == [{"request": {"method": "DELETE", "url": "Observation/a2"}}]
    assert "deleted" not in machine.manifest()
    assert "Observation/fresh" not in machine.addresses(
        f"Patient/$export?_since={dates.instant(clock.now + 1)}"
    )


def test_types_and_filters_narrow_it(machine: Client) -> None:
    kind = "http://example.org/category%7Cvital-signs"
    one = f"Patient/$export?_type=Observation,Patient&_typeFilter=Observation%3Fcategory={kind}"

    assert machine.addresses(one) == ["Observation/a3", "Patient/ada", "Patient/ben"]
    either = "Patient/$export?_type=Observation&_typeFilter=Observation%3Fstatus=amended,Observation%3F_id"
    assert machine.kick_off(either).status_code == 400
    both = (
        "Patient/$export?_type=Observation&_typeFilter=Observation%3Fstatus=amended,Observation%3Fpatient=ben"
    )
    assert machine.addresses(both) == ["Observation/a3", "Observation/b1"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("_outputFormat=application/fhir%2Bndjson", 202),
        ("_outputFormat=ndjson", 202),
        ("_outputFormat=text/csv", 400),
        ("_since=2020", 400),
        ("_since=2020-01-01T00:00:00", 400),
        ("_since=2020-01-01T00:00:00Z", 202),
        ("_type=Nonsense", 400),
        ("_colour=red", 400),
        ("_typeFilter=Observation%3Fshoe=9", 400),
        ("_type=Patient&_type=Observation", 202),
    ],
)
def test_parameters_are_read_strictly(machine: Client, query: str, status: int) -> None:
    assert machine.kick_off(f"Patient/$export?{query}").status_code == status


def test_a_kick_off_says_that_it_will_wait(machine: Client) -> None:
    assert machine.ask("Patient/$export", Accept="application/fhir+json").status_code == 400
    assert machine.ask("Patient/$export", **{**HEADERS, "Accept": "text/html"}).status_code == 406
    assert machine.app.http.get(f"{machine.app.sandbox.fhir_base}/$export").status_code == 401


def test_parameters_may_be_posted(machine: Client) -> None:
    said = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueString": "Observation"},
            {"name": "patient", "valueReference": {"reference": "Patient/ben"}},
        ],
    }
    headers = {**HEADERS, "Authorization": f"Bearer {machine.token}", "Content-Type": "application/fhir+json"}
    begun = machine.app.http.post(
        f"{machine.app.sandbox.fhir_base}/Patient/$export", content=orjson.dumps(said), headers=headers
    )
    machine.ask(begun.headers["content-location"])

    output = machine.ask(begun.headers["content-location"]).json()
    assert [one["id"] for one in machine.resources(output)] == ["b1"]


def test_an_export_can_be_cancelled(machine: Client) -> None:
    begun = machine.kick_off()
    status = begun.headers["content-location"]

    assert machine.ask(status, "DELETE").status_code == 202
    assert machine.ask(status).status_code == 404
    assert machine.ask(status, "DELETE").status_code == 404


def test_an_export_is_its_own_clients_alone(start: Start) -> None:
    app = start(change={"bulk_polls": 0})
    own = Client(app)
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    token = app.post("token", form, auth=(CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)).json()["access_token"]
    other, status = Client(app, token=token), own.kick_off().headers["content-location"]

    assert own.ask(status).status_code == 200
    assert other.ask(status).status_code == 404


def test_files_are_packed_for_who_takes_that(machine: Client) -> None:
    url = machine.manifest("Patient/$export?_type=Patient")["output"][0]["url"]
    with machine.app.http.stream(
        "GET", url, headers={"Authorization": f"Bearer {machine.token}", "Accept-Encoding": "gzip"}
    ) as answer:
        raw = b"".join(answer.iter_raw())

    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(raw).splitlines()) == 2
    assert "content-encoding" not in machine.ask(url, **{"Accept-Encoding": "identity"}).headers


def test_long_files_are_cut_and_long_manifests_are_paged(start: Start) -> None:
    machine = Client(start(change={"bulk_lines": 2, "bulk_page": 2}))
    first = machine.manifest("Patient/$export?_type=Patient,Observation,MedicationRequest")
    found, page, pages = machine.resources(first), first, 1
    while "link" in page:
        assert page["link"][0]["relation"] == "next"
        page = machine.ask(page["link"][0]["url"]).json()
        found += machine.resources(page)
        pages += 1

    assert pages == 2
    assert [len(first["output"]), len(page["output"])] == [2, 2]
    assert len(found) == 7


def test_files_elsewhere_want_no_bearer(start: Start) -> None:
    app = start(change={"bulk_token": False})
    said = Client(app).manifest("Patient/$export?_type=Patient")
    url = said["output"][0]["url"]

    assert said["requiresAccessToken"] is False
    assert url.startswith("http://localhost:")
    assert len(app.http.get(url).content.splitlines()) == 2
    assert app.http.get(url.partition("?")[0]).status_code == 403
    assert app.http.get(url, headers={"Authorization": "Bearer x"}).status_code == 403
    assert len(app.sandbox.ledger.strayed) == 1


def test_files_are_not_kept_for_ever(start: Start, clock: Clock) -> None:
    app = start(clock=clock, change={"bulk_seconds": 60.0})
    machine = Client(app)
    status = machine.kick_off("Patient/$export?_type=Patient").headers["content-location"]
    machine.ask(status)
    url = machine.ask(status).json()["output"][0]["url"]
    assert machine.ask(url).status_code == 200
    clock.now += 61

    machine = Client(app)
    assert machine.ask(url).status_code == 404
    assert machine.ask(status).status_code == 404


@pytest.mark.parametrize(("after", "progress"), [("120", True), ("", False)])
def test_waiting_is_told_or_not(start: Start, after: str, progress: bool) -> None:
    app = start(change={"bulk_polls": 3, "bulk_retry_after": after, "bulk_progress": progress})
    machine = Client(app)
    status = machine.kick_off().headers["content-location"]
    waits = [machine.ask(status) for _ in range(4)]

    assert [one.status_code for one in waits] == [202, 202, 202, 200]
    assert [one.headers.get("retry-after", "") for one in waits[:3]] == [after] * 3
    assert ["x-progress" in one.headers for one in waits[:3]] == [progress] * 3


def test_one_export_at_a_time(start: Start) -> None:
    machine = Client(start(change={"bulk_at_once": 1, "bulk_polls": 0}))
    first = machine.kick_off()
    second = machine.kick_off()

    assert (second.status_code, second.headers["retry-after"]) == (429, "60")
    assert machine.ask(first.headers["content-location"]).status_code == 200
    third = machine.kick_off()
    assert third.status_code == 202
    machine.ask(third.headers["content-location"], "DELETE")
    assert machine.kick_off().status_code == 202


def test_oracle_takes_the_types_once(start: Start) -> None:
    machine = Client(start(vendor="oracle"))

    assert machine.kick_off("Patient/$export?_type=Patient&_type=Observation").status_code == 400
    assert machine.kick_off("Patient/$export?_type=Patient,Observation").status_code == 202


@pytest.mark.parametrize(
    ("vendor", "offered"),
    [
        ("epic", {"Group/everybody/$export"}),
        ("oracle", {"Group/everybody/$export", "Patient/$export"}),
        ("nextgen", set()),
        ("sandbox", {"Group/everybody/$export", "Patient/$export", "$export"}),
    ],
)
def test_what_is_offered_is_declared(start: Start, vendor: str, offered: set[str]) -> None:
    app = start(vendor=vendor)
    machine = Client(app)
    rest = app.fhir("metadata").json()["rest"][0]
    declared = {
        {"Patient": "Patient/$export", "Group": "Group/everybody/$export"}[item["type"]]
        for item in rest["resource"]
        if "export" in [one["name"] for one in item.get("operation", ())]
    }
    declared |= {"$export" for one in rest.get("operation", ()) if one["name"] == "export"}
    paths = ("Patient/$export", "$export", "Group/everybody/$export")
    taken = {path for path in paths if machine.kick_off(path).status_code in (202, 429)}

    assert declared == taken == offered


def test_every_step_may_fail_at_first(start: Start) -> None:
    machine = Client(
        start(change={"bulk_kickoff_fails": 1, "bulk_status_fails": 2, "bulk_file_fails": 1, "bulk_polls": 0})
    )
    assert [machine.kick_off().status_code for _ in range(2)] == [503, 202]
    status = machine.kick_off("Patient/$export?_type=Patient").headers["content-location"]
    answers = [machine.ask(status) for _ in range(3)]
    assert [one.status_code for one in answers] == [503, 503, 200]
    url = answers[2].json()["output"][0]["url"]
    assert [machine.ask(url).status_code for _ in range(3)] == [503, 200, 200]


def test_an_export_may_end_badly_or_in_part(start: Start) -> None:
    machine = Client(start(change={"bulk_ends_badly": True, "bulk_polls": 0}))
    ended = machine.ask(machine.kick_off().headers["content-location"])
    assert (ended.status_code, ended.json()["resourceType"]) == (500, "OperationOutcome")
    partly = Client(start(change={"bulk_errors": True}))
    said = partly.manifest()
    assert partly.resources(said, "error")[0]["resourceType"] == "OperationOutcome"
    assert partly.resources(said)


def test_a_file_is_of_the_moment_of_the_kick_off(app: App, machine: Client) -> None:
    status = machine.kick_off("Patient/$export?_type=Observation").headers["content-location"]
    app.sandbox.put(observation("later"))
    machine.ask(status)

    found = [one["id"] for one in machine.resources(machine.ask(status).json())]
    assert found == ["a1", "a2", "a3", "b1"]
