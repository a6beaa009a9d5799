"""Each fault hits once per resource type and heals; only `broken-resource` stays."""

from __future__ import annotations

import time

import httpx
import orjson
import pytest

from phr.sandbox.config import FAULTS
from phr.sandbox.faults import Faults

from .conftest import ADA, App, Start


def hit(start: Start, fault: str) -> tuple[App, str]:
    app = start(faults=(fault,))
    return app, app.sandbox.issue_token()


@pytest.mark.parametrize(
    ("fault", "status"), [("429", 429), ("500-once", 500), ("503", 503), ("html-error", 502)]
)
def test_an_error_answers_once_for_each_type(start: Start, fault: str, status: int) -> None:
    app, token = hit(start, fault)

    for path in ("Observation?patient=ada", "MedicationRequest/m1", "Patient/ada/$everything", "Binary/note"):
        assert [app.fhir(path, token).status_code for _ in range(3)] == [status, 200, 200], path
    assert app.fhir("Patient/ada", token).status_code == 200, "Patient was hit by $everything"


def test_429_says_when_to_come_back_and_503_is_an_outcome(start: Start) -> None:
    app, token = hit(start, "429")
    assert app.fhir("Observation", token).headers["retry-after"] == "1"
    app, token = hit(start, "503")
    assert app.fhir("Observation", token).json()["resourceType"] == "OperationOutcome"


def test_html_error_is_a_page(start: Start) -> None:
    app, token = hit(start, "html-error")
    response = app.fhir("Observation", token)

    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("<!doctype html>")


def test_expired_token_is_expired_for_real_until_a_refresh(start: Start) -> None:
    app = start(faults=("expired-token",))
    tokens = app.token(code=app.code()).json()

    first = app.fhir("Observation", tokens["access_token"])

    assert first.status_code == 401
    assert 'error="invalid_token"' in first.headers["www-authenticate"]
    assert app.fhir("Observation", tokens["access_token"]).status_code == 401
    renewed = app.refresh(tokens["refresh_token"]).json()["access_token"]
    assert app.fhir("Observation", renewed).status_code == 200


def test_page_2_fails_once_and_its_link_heals(start: Start) -> None:
    app, token = hit(start, "page-2")
    first = app.fhir("Observation?_count=1", token).json()
    link = next(link["url"] for link in first["link"] if link["relation"] == "next")
    path = link.removeprefix(app.sandbox.fhir_base + "/")

    assert [app.fhir(path, token).status_code for _ in range(2)] == [500, 200]
    assert app.ids("Observation?_count=1", token) == ["a1", "a2", "a3"]


def test_slow_takes_its_time_on_every_page_of_the_first_search(start: Start) -> None:
    app, token = hit(start, "slow")

    def seconds() -> float:
        began = time.monotonic()
        assert app.ids("Observation?_count=2", token) == ["a1", "a2", "a3"]
        return time.monotonic() - began

    assert seconds() >= 0.4
    assert seconds() < 0.4


def test_truncated_ends_in_the_middle(start: Start) -> None:
    app, token = hit(start, "truncated")

    with pytest.raises(httpx.RemoteProtocolError):
        app.fhir("Observation", token)
    assert app.ids("Observation", token) == ["a1", "a2", "a3"]
    with pytest.raises(httpx.RemoteProtocolError):
        app.fhir("Patient/ada", token)
    with pytest.raises(httpx.RemoteProtocolError):
        app.fhir("Binary/note", token)
    assert app.fhir("Binary/note", token).content == b"hello"


def test_reset_answers_nothing(start: Start) -> None:
    app, token = hit(start, "reset")

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        app.fhir("Observation", token)
    assert app.ids("Observation", token) == ["a1", "a2", "a3"]
    assert app.sandbox.requests[0] == ("GET", "/fhir/Observation", 0)


def test_a_broken_resource_stays_beside_the_whole_ones(start: Start) -> None:
    app, token = hit(start, "broken-resource")

    for _ in range(2):
        bundle = app.fhir("Observation?patient=ada", token).json()
        resources = [entry["resource"] for entry in bundle["entry"]]
        assert [item["id"] for item in resources if isinstance(item, dict) and "resourceType" in item] == [
            "a1",
            "a2",
            "a3",
        ]
        assert len(resources) == bundle["total"] == 4


def test_broken_resources_take_more_than_one_shape(start: Start) -> None:
    app, token = hit(start, "broken-resource")
    shapes = {
        type(app.fhir(type_, token).json()["entry"][-1]["resource"])
        for type_ in ("Observation", "MedicationRequest", "DocumentReference", "Provenance", "Patient")
    }

    assert len(shapes) > 1


def test_faults_hit_one_after_another(start: Start) -> None:
    app = start(faults=("503", "429"))
    token = app.sandbox.issue_token()

    assert [app.fhir("Observation", token).status_code for _ in range(3)] == [503, 429, 200]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_touches_discovery_sign_in_or_token(start: Start, fault: str) -> None:
    app = start(faults=(fault,))

    assert app.fhir("metadata").status_code == 200
    assert app.fhir(".well-known/smart-configuration").status_code == 200
    tokens = app.token(code=app.code())
    assert tokens.status_code == 200
    assert app.refresh(tokens.json()["refresh_token"]).status_code == 200


def test_a_request_without_a_token_uses_no_fault_up(start: Start) -> None:
    app, token = hit(start, "503")
    assert app.fhir("Observation").status_code == 401

    assert app.fhir("Observation", token).status_code == 503


def test_a_fault_is_taken_once_for_each_type() -> None:
    faults = Faults(["429", "429", "slow"])

    assert [faults.first("A"), faults.first("A"), faults.first("B")] == ["429", None, "429"]
    assert [faults.hits("slow", "A"), faults.hits("slow", "A"), faults.hits("reset", "A")] == [
        True,
        False,
        False,
    ]


def test_without_faults_nothing_is_spoilt(start: Start) -> None:
    app = start()
    body = app.fhir(f"Patient/{ADA}/$everything", app.sandbox.issue_token()).content

    assert orjson.loads(body)["total"] == 8
